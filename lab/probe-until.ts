// Asks again and again until the answer is as expected: how the moment is found when something became true.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Expectation,
  mismatch,
  type ProbeResult,
  type ProbeTarget,
  type UntilOptions,
  type UntilResult,
} from './probe-protocol.ts';
import { probe } from './probe-request.ts';

const TIMEOUT_MS = 10_000;
const EVERY_MS = 10;
/** Tries that hang, as towards a black hole, must not pile up. */
const IN_FLIGHT_MAX = 5;

/** Tries `target` every `everyMs`, each try on a new connection, until one matches or the time is over. */
export async function probeUntil(
  target: ProbeTarget,
  expect: Expectation,
  options: UntilOptions,
): Promise<UntilResult> {
  const everyMs = options.everyMs ?? EVERY_MS;
  const end = performance.now() + (options.timeoutMs ?? TIMEOUT_MS);
  let tries = 0;
  let last: ProbeResult | undefined;
  let matched: ProbeResult | undefined;
  const inFlight = new Set<Promise<void>>();
  const attempt = async () => {
    tries++;
    last = await probe(target);
    if (mismatch(last, expect) === undefined) matched ??= last;
  };
  while (matched === undefined && performance.now() < end) {
    const next = performance.now() + everyMs;
    if (inFlight.size < IN_FLIGHT_MAX) {
      const running = attempt().finally(() => inFlight.delete(running));
      inFlight.add(running);
    }
    // Normally a try ends before the next is due; whoever ends first is looked at.
    await Promise.race([...inFlight, sleep(Math.min(everyMs, end - performance.now()))]);
    if (matched === undefined) await sleep(Math.max(next - performance.now(), 0));
  }
  if (matched !== undefined) return { kind: 'matched', at: matched.timings.endedAt, tries, result: matched };
  return last === undefined ? { kind: 'timeout', tries } : { kind: 'timeout', tries, last };
}
