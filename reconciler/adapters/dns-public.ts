// DNS as the public sees it, by the resolver of this machine or by servers that are named. Law: we remember nothing, every question ends, and
// no answer is never taken for a record that is not there.
import { Resolver } from 'node:dns/promises';
import { KokoaError } from '../../bundle/error.ts';
import { nameRecords } from '../core/dns/record-set.ts';
import type { PublicResolver } from '../ports/public-resolver.ts';

export interface PublicResolverOptions {
  /** `ADDRESS` or `ADDRESS:PORT`, an IPv6 address with a port in brackets; default: as this machine is set up. */
  servers?: readonly string[];
  /** Of one try; default 2 s. */
  timeoutMs?: number;
  /** Default 2. */
  tries?: number;
}

interface Told {
  type: string;
  value: string;
}

const TIMEOUT_MS = 2_000;
const TRIES = 2;
const ABSENT = ['ENOTFOUND', 'ENODATA'];

export function createPublicResolver(options: PublicResolverOptions = {}): PublicResolver {
  const { servers, timeoutMs: timeout = TIMEOUT_MS, tries = TRIES } = options;
  return {
    async records(name, signal) {
      // One for each name: the library keeps answers.
      const resolver = new Resolver({ timeout, tries });
      if (servers !== undefined) resolver.setServers(servers);
      const cancel = () => resolver.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      try {
        signal.throwIfAborted();
        return nameRecords((await told(resolver, name)).map((record) => ({ ...record, ttl: 0 })));
      } catch (error) {
        throw unanswered(name, servers, signal.aborted ? 'the work was stopped' : reasonOf(error), error);
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    },
  };
}

async function told(resolver: Resolver, name: string): Promise<Told[]> {
  const aliases = await answers('CNAME', () => resolver.resolveCname(name));
  if (aliases.length > 0) return aliases;
  // Even where the server said that there is no such name: some say so of a type that they do not know.
  const found = await Promise.all([
    answers('A', () => resolver.resolve4(name)),
    answers('AAAA', () => resolver.resolve6(name)),
    answers('TXT', async () => (await resolver.resolveTxt(name)).map((pieces) => pieces.join(''))),
    answers('MX', async () => (await resolver.resolveMx(name)).map(({ exchange }) => exchange)),
  ]);
  return found.flat();
}

async function answers(type: string, ask: () => Promise<string[]>): Promise<Told[]> {
  try {
    return (await ask()).map((value) => ({ type, value }));
  } catch (error) {
    if (ABSENT.includes(reasonOf(error))) return [];
    throw error;
  }
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}

function unanswered(name: string, servers: readonly string[] | undefined, why: string, cause: unknown): KokoaError {
  const who = servers?.join(', ') ?? 'the resolver of this machine';
  return new KokoaError('dns_unreachable', `${who} did not say what stands at ${name}: ${why}`, {
    hint: 'check that DNS can be asked from this machine, by UDP and TCP',
    cause,
  });
}
