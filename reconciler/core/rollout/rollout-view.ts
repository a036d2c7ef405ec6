// A rollout as people and their monitoring read it.
import { type ReachedEdge, type Rollout, waitedFor } from './rollout.ts';

export interface RolloutView {
  commit: string;
  /**
   * `waiting`: for edges of the wave to apply it, or, after the soak, for edges of any wave so far to say that all is well. `soaking`: all of
   * the wave have applied it. `stopped`: one refused it.
   */
  state: 'waiting' | 'soaking' | 'stopped';
  /** The newest wave that has the settings, from 1 on. */
  wave: number;
  /** By wave; the last one, everybody else, is not named. */
  waves: readonly (readonly string[])[];
  /** ISO 8601, as all moments here. */
  since: string;
  /** Of `waiting`. */
  waitsFor?: { node: string; error?: { stage: string; code: string; detail: string } }[];
  /** Of `soaking`. */
  soakEnds?: string;
  /** Of `stopped`. */
  stopped?: { node: string; since: string; error?: { stage: string; code: string; detail: string } };
}

export function rolloutView(
  rollout: Rollout,
  edges: readonly ReachedEdge[],
  { nowMs, soakMs }: { nowMs: number; soakMs: number },
): RolloutView {
  const { commit, waves, wave, sinceMs, soakSinceMs, stopped } = rollout;
  const common = { commit, wave: wave + 1, waves, since: iso(sinceMs) };
  if (stopped !== undefined) {
    const { node, atMs, error } = stopped;
    return { ...common, state: 'stopped', stopped: { node, since: iso(atMs), ...(error && { error }) } };
  }
  if (soakSinceMs !== undefined && nowMs < soakSinceMs + soakMs)
    return { ...common, state: 'soaking', soakEnds: iso(soakSinceMs + soakMs) };
  const waitsFor = waitedFor(rollout, edges, { nowMs, soakMs }).map(({ node, report }) => ({
    node,
    ...(report?.error && { error: report.error }),
  }));
  return { ...common, state: 'waiting', waitsFor };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
