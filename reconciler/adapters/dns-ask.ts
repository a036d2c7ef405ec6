// Questions to one DNS server, or to the resolver of this machine. Law: nothing is remembered, every question ends, and a server that does not
// answer is never taken for a record that is not there.
import { Resolver } from 'node:dns/promises';
import { KokoaError } from '../../bundle/error.ts';
import type { DnsReader, PublicDns } from '../ports/dns-provider.ts';

const TIMEOUT_MS = 2_000;
const TRIES = 2;
const ABSENT = ['ENOTFOUND', 'ENODATA'];

/** The authority itself. */
export function askDns({ address, port }: { address: string; port: number }): Omit<DnsReader, 'hasOwnRecords'> {
  const server = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  const one = async <T>(ask: (resolver: Resolver) => Promise<T[]>) => answer(ask, server);
  return {
    txt: async (name) => (await one((resolver) => resolver.resolveTxt(name))).map((parts) => parts.join('')),
    cname: async (name) => (await one((resolver) => resolver.resolveCname(name)))[0],
    async isServed(name) {
      if ((await one((resolver) => resolver.resolve4(name))).length > 0) return true;
      if ((await one((resolver) => resolver.resolve6(name))).length > 0) return true;
      return (await one((resolver) => resolver.resolveCname(name))).length > 0;
    },
  };
}

export const publicDns: PublicDns = {
  cname: async (name) => (await answer((resolver) => resolver.resolveCname(name)))[0],
};

/** A resolver for each question: what one remembers would hide what was just written. */
async function answer<T>(ask: (resolver: Resolver) => Promise<T[]>, server?: string): Promise<T[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (server !== undefined) resolver.setServers([server]);
  try {
    return await ask(resolver);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    if (ABSENT.includes(code)) return [];
    throw new KokoaError('dns_unreachable', `${server ?? 'the resolver of this machine'} did not answer: ${code}`, {
      hint: 'check that DNS can be asked from this machine, by UDP and TCP',
      cause: error,
    });
  }
}
