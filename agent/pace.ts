// How often a node does what it does. One place, so that tests may hurry.

export interface Pace {
  /** A long poll waits this long for news. */
  pollSeconds: number;
  /** Between polls that bring nothing and end at once: a server that does not wait is not asked without end. */
  idleMs: number;
  /** After a failed poll, doubled each time up to `retryMsMax`. */
  retryMs: number;
  retryMsMax: number;
  /** A report is sent at least this often. */
  heartbeatMs: number;
  /** How often a change of the node by itself is looked for. */
  revisionMs: number;
  /** How soon a killed tunnel or web server, or a changed packet filter, is noticed. */
  watchMs: number;
  /** Managed files are looked at every so many times. */
  filesEvery: number;
  /** What the machine could not do is tried again after this, doubled each time up to `againMsMax`. */
  againMs: number;
  againMsMax: number;
  /** After TERM, what is still at work is left alone. */
  stopMs: number;
}

export const PACE: Pace = {
  pollSeconds: 50,
  idleMs: 1_000,
  retryMs: 250,
  retryMsMax: 10_000,
  heartbeatMs: 20_000,
  revisionMs: 250,
  watchMs: 1_000,
  filesEvery: 60,
  againMs: 10_000,
  againMsMax: 300_000,
  stopMs: 1_500,
};

/** The `count`-th pause (from 1) of a series that doubles from `firstMs` to `maxMs`. */
export function doubled(firstMs: number, maxMs: number, count: number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(count - 1, 20));
}
