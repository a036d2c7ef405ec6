// PROBE: looks until everything that held before holds again. Only what held just before can condemn a change, so an origin
// that was down, or strangers' noise in a log, never rolls anything back.
import { setTimeout as delay } from 'node:timers/promises';

/** Check name → whether it holds now. What could not be seen in time is left out: it neither holds nor condemns. */
export type ProbeResults = Readonly<Record<string, boolean>>;

/** The probe ends at its first success, after 60 s at most. */
export const PROBE_MS = 60_000;
const PROBE_EVERY_MS = 200;

/** The checks with this result, sorted. */
export function checksThat(result: 'hold' | 'fail', results: ProbeResults): string[] {
  const names = Object.keys(results).filter((name) => results[name] === (result === 'hold'));
  return names.sort();
}

/**
 * Repeats `look`, which asks only what held before, until nothing is seen to fail.
 * Answers the checks that still failed when time was up, sorted; empty: all is well.
 */
export async function stillBroken(look: () => Promise<ProbeResults>, timeoutMs: number): Promise<string[]> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const broken = checksThat('fail', await look());
    if (broken.length === 0 || performance.now() >= deadline) return broken;
    await delay(PROBE_EVERY_MS);
  }
}
