// Orders what this edge is the orderer of: account → lease → certbot → judge → store. Law: a name is ordered only under a
// lease, and only when the signed config names this edge's account, because every edge answers for that one.

import { judgeCertificate } from '../bundle/certificate.ts';
import type { EdgeConfig } from '../bundle/config.ts';
import { KokoaError } from '../bundle/error.ts';
import { type AccountTrouble, createAccountTrouble } from './account-trouble.ts';
import { type Bell, createBell } from './bell.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { BEING_ORDERED } from './certificates-reasons.ts';
import { noticeStepsBack } from './clock-step.ts';
import { type Attempt, afterFailure, afterRefusal, planOrders } from './core/order-plan.ts';
import type { CertificateAuthority } from './ports/certificate-authority.ts';
import type { ControlPlane } from './ports/control-plane.ts';

export const ORDERS_IN_FLIGHT_MAX = 4;
/** Bounds of what a refused lease may ask for. */
export const LEASE_RETRY_MS_MIN = 200;
export const LEASE_RETRY_MS_MAX = 60_000;
const UNAUTHORIZED_RETRY_MS = 60_000;
const TICK_MS = 30_000;

export interface EdgeView {
  config: EdgeConfig;
  /** Certificate name → its orderer, in the order they came first. */
  certificates: ReadonlyMap<string, string | undefined>;
  /** Hostname → name of the certificate that serves it. */
  servedBy: ReadonlyMap<string, string>;
}

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface OrdersDependencies {
  view(): EdgeView | undefined;
  shelf: CertificateShelf;
  ca: CertificateAuthority;
  control: Pick<ControlPlane, 'lease'>;
  /** False while the mailbox may hold what would be ordered. */
  mayOrder(): boolean;
  /** What seems to have ended would be ordered again and again, to the limits of the CA. */
  isClockWrong?(): boolean;
  expectedUntil(hostname: string): number | undefined;
  onAccount(thumbprint: string): void;
  /** A certificate of this edge's own order was stored. */
  onOrdered(hostname: string): void;
  /** Why a hostname has no certificate; undefined: it has. */
  explain(hostname: string, reason: string | undefined): void;
  log: Log;
  now(): number;
}

export interface Orders {
  wake(): void;
  /** Until `signal` aborts. certbot runs that are under way go on; the next start takes their results. */
  run(signal: AbortSignal): Promise<void>;
}

interface State {
  wentBack(): boolean;
  attempts: Map<string, Attempt>;
  inFlight: Set<string>;
  bell: Bell;
  thumbprint?: string;
  accountAttempt?: Attempt;
  accountTrouble: AccountTrouble;
}

export function createOrders(dependencies: OrdersDependencies): Orders {
  const { now, explain } = dependencies;
  const state: State = {
    ...{ wentBack: noticeStepsBack(now), attempts: new Map(), inFlight: new Set(), bell: createBell() },
    accountTrouble: createAccountTrouble(explain),
  };
  return {
    wake: () => state.bell.ring(),
    async run(signal) {
      const orders = new Set<Promise<void>>();
      while (!signal.aborted) {
        const { start, wakeAtMs } = await next(state, dependencies);
        for (const hostname of start) {
          const order = orderOne(hostname, state, dependencies, signal).finally(() => orders.delete(order));
          orders.add(order);
        }
        const waitMs = wakeAtMs === undefined ? TICK_MS : Math.min(TICK_MS, wakeAtMs - now());
        await state.bell.wait(waitMs, signal);
      }
      await Promise.all(orders);
    },
  };
}

async function next(state: State, dependencies: OrdersDependencies): Promise<{ start: string[]; wakeAtMs?: number }> {
  const { view, shelf, mayOrder, expectedUntil, now } = dependencies;
  const current = view();
  if (!current) return { start: [] };
  if (state.wentBack()) {
    state.attempts.clear();
    delete state.accountAttempt;
  }
  const thumbprint = await ensureAccount(current, state, dependencies);
  if (!thumbprint) {
    state.accountTrouble.tell(current, (hostname) => shelf.isServed(hostname, now()));
    return { start: [], ...(state.accountAttempt && { wakeAtMs: state.accountAttempt.notBeforeMs }) };
  }

  const { node, edge } = current.config;
  const announced = edge.members.find((member) => member.node === node)?.acmeThumbprint === thumbprint;
  if (!announced || !mayOrder() || dependencies.isClockWrong?.()) return { start: [] };
  for (const hostname of state.attempts.keys()) if (!current.certificates.has(hostname)) state.attempts.delete(hostname);
  return planOrders({
    me: node,
    hosts: current.certificates,
    isServed: (hostname) => shelf.isServed(hostname, now()),
    attempts: state.attempts,
    expectedUntil,
    inFlight: state.inFlight,
    now: now(),
    ordersMax: ORDERS_IN_FLIGHT_MAX,
  });
}

async function ensureAccount(
  { config }: EdgeView,
  state: State,
  dependencies: OrdersDependencies,
): Promise<string | undefined> {
  const { ca, now, log, onAccount } = dependencies;
  if (state.accountAttempt && state.accountAttempt.notBeforeMs > now()) return undefined;
  try {
    const thumbprint = await ca.account(config.edge.acme);
    if (thumbprint !== state.thumbprint) onAccount(thumbprint);
    state.thumbprint = thumbprint;
    delete state.accountAttempt;
    state.accountTrouble.over();
    return thumbprint;
  } catch (error) {
    state.accountAttempt = afterFailure(state.accountAttempt, now());
    const { code, detail, hint } = describe(error);
    state.accountTrouble.because(`${code}: ${hint ?? detail}`);
    log.warn({ code, detail, hint }, 'no account at the certificate authority yet');
    return undefined;
  }
}

async function orderOne(
  hostname: string,
  state: State,
  dependencies: OrdersDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { explain, log, now } = dependencies;
  state.inFlight.add(hostname);
  try {
    const before = state.attempts.get(hostname);
    const refused = await askLease(hostname, dependencies);
    if (refused) {
      state.attempts.set(hostname, afterRefusal(before, now(), refused.retryAfterMs));
      explain(hostname, refused.reason);
      return;
    }
    explain(hostname, BEING_ORDERED);
    await orderAndStore(hostname, dependencies, signal);
    state.attempts.delete(hostname);
  } catch (error) {
    if (signal.aborted) return;
    const attempt = afterFailure(state.attempts.get(hostname), now(), retryAfterOf(error));
    state.attempts.set(hostname, attempt);
    const { code, detail, hint } = describe(error);
    explain(hostname, `${code}: ${detail}`);
    log.warn({ hostname, code, detail, hint, failures: attempt.failures }, 'a certificate could not be ordered');
  } finally {
    state.inFlight.delete(hostname);
    state.bell.ring();
  }
}

async function orderAndStore(hostname: string, dependencies: OrdersDependencies, signal: AbortSignal): Promise<void> {
  const { view, shelf, ca, explain, log, now, onOrdered } = dependencies;
  const startedMs = now();
  const issued = await ca.order(view()!.config.edge.acme, hostname, signal);
  const held = shelf.get(hostname);
  const verdict = judgeCertificate({ ...issued, hostname, now: now(), ...(held && { notOlderThan: held.notBefore }) });
  if (!verdict.ok)
    throw new KokoaError('bad_certificate', `the CA's answer was refused: ${verdict.code}: ${verdict.detail}`);
  await shelf.put(hostname, verdict, 'ordered');
  explain(hostname, undefined);
  log.info(
    { hostname, notAfter: new Date(verdict.notAfter).toISOString(), tookMs: now() - startedMs },
    'certificate ordered',
  );
  onOrdered(hostname);
}

async function askLease(
  hostname: string,
  { control }: Pick<OrdersDependencies, 'control'>,
): Promise<{ reason: string; retryAfterMs: number } | undefined> {
  const asked = await control.lease(hostname);
  if (asked.kind === 'answered') {
    const { lease } = asked;
    return lease.granted ? undefined : { reason: lease.reason, retryAfterMs: clamp(lease.retryAfterMs) };
  }
  const retryAfterMs = asked.kind === 'unreachable' ? clamp(asked.retryAfterMs) : UNAUTHORIZED_RETRY_MS;
  return { reason: `no lease: ${asked.message}`, retryAfterMs };
}

function clamp(ms: number): number {
  return Math.min(LEASE_RETRY_MS_MAX, Math.max(LEASE_RETRY_MS_MIN, Number.isFinite(ms) ? ms : LEASE_RETRY_MS_MAX));
}

function retryAfterOf(error: unknown): number {
  const cause = error instanceof KokoaError && error.code === 'acme_rate_limited' ? error.cause : undefined;
  const ms = (cause as { retryAfterMs?: unknown } | undefined)?.retryAfterMs;
  return typeof ms === 'number' ? ms : 0;
}

function describe(error: unknown): { code: string; detail: string; hint?: string } {
  if (!(error instanceof KokoaError)) return { code: 'unexpected', detail: String(error).slice(0, 300) };
  return { code: error.code, detail: error.message, ...(error.hint && { hint: error.hint }) };
}
