// Certificates that are ordered anew after a merge, because an edge that had them becomes compromised.
import { nodeOf } from '../../../bundle/certificate-text.ts';
import { chunkEntries } from '../chunks.ts';
import type { Compiled } from '../compile.ts';
import { compromisedByPool } from '../slots.ts';
import type { ReorderedPool } from './change.ts';

/** Costs a walk through the hosts of a pool where there are such edges, and nothing where there are none. */
export function reorderedPools(from: Compiled | undefined, to: Compiled): ReorderedPool[] {
  const before = from ? compromisedIn(from) : {};
  return Object.entries(compromisedIn(to))
    .map(([pool, entries]) => ({ pool, fresh: entries.filter((entry) => !before[pool]?.includes(entry)) }))
    .filter(({ fresh }) => fresh.length > 0)
    .sort((a, b) => (a.pool < b.pool ? -1 : 1))
    .map(({ pool, fresh }) => ({ pool, edges: fresh.map(nodeOf), ...heldIn(to, pool) }));
}

function compromisedIn({ desired, routing }: Compiled): Record<string, string[]> {
  return compromisedByPool(desired, routing.settings.defaultPool);
}

function heldIn({ routing }: Compiled, pool: string): Pick<ReorderedPool, 'count' | 'brought'> {
  const chunks = routing.pools.get(pool);
  const wires = chunks === undefined ? [] : [...chunkEntries(chunks)].map(({ wire }) => wire);
  const opened = wires.filter(({ protocol }) => protocol !== 'tls');
  const ordered = opened.filter(({ ownCertificate }) => ownCertificate === undefined);
  const brought = opened.filter(({ ownCertificate }) => ownCertificate !== undefined);
  return {
    count: new Set(ordered.map(({ hostname, certificate = hostname }) => certificate)).size,
    brought: brought.map(({ hostname }) => hostname).sort(),
  };
}
