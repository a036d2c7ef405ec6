// What visitors of one kind met while changes came: how often they asked, and what they lost.

export interface Place {
  /** TLS, on 127.0.0.1. */
  readonly port: number;
  /** PEM that every certificate is verified against. */
  readonly ca: string;
  readonly hostnames: readonly string[];
}

export interface Tally {
  asked: number;
  /** Failed at the first try, also where the server said that it had not begun. */
  failed: number;
  /** Failed although tried again as HTTP allows: what a careful client loses. */
  lost: number;
  /** Why, and how often. */
  readonly reasons: Map<string, number>;
}

/** A kind of visitors at work. `end` waits for what is still asked. */
export interface Visitors {
  readonly tally: Tally;
  end(): Promise<void>;
}

/** Long enough for any machine: whoever waits so long has lost. */
export const VISIT_TIMEOUT_MS = 30_000;
const REASONS_MAX = 20;

export function newTally(): Tally {
  return { asked: 0, failed: 0, lost: 0, reasons: new Map() };
}

export function note({ reasons }: Tally, reason: string): void {
  const known = reasons.has(reason) || reasons.size < REASONS_MAX ? reason : 'other';
  reasons.set(known, (reasons.get(known) ?? 0) + 1);
}

/** Does `once` again and again in `count` places, `everyMs` apart, until told to end. `once` must not throw. */
export function keepAsking(
  tally: Tally,
  count: number,
  everyMs: number,
  once: (index: number) => Promise<void>,
): Visitors {
  let going = true;
  const waiting = new Set<() => void>();
  const pause = () =>
    new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, everyMs);
      waiting.add(wake);
    });
  const one = async (index: number) => {
    while (going) {
      await once(index);
      if (going) await pause();
    }
  };
  const all = Array.from({ length: count }, (_, index) => one(index));
  return {
    tally,
    async end() {
      going = false;
      for (const wake of [...waiting]) wake();
      await Promise.all(all);
    },
  };
}
