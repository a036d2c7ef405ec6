// Pools that a merge leaves without an edge that takes configuration. Law: only what changes is told; a pool that serves nothing is not missed.
import type { Edge } from '../../../schemas/types.ts';
import type { Compiled } from '../compile.ts';
import { isServed, type Slot, slotsOf } from '../slots.ts';
import type { BereftPool } from './change.ts';

/** Sorted by pool. */
export function bereftPools(from: Compiled | undefined, to: Compiled): BereftPool[] {
  if (from === undefined) return [];
  const [before, after] = [edgesByPool(from), edgesByPool(to)];
  return [...before]
    .filter(([pool, edges]) => edges.some(isActive) && !after.get(pool)?.some(isActive))
    .map(([pool]) => ({ pool, hosts: to.routing.pools.get(pool)?.count ?? 0, left: leftIn(after.get(pool) ?? []) }))
    .filter(({ hosts }) => hosts > 0)
    .sort((a, b) => (a.pool < b.pool ? -1 : 1));
}

function edgesByPool({ desired, routing }: Compiled): Map<string, Slot[]> {
  const edges = slotsOf(desired).filter(({ role }) => role === 'edge');
  return Map.groupBy(edges, ({ file }) => (file.value as Edge).pool ?? routing.settings.defaultPool);
}

function isActive({ state }: Slot): boolean {
  return state === 'active';
}

function leftIn(edges: readonly Slot[]): BereftPool['left'] {
  return edges.filter(isServed).map(({ node, state }) => ({ node, state }));
}
