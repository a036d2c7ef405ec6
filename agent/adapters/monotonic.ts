/** CLOCK_MONOTONIC in ms: nobody sets it, and another process of the same boot reads on. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
