// Which certificates this edge orders now. Laws: one name that fails waits by itself and holds up no other; a name without a certificate comes
// before renewals, and those that end first before the rest; no wait is long against what is left of a life.
import type { Held } from './renewal.ts';

/** A second failure in a row waits twice as long as the first. */
export const BACKOFF_FIRST_MS = 60_000;
export const BACKOFF_MAX_MS = 3_600_000;
/** 2^20 minutes are beyond the maximum anyway. */
const DOUBLINGS_MAX = 20;
/** Of what is left of the life: a renewal that fails is tried again after at most this share of it, so that a dozen more fit in. */
const LEFT_SHARE = 1 / 12;
/** The same, when the CA asks for longer: it is asked again while most of that is left. */
const ASKED_SHARE = 1 / 4;
const RENEWAL_WAIT_MS_MIN = 10_000;

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
  /** Undefined: no certificate that is valid now is held. */
  held(hostname: string): Held | undefined;
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
  const { me, hosts, held, attempts, expectedUntil, inFlight, now, ordersMax } = situation;
  const missing: string[] = [];
  const renewals: { hostname: string; endsMs: number }[] = [];
  let wakeAtMs: number | undefined;
  for (const [hostname, orderer] of hosts) {
    if (orderer !== me || inFlight.has(hostname)) continue;
    const certificate = held(hostname);
    const wantedMs = certificate ? certificate.renewMs : (expectedUntil(hostname) ?? 0);
    const dueMs = Math.max(attempts.get(hostname)?.notBeforeMs ?? 0, wantedMs);
    if (dueMs > now) wakeAtMs = Math.min(wakeAtMs ?? dueMs, dueMs);
    else if (certificate) renewals.push({ hostname, endsMs: certificate.endsMs });
    else missing.push(hostname);
  }
  const start = missing.slice(0, Math.max(0, ordersMax - inFlight.size));
  // One place stays free, so that no new name waits for renewals at a CA that hangs.
  const renewing = [...inFlight].filter(held).length;
  const places = Math.min(ordersMax - inFlight.size - start.length, Math.max(1, ordersMax - 1) - renewing);
  renewals.sort((a, b) => a.endsMs - b.endsMs);
  start.push(...renewals.slice(0, Math.max(0, places)).map(({ hostname }) => hostname));
  return { start, ...(wakeAtMs !== undefined && Number.isFinite(wakeAtMs) && { wakeAtMs }) };
}

/**
 * After failure n: min(2^n × 30 s, 1 h), or as long as the CA asks, whichever is longer. `endsMs`: of the certificate that is held; while it is
 * good, a wait of ours is no longer than a twelfth of what is left of it, and one that the CA asks for no longer than a quarter.
 */
export function afterFailure(before: Attempt | undefined, now: number, retryAfterMs = 0, endsMs = now): Attempt {
  const failures = (before?.failures ?? 0) + 1;
  const doubledMs = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, DOUBLINGS_MAX), BACKOFF_MAX_MS);
  const ofLeft = (share: number) =>
    endsMs > now ? Math.max(RENEWAL_WAIT_MS_MIN, (endsMs - now) * share) : Number.POSITIVE_INFINITY;
  const waitMs = Math.max(Math.min(doubledMs, ofLeft(LEFT_SHARE)), Math.min(retryAfterMs, ofLeft(ASKED_SHARE)));
  return { failures, notBeforeMs: now + waitMs };
}

/**
 * A CA may give what has to be renewed at once, because most of its life is over: that waits for half of what is left. Undefined: nothing need be
 * remembered; what another edge had that was compromised meanwhile is due at once.
 */
export function afterSuccess({ renewMs, endsMs, isExposed }: Held, now: number): Attempt | undefined {
  return renewMs > now || isExposed ? undefined : { failures: 0, notBeforeMs: now + (endsMs - now) / 2 };
}

/** Asked to come back later: no failure, no back-off. */
export function afterRefusal(before: Attempt | undefined, now: number, retryAfterMs: number): Attempt {
  return { failures: before?.failures ?? 0, notBeforeMs: now + retryAfterMs };
}
