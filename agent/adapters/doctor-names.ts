// Addresses of names as the resolver of this machine tells them. Each question ends, and no answer is never taken for a name that is not there.
import { Resolver } from 'node:dns/promises';
import type { ResolvedName } from '../core/doctor-names.ts';

const TIMEOUT_MS = 1_500;
const TRIES = 2;
const ABSENT = ['ENOTFOUND', 'ENODATA'];

/** `servers`: `ADDRESS:PORT`; default: as this machine is set up. Never throws. */
export async function resolveNames(
  names: readonly string[],
  signal: AbortSignal,
  servers?: readonly string[],
): Promise<ResolvedName[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const one = (ask: Promise<string[]>) =>
    ask.catch((error: NodeJS.ErrnoException) => (ABSENT.includes(error.code ?? '') ? [] : undefined));
  try {
    return await Promise.all(
      names.map(async (name) => {
        const [four, six] = await Promise.all([one(resolver.resolve4(name)), one(resolver.resolve6(name))]);
        return {
          name,
          addresses: four === undefined && six === undefined ? undefined : [...(four ?? []), ...(six ?? [])],
        };
      }),
    );
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
