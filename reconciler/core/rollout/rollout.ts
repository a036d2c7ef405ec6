// A rollout as a value, and how it goes on. Law: a wave is followed by the next when all its edges that are there have applied what is
// published for them, the soak is over, and everybody reached so far has said since that all is well; one refusal stops everything until the
// settings change again; nobody is taken back by it.
import { AWAY_MS, edgeProgress } from '../pull-request/edge-progress.ts';
import type { MergeEdge } from '../pull-request/merge-fleet.ts';

export const SOAK_SECONDS_DEFAULT = 60;

/** What is kept of a rollout that has not come to its end. */
export interface Rollout {
  /** The commit that brought the settings, as far as one run saw. */
  commit: string;
  /** `wavedHash` of them. */
  settings: string;
  /** Content id of the kokoa.yaml whose sections everybody has who was not reached. */
  settledBlob: string;
  /** All waves but the last; empty only where the store lost them. */
  waves: readonly (readonly string[])[];
  /** Index of the newest wave that has the settings. */
  wave: number;
  /** When it got them; ms since the epoch, as all moments here. */
  sinceMs: number;
  /** Since when all of the wave have applied them. */
  soakSinceMs?: number;
  stopped?: RolloutStop;
}

export interface RolloutStop {
  node: string;
  atMs: number;
  /** In the edge's own words. */
  error?: { stage: string; code: string; detail: string };
}

/** An edge that was reached, and what it said last. */
export interface ReachedEdge extends MergeEdge {
  /** When it said that; absent: never. */
  reportedMs?: number | undefined;
}

export type RolloutStep =
  | { kind: 'waits'; rollout: Rollout }
  | { kind: 'soaks'; rollout: Rollout }
  | { kind: 'advances'; rollout: Rollout }
  | { kind: 'stops'; rollout: Rollout; stopped: RolloutStop }
  /** Everybody gets the settings from now on. */
  | { kind: 'ends'; rollout: Rollout };

/** True when the node has the new settings. */
export function isReached({ waves, wave }: Rollout, node: string): boolean {
  return waves.slice(0, wave + 1).some((nodes) => nodes.includes(node));
}

/** `edges`: those that were reached and get configuration; one that left is missing. `kind: waits` with the same `rollout`: nothing changes. */
export function stepRollout(
  rollout: Rollout,
  edges: readonly ReachedEdge[],
  { nowMs, soakMs }: { nowMs: number; soakMs: number },
): RolloutStep {
  if (rollout.stopped !== undefined) return { kind: 'waits', rollout };
  const refusing = edges.map((edge) => edgeProgress(edge, undefined, nowMs)).find(({ state }) => state === 'refused');
  if (refusing !== undefined) {
    const { node, error } = refusing;
    const stopped = { node, atMs: nowMs, ...(error && { error }) };
    return { kind: 'stops', rollout: { ...rollout, stopped }, stopped };
  }
  const { soakSinceMs } = rollout;
  if (soakSinceMs === undefined) {
    if (waitedFor(rollout, edges, { nowMs, soakMs }).length > 0) return { kind: 'waits', rollout };
    const soaking = { ...rollout, soakSinceMs: nowMs };
    return soakMs > 0 ? { kind: 'soaks', rollout: soaking } : afterSoak(rollout, nowMs);
  }
  // A clock that was set back makes no soak longer than it says.
  if (soakSinceMs > nowMs) return { kind: 'soaks', rollout: { ...rollout, soakSinceMs: nowMs } };
  const isSoaking = nowMs - soakSinceMs < soakMs;
  if (isSoaking || waitedFor(rollout, edges, { nowMs, soakMs }).length > 0) return { kind: 'waits', rollout };
  return afterSoak(rollout, nowMs);
}

/**
 * Before the soak: the edges of the newest wave that have not applied what is published for them, or not without trouble. After it: the edges
 * of every wave so far that have not reported since, or with trouble; a change of routes on its way is none. During it: nobody.
 */
export function waitedFor(
  rollout: Rollout,
  edges: readonly ReachedEdge[],
  { nowMs, soakMs }: { nowMs: number; soakMs: number },
): ReachedEdge[] {
  const { waves, wave, soakSinceMs } = rollout;
  if (soakSinceMs === undefined) {
    const isBehind = ({ published, report }: ReachedEdge) =>
      report?.applied !== published || report?.error !== undefined;
    return unready(waves[wave] ?? [], rollout, edges, nowMs, isBehind);
  }
  const askedMs = soakSinceMs + soakMs;
  if (nowMs < askedMs) return [];
  const isUnheard = ({ reportedMs = Number.NEGATIVE_INFINITY, report }: ReachedEdge) =>
    reportedMs < askedMs || report?.error !== undefined;
  return waves.slice(0, wave + 1).flatMap((names) => unready(names, rollout, edges, nowMs, isUnheard));
}

/**
 * Those of one wave that are there and that `isUnready` says so of. Where nobody of it is there any more, those who spoke when the newest wave
 * got the settings: what silences a whole wave shall not reach the next one.
 */
function unready(
  names: readonly string[],
  { sinceMs }: Rollout,
  edges: readonly ReachedEdge[],
  nowMs: number,
  isUnready: (edge: ReachedEdge) => boolean,
): ReachedEdge[] {
  const members = edges.filter(({ node }) => names.includes(node));
  const there = members.filter(({ lastSeenMs }) => lastSeenMs !== undefined && nowMs - lastSeenMs <= AWAY_MS);
  if (there.length > 0) return there.filter(isUnready);
  return members.filter(({ reportedMs = Number.NEGATIVE_INFINITY }) => reportedMs >= sinceMs - AWAY_MS);
}

function afterSoak(rollout: Rollout, nowMs: number): RolloutStep {
  const { soakSinceMs: _, ...rest } = rollout;
  const wave = rollout.wave + 1;
  if (wave >= rollout.waves.length) return { kind: 'ends', rollout };
  return { kind: 'advances', rollout: { ...rest, wave, sinceMs: nowMs } };
}
