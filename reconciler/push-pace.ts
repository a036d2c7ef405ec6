// How soon git is asked after a push was announced: at once, unless the last announcements brought nothing. Late and repeated webhooks cost a
// few looks; a real one waits seconds after one in vain, and never longer than for polling.

/** After none, one, and more looks in vain: a storm of a minute is three looks. */
const PAUSES_MS = [0, 3_000, 60_000] as const;

export interface PushPace {
  /** How long a push that is announced at `nowMs` has to wait. */
  delayMs(nowMs: number): number;
  /** Git was asked because of a push, from `nowMs` on, and had something new or not. */
  asked(nowMs: number, hadNews: boolean): void;
}

/** Times are of one monotonic clock. */
export function createPushPace(): PushPace {
  let vain = 0;
  let askedMs = Number.NEGATIVE_INFINITY;
  return {
    delayMs: (nowMs) => Math.max(0, askedMs + PAUSES_MS[vain]! - nowMs),
    asked(nowMs, hadNews) {
      vain = hadNews ? 0 : Math.min(vain + 1, PAUSES_MS.length - 1);
      askedMs = nowMs;
    },
  };
}
