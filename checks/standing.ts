// What results in a row say of one target. Pure: it is unknown until enough of them agree, and then stays what it is until enough say
// otherwise.
import { type CheckResult, NO_ROUTE, type Pace } from './check.ts';

export interface TargetStanding {
  state: 'unknown' | 'up' | 'down';
  /** Since when it is in this state, ms since the epoch. */
  sinceMs: number;
  /** Results of the same kind in a row, the newest included; one of them is 0. */
  successes: number;
  failures: number;
  /** Of a target that is down: what the failure said that decided it. Later ones do not change it. */
  reason?: string;
  /** What the last failure said, however long ago. */
  lastFailure?: string;
}

/** Nothing is known of it yet. */
export function unknownSince(nowMs: number): TargetStanding {
  return { state: 'unknown', sinceMs: nowMs, successes: 0, failures: 0 };
}

/** After one more result. That this machine has no route to the target says nothing of the target. */
export function after(
  before: TargetStanding,
  result: CheckResult,
  { healthy, unhealthy }: Pick<Pace, 'healthy' | 'unhealthy'>,
  nowMs: number,
): TargetStanding {
  if (!result.ok && result.reason === NO_ROUTE) return { ...before, lastFailure: result.reason };
  const successes = result.ok ? before.successes + 1 : 0;
  const failures = result.ok ? 0 : before.failures + 1;
  const counted = { ...before, successes, failures, ...(!result.ok && { lastFailure: result.reason }) };
  if (result.ok && before.state !== 'up' && successes >= healthy) {
    const { reason: _over, ...rest } = counted;
    return { ...rest, state: 'up', sinceMs: nowMs };
  }
  if (!result.ok && before.state !== 'down' && failures >= unhealthy)
    return { ...counted, state: 'down', sinceMs: nowMs, reason: result.reason };
  return counted;
}
