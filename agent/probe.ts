// PROBE: looks until everything that held before holds again. Only what held just before can condemn a change, so an origin
// that was down, or strangers' noise in a log, never rolls anything back.
import { setTimeout as delay } from 'node:timers/promises';

/** Check name → whether it holds now. */
export type ProbeResults = Readonly<Record<string, boolean>>;

/** DESIGN §8: the probe ends at its first success, after 60 s at most. */
const PROBE_TIMEOUT_MS = 60_000;
const PROBE_EVERY_MS = 200;

/**
 * Repeats `look` until every check that was true in `before` (and still exists) is true again.
 * Answers the names that stayed broken; empty: all is well.
 */
export async function brokenSince(
  before: ProbeResults,
  look: () => Promise<ProbeResults>,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<string[]> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const after = await look();
    const broken = Object.keys(before).filter((name) => before[name] === true && after[name] === false);
    if (broken.length === 0 || performance.now() >= deadline) return broken.sort();
    await delay(PROBE_EVERY_MS);
  }
}
