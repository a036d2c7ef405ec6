// Lets a loop sleep until something happens or some time passes. Rings between two waits are not lost, and many count as one.

export interface Bell {
  ring(): void;
  /** Resolves at the next ring, after `ms`, or on abort; at once when it rang since the last wait. One waiter at a time. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) await sleep(ms, signal);
      rung = false;
    },
  };

  function sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, ms));
      signal.addEventListener('abort', done);
      wake = done;
    });
  }
}
