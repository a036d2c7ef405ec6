// How often GitHub is asked again, and when not at all. Law: what is told is waited, but not for long; the rest is the caller's decision,
// and until a limit's time is over nobody asks.
import { ForgeError } from '../ports/forge.ts';

export const ATTEMPTS_MAX = 3;
/** All waiting of one operation. */
export const WAITING_MS_MAX = 20_000;
const FIRST_PAUSE_MS = 1000;

export interface PatienceDeps {
  clock(): Date;
  /** Resolves after the time, rejects when the forge is closed. */
  wait(ms: number): Promise<void>;
}

export interface Patience {
  /** Runs an operation that may be repeated. @throws ForgeError of the last attempt */
  run<T>(operation: () => Promise<T>): Promise<T>;
}

export function createPatience({ clock, wait }: PatienceDeps): Patience {
  let limitedUntilMs = 0;

  function refuseWhileLimited(): void {
    const waitMs = limitedUntilMs - clock().getTime();
    if (waitMs > 0) throw new ForgeError('forge_limited', 'nothing is asked until the limit is over', { waitMs });
  }

  return {
    async run(operation) {
      refuseWhileLimited();
      let leftMs = WAITING_MS_MAX;
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await operation();
        } catch (error) {
          const pauseMs = pauseAfter(error, attempt);
          if (pauseMs === undefined || attempt === ATTEMPTS_MAX || pauseMs > leftMs) {
            if (error instanceof ForgeError && error.waitMs !== undefined)
              limitedUntilMs = clock().getTime() + error.waitMs;
            throw error;
          }
          leftMs -= pauseMs;
          await wait(pauseMs);
        }
      }
    },
  };
}

/** Undefined: asking again would get the same answer. */
function pauseAfter(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof ForgeError)) return undefined;
  if (error.code === 'forge_limited') return error.waitMs;
  return error.code === 'forge_down' ? FIRST_PAUSE_MS * 2 ** (attempt - 1) : undefined;
}
