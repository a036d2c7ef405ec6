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
  /** How often in a row this machine could not look; absent: the last time it could. */
  unseen?: number;
  /** Of a target that is down: what the failure said that decided it. Later ones do not change it. */
  reason?: string;
  /** What the last failure said, however long ago. */
  lastFailure?: string;
}

/** Nothing is known of it yet. */
export function unknownSince(nowMs: number): TargetStanding {
  return { state: 'unknown', sinceMs: nowMs, successes: 0, failures: 0 };
}

/** After one more result. That this machine has no route to the target says nothing of it, and after a while nothing is known of it. */
export function after(
  before: TargetStanding,
  result: CheckResult,
  { healthy, unhealthy }: Pick<Pace, 'healthy' | 'unhealthy'>,
  nowMs: number,
): TargetStanding {
  if (!result.ok && result.reason === NO_ROUTE) return unseen(before, unhealthy, nowMs);
  const successes = result.ok ? before.successes + 1 : 0;
  const failures = result.ok ? 0 : before.failures + 1;
  const { unseen: _seen, ...known } = before;
  const counted = { ...known, successes, failures, ...(!result.ok && { lastFailure: result.reason }) };
  if (result.ok && before.state !== 'up' && successes >= healthy) {
    const { reason: _over, ...rest } = counted;
    return { ...rest, state: 'up', sinceMs: nowMs };
  }
  if (!result.ok && before.state !== 'down' && failures >= unhealthy)
    return { ...counted, state: 'down', sinceMs: nowMs, reason: result.reason };
  return counted;
}

/** Whoever cannot look any more does not know any more. */
function unseen(before: TargetStanding, unhealthy: number, nowMs: number): TargetStanding {
  const unseenInRow = (before.unseen ?? 0) + 1;
  if (before.state === 'unknown' || unseenInRow < unhealthy)
    return { ...before, unseen: unseenInRow, lastFailure: NO_ROUTE };
  return { ...unknownSince(nowMs), unseen: unseenInRow, lastFailure: NO_ROUTE };
}
