// Which certificates this edge orders now. Law: one name that fails waits by itself and holds up no other.

/** A second failure in a row waits twice as long as the first. */
export const BACKOFF_FIRST_MS = 60_000;
export const BACKOFF_MAX_MS = 3_600_000;
/** 2^20 minutes are beyond the maximum anyway. */
const DOUBLINGS_MAX = 20;

/** What is remembered of a name that could not be ordered. */
export interface Attempt {
  /** In a row. */
  failures: number;
  /** ms: not again before this. */
  notBeforeMs: number;
}

export interface OrderSituation {
  me: string;
  /** Every host of the config and its orderer, in the order they came first. */
  hosts: ReadonlyMap<string, string | undefined>;
  /** True while a certificate that is valid now is held. */
  isServed(hostname: string): boolean;
  attempts: ReadonlyMap<string, Attempt>;
  /** Another member may still hand this one over, until then (ms). */
  expectedUntil(hostname: string): number | undefined;
  inFlight: ReadonlySet<string>;
  now: number;
  /** Orders at once, those in flight included. */
  ordersMax: number;
}

export interface OrderPlan {
  /** Start these now, in this order. */
  start: string[];
  /** ms: when the plan may be another without anything happening. */
  wakeAtMs?: number;
}

export function planOrders(situation: OrderSituation): OrderPlan {
  const { me, hosts, isServed, attempts, expectedUntil, inFlight, now, ordersMax } = situation;
  const start: string[] = [];
  let wakeAtMs: number | undefined;
  for (const [hostname, orderer] of hosts) {
    if (orderer !== me || hostname.startsWith('*.') || inFlight.has(hostname) || isServed(hostname)) continue;
    const dueMs = Math.max(attempts.get(hostname)?.notBeforeMs ?? 0, expectedUntil(hostname) ?? 0);
    if (dueMs > now) wakeAtMs = Math.min(wakeAtMs ?? dueMs, dueMs);
    else if (inFlight.size + start.length < ordersMax) start.push(hostname);
  }
  return { start, ...(wakeAtMs !== undefined && { wakeAtMs }) };
}

/** After failure n: min(2^n × 30 s, 1 h), or as long as the CA asks, whichever is longer. */
export function afterFailure(before: Attempt | undefined, now: number, retryAfterMs = 0): Attempt {
  const failures = (before?.failures ?? 0) + 1;
  const waitMs = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, DOUBLINGS_MAX), BACKOFF_MAX_MS);
  return { failures, notBeforeMs: now + Math.max(waitMs, retryAfterMs) };
}

/** Asked to come back later: no failure, no back-off. */
export function afterRefusal(before: Attempt | undefined, now: number, retryAfterMs: number): Attempt {
  return { failures: before?.failures ?? 0, notBeforeMs: now + retryAfterMs };
}
