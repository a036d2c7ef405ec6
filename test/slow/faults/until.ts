// Waits for what a program brings about by itself; bounded, and says what did not come.
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 10;
/** A bound against hanging: a busy machine is slow. */
const WAIT_MS_MAX = 90_000;

/** @throws Error with what `state` says when it does not hold in time */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  state: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error(`did not happen within ${WAIT_MS_MAX / 1000} s: ${what} ${state()}`);
    await delay(LOOK_EVERY_MS);
  }
}
