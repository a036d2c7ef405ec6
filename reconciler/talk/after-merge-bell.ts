// Waits that can be cut short. Law: a ring that comes while nobody waits is not lost, and many rings are one.
export interface Bell {
  ring(): void;
  /** Resolves when it rings or has rung since the last wait, after `ms`, or when `signal` aborts. Never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      isRung = true;
      wake?.();
    },
    wait: (ms, signal) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          wake = undefined;
          isRung = false;
          resolve();
        };
        const timer = setTimeout(done, ms);
        wake = done;
        signal.addEventListener('abort', done);
        if (isRung || signal.aborted) done();
      }),
  };
}
