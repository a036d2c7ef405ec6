// How far one edge is with what is published for it. Law: who took it once has taken it, whatever is published later.
import type { MergeEdge } from './merge-fleet.ts';

/** Silence of an edge for this long is an absence: nobody waits for it. */
export const AWAY_MS = 10 * 60_000;

export interface EdgeProgress {
  node: string;
  pool: string;
  /** `took`: its web server runs with it. `refused`: it does not take it, and serves what it had. */
  state: 'waiting' | 'took' | 'refused' | 'away';
  /** Of `waiting` and `refused`: the edge's own words. */
  error?: { stage: string; code: string; detail: string };
  /** Of `away`: it has never been heard of. */
  isUnknown?: true;
  /** It took what was published for it, and settings that the merge touches come with a later wave. */
  isQueued?: true;
}

/** `waved`: the merge touches settings that go out in waves. */
export function progressOfEdge(
  edge: MergeEdge,
  before: EdgeProgress | undefined,
  { nowMs, waved }: { nowMs: number; waved: boolean },
): EdgeProgress {
  const isQueued = waved && edge.isBehind === true;
  // What it took before its wave had the older settings.
  const known = before?.isQueued && !isQueued ? undefined : before;
  const { isQueued: _, ...progress } = edgeProgress(edge, known, nowMs);
  return isQueued ? { ...progress, isQueued } : progress;
}

export function edgeProgress(edge: MergeEdge, before: EdgeProgress | undefined, nowMs: number): EdgeProgress {
  const { node, pool, published, report, lastSeenMs } = edge;
  if (before?.state === 'took') return before;
  if (report !== undefined && published !== undefined && report.applied === published)
    return { node, pool, state: 'took' };
  if (lastSeenMs === undefined) return { node, pool, state: 'away', isUnknown: true };
  const error = report?.error && { error: report.error };
  const isRefused = report?.state === 'refused' || report?.state === 'rolled_back';
  if (isRefused && report?.offered === published) return { node, pool, state: 'refused', ...error };
  if (nowMs - lastSeenMs > AWAY_MS) return { node, pool, state: 'away' };
  return { node, pool, state: 'waiting', ...(report?.offered === published && error) };
}

/** True when the edge runs with all that the merge changes. */
export function hasTaken({ state, isQueued }: EdgeProgress): boolean {
  return state === 'took' && !isQueued;
}
