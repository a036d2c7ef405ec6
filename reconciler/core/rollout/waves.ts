// Who gets new settings when: the canaries, a quarter of each pool, everybody else. Law: a function of the machines alone; every edge is in
// one wave, a pool of several edges never meets new settings as a whole before the last one, and origins come with the last.
import type { Edge } from '../../../schemas/types.ts';
import type { Desired } from '../desired.ts';
import { slotsOf } from '../slots.ts';

export const QUARTER_PERCENT = 25;

export interface WaveCandidate {
  node: string;
  pool: string;
  /** Its file says `canary: true`. */
  canary: boolean;
  /** False: nobody would learn anything of it now. */
  isThere: boolean;
}

/** The active edges of these pools, sorted by name. */
export function candidatesOf(
  desired: Desired,
  pools: 'all' | ReadonlySet<string>,
  isThere: (node: string) => boolean,
): WaveCandidate[] {
  const defaultPool = desired.kokoa?.value?.pools[0]?.name ?? '';
  return slotsOf(desired).flatMap(({ node, role, state, file }): WaveCandidate[] => {
    if (role !== 'edge' || state !== 'active') return [];
    const { pool = defaultPool, canary = false } = file.value as Edge;
    return pools === 'all' || pools.has(pool) ? [{ node, pool, canary, isThere: isThere(node) }] : [];
  });
}

/**
 * All waves but the last, which is everybody else. Empty: one wave, because there are fewer than two edges. `candidates` are sorted by
 * name; of those who did not say `canary`, the first who are there are taken.
 */
export function wavesOf(candidates: readonly WaveCandidate[]): string[][] {
  if (candidates.length < 2) return [];
  const pools = [...Map.groupBy(candidates, ({ pool }) => pool).values()].map(likelyFirst);
  const canaries = new Set(pools.flatMap((edges) => canariesOf(edges)).map(({ node }) => node));
  if (canaries.size === 0) canaries.add(likelyFirst(candidates)[0]!.node);
  const quarter = pools.flatMap((edges) => {
    const reached = edges.filter(({ node }) => canaries.has(node)).length;
    const wanted = Math.ceil((edges.length * QUARTER_PERCENT) / 100) - reached;
    const others = edges.filter(({ node }) => !canaries.has(node));
    return edges.length < 2 ? [] : others.slice(0, Math.max(0, wanted)).map(({ node }) => node);
  });
  return [[...canaries].sort(), quarter.sort()].filter((wave) => wave.length > 0);
}

/** A pool with one edge has nobody to try it on: it waits for the last wave, unless its edge is marked. */
function canariesOf(pool: readonly WaveCandidate[]): readonly WaveCandidate[] {
  const marked = pool.filter(({ canary }) => canary);
  if (pool.length < 2) return marked;
  if (marked.some(({ isThere }) => isThere)) return marked;
  const there = pool.filter(({ isThere }) => isThere);
  return [...marked, ...(there.length > 0 || marked.length === 0 ? [(there[0] ?? pool[0])!] : [])];
}

function likelyFirst(edges: readonly WaveCandidate[]): readonly WaveCandidate[] {
  return [...edges].sort((a, b) => Number(b.isThere) - Number(a.isThere));
}
