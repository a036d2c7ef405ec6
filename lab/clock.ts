// The lab's one clock: wall time with a fraction, steady inside a process, so that moments seen by different processes compare.

/** Milliseconds since the epoch, with microseconds after the point. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
