// Requests that wait for something to change. A waiting one costs memory and a timer, nothing else, and always ends.

export type Wake = 'changed' | 'timeout' | 'gone' | 'closed';

export interface Waiters {
  /** Resolves at the next `wake(key)`, after `timeoutMs`, when `signal` aborts, or at `close()`. Never rejects. */
  wait(key: string, timeoutMs: number, signal: AbortSignal): Promise<Wake>;
  wake(key: string): void;
  wakeAll(): void;
  /** Ends all waits, those to come included. */
  close(): void;
  readonly count: number;
}

export function createWaiters(): Waiters {
  const waiting = new Map<string, Set<(wake: Wake) => void>>();
  let count = 0;
  let closed = false;
  const end = (key: string, wake: Wake) => {
    for (const resolve of [...(waiting.get(key) ?? [])]) resolve(wake);
  };
  const endAll = (wake: Wake) => {
    for (const key of [...waiting.keys()]) end(key, wake);
  };
  return {
    wait(key, timeoutMs, signal) {
      if (closed) return Promise.resolve('closed');
      if (signal.aborted) return Promise.resolve('gone');
      return new Promise((resolve) => {
        const sameKey = waiting.get(key) ?? new Set();
        waiting.set(key, sameKey);
        const finish = (wake: Wake) => {
          if (!sameKey.delete(finish)) return;
          count -= 1;
          if (sameKey.size === 0 && waiting.get(key) === sameKey) waiting.delete(key);
          clearTimeout(timer);
          signal.removeEventListener('abort', gone);
          resolve(wake);
        };
        const gone = () => finish('gone');
        const timer = setTimeout(finish, timeoutMs, 'timeout');
        signal.addEventListener('abort', gone, { once: true });
        sameKey.add(finish);
        count += 1;
      });
    },
    wake: (key) => end(key, 'changed'),
    wakeAll: () => endAll('changed'),
    close() {
      closed = true;
      endAll('closed');
    },
    get count() {
      return count;
    },
  };
}
