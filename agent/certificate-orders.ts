// Orders what this edge is the orderer of: account → lease → certbot → judge → store. Law: a name is ordered only under a
// lease, and only when the signed config names this edge's account, because every edge answers for that one.

import type { KeyObject } from 'node:crypto';
import type { LeaseQuestion, OrderEnd } from '../bundle/api.ts';
import { judgeCertificate } from '../bundle/certificate.ts';
import { isWildcard } from '../bundle/certificate-name.ts';
import type { EdgeConfig } from '../bundle/config.ts';
import { KokoaError } from '../bundle/error.ts';
import { signRelayed } from '../bundle/relayed.ts';
import { type AccountTrouble, createAccountTrouble } from './account-trouble.ts';
import { type Bell, createBell } from './bell.ts';
import type { CaInUse } from './ca-in-use.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { BEING_ORDERED } from './certificates-reasons.ts';
import { noticeStepsBack } from './clock-step.ts';
import { endOfFailure } from './core/order-end.ts';
import { type Attempt, afterFailure, afterRefusal, afterSuccess, planOrders } from './core/order-plan.ts';
import { standingAgainst } from './core/own-certificate.ts';
import { type Held, heldOf } from './core/renewal.ts';
import { createDnsProof } from './dns-proof.ts';
import { createOrderEnds, type OrderEnds } from './order-ends.ts';
import type { AcmeServer, CertificateAuthority } from './ports/certificate-authority.ts';
import type { ControlPlane } from './ports/control-plane.ts';

export const ORDERS_IN_FLIGHT_MAX = 4;
/** Bounds of what a refused lease may ask for. */
export const LEASE_RETRY_MS_MIN = 200;
export const LEASE_RETRY_MS_MAX = 5 * 60_000;
/** Without an answer the lease is asked for again at least this often. */
const UNANSWERED_RETRY_MS_MAX = 60_000;
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
  /** Of this node, ed25519. */
  signingKey: KeyObject;
  view(): EdgeView | undefined;
  shelf: CertificateShelf;
  ca: CertificateAuthority;
  caInUse: CaInUse;
  control: Pick<ControlPlane, 'lease' | 'orderEnded' | 'challenge' | 'challengeEnded'>;
  /** False while the mailbox may hold what would be ordered. */
  mayOrder(): boolean;
  /** What seems to have ended would be ordered again and again, to the limits of the CA. */
  isClockWrong?(): boolean;
  expectedUntil(hostname: string): number | undefined;
  /** ms: when the CA itself suggests to renew what is held of this name, if it does. */
  suggestedAt?(name: string): number | undefined;
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
  ends: OrderEnds;
  bell: Bell;
  /** The CA whose account is `thumbprint`. */
  acme?: AcmeServer;
  thumbprint?: string;
  accountAttempt?: Attempt;
  accountTrouble: AccountTrouble;
}

export function createOrders(dependencies: OrdersDependencies): Orders {
  const { now, explain } = dependencies;
  const state: State = {
    ...{ wentBack: noticeStepsBack(now), attempts: new Map(), inFlight: new Set(), bell: createBell() },
    accountTrouble: createAccountTrouble(explain),
    ends: createOrderEnds(dependencies.control, (end) => signAs(dependencies, end)),
  };
  return {
    wake: () => state.bell.ring(),
    async run(signal) {
      const orders = new Set<Promise<void>>();
      while (!signal.aborted) {
        // What the control plane did not hear: nothing here waits for it.
        void state.ends.tell();
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
  await useCa(current, state, dependencies);
  const thumbprint = await ensureAccount(current, state, dependencies);
  if (!thumbprint) {
    state.accountTrouble.tell(current, (hostname) => shelf.isServed(hostname, now()));
    return { start: [], ...(state.accountAttempt && { wakeAtMs: state.accountAttempt.notBeforeMs }) };
  }

  const { node, edge } = current.config;
  const announced = edge.members.find((member) => member.node === node)?.acmeThumbprint === thumbprint;
  if (!announced || !mayOrder() || dependencies.isClockWrong?.()) return { start: [] };
  for (const hostname of state.attempts.keys())
    if (!current.certificates.has(hostname)) state.attempts.delete(hostname);
  return planOrders({
    me: node,
    hosts: current.certificates,
    held: (name) => heldNow(name, dependencies),
    attempts: state.attempts,
    expectedUntil,
    inFlight: state.inFlight,
    now: now(),
    ordersMax: ORDERS_IN_FLIGHT_MAX,
  });
}

/** What one CA asked to wait for is nothing to another one. */
async function useCa(current: EdgeView, state: State, dependencies: OrdersDependencies): Promise<void> {
  const dueMs = () => dueOf(current, dependencies).map(({ lifetimeMs }) => lifetimeMs);
  const acme = await dependencies.caInUse.choose(current.config.edge.acme, dueMs);
  if (state.acme && acme.server !== state.acme.server) {
    state.attempts.clear();
    delete state.accountAttempt;
  }
  state.acme = acme;
}

/** What orders are to know of a certificate that is held. */
function heldNow(name: string, { view, shelf, suggestedAt, now }: OrdersDependencies): Held | undefined {
  const place = { name, node: view()?.config.node ?? '', suggestedAtMs: suggestedAt?.(name) };
  return heldOf(standingAgainst(shelf.get(name), view()?.certificates.get(name)), place, now());
}

async function ensureAccount(
  current: EdgeView,
  state: State,
  dependencies: OrdersDependencies,
): Promise<string | undefined> {
  const { ca, caInUse, now, log, onAccount } = dependencies;
  const acme = state.acme!;
  if (state.accountAttempt && state.accountAttempt.notBeforeMs > now()) return undefined;
  try {
    const thumbprint = await ca.account(acme);
    if (thumbprint !== state.thumbprint) onAccount(thumbprint);
    state.thumbprint = thumbprint;
    delete state.accountAttempt;
    state.accountTrouble.over();
    return thumbprint;
  } catch (error) {
    const endsMs = dueOf(current, dependencies).reduce((first, due) => Math.min(first, due.endsMs), Infinity);
    state.accountAttempt = afterFailure(state.accountAttempt, now(), retryAfterOf(error), endsMs);
    const { code, detail, hint } = describe(error);
    caInUse.failed(acme, code);
    state.accountTrouble.because(`${code}: ${hint ?? detail}`);
    log.warn({ code, detail, hint }, 'no account at the certificate authority yet');
    return undefined;
  }
}

/** The certificates that this edge is to order now; of one that is not there no end and no lifetime is known: both are Infinity. */
function dueOf({ config, certificates }: EdgeView, dependencies: OrdersDependencies) {
  const atMs = dependencies.now();
  return [...certificates].flatMap(([name, orderer]) => {
    const held = orderer === config.node ? heldNow(name, dependencies) : undefined;
    if (orderer !== config.node || (held && held.renewMs > atMs)) return [];
    const { notBefore = -Infinity, notAfter = Infinity } = (held && dependencies.shelf.get(name)) ?? {};
    return [{ endsMs: notAfter, lifetimeMs: notAfter - notBefore }];
  });
}

async function orderOne(
  hostname: string,
  state: State,
  dependencies: OrdersDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { caInUse, explain, log, now } = dependencies;
  const acme = state.acme!;
  state.inFlight.add(hostname);
  try {
    const before = state.attempts.get(hostname);
    await state.ends.tell();
    const refused = await askLease(hostname, acme, dependencies);
    if (refused) {
      state.attempts.set(hostname, afterRefusal(before, now(), refused.retryAfterMs));
      explain(hostname, refused.reason);
      return;
    }
    state.ends.begun(hostname, acme.server);
    // Another member may have handed it over, and a person imported it, while the lease was asked for.
    const held = heldNow(hostname, dependencies);
    const isWanted = held === undefined || held.renewMs <= now();
    if (isWanted) {
      explain(hostname, BEING_ORDERED);
      await orderAndStore(hostname, acme, state.ends, dependencies, signal);
    }
    state.ends.ended(hostname, { outcome: 'failed' });
    const stored = heldNow(hostname, dependencies);
    const next = stored && afterSuccess(stored, now());
    if (next) state.attempts.set(hostname, next);
    else state.attempts.delete(hostname);
  } catch (error) {
    if (signal.aborted) return;
    state.ends.ended(hostname, endOfFailure(error));
    const endsMs = heldNow(hostname, dependencies)?.endsMs;
    const attempt = afterFailure(state.attempts.get(hostname), now(), retryAfterOf(error), endsMs);
    // What another CA wants is nothing to the one that is used now.
    if (acme.server === state.acme?.server) state.attempts.set(hostname, attempt);
    const { code, detail, hint } = describe(error);
    caInUse.failed(acme, code);
    explain(hostname, `${code}: ${detail}`);
    log.warn({ hostname, code, detail, hint, failures: attempt.failures }, 'a certificate could not be ordered');
  } finally {
    state.inFlight.delete(hostname);
    state.bell.ring();
  }
}

async function orderAndStore(
  hostname: string,
  acme: AcmeServer,
  ends: OrderEnds,
  dependencies: OrdersDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { view, shelf, ca, caInUse, control, explain, log, now, onOrdered } = dependencies;
  const startedMs = now();
  const issued = await ca.order(
    acme,
    hostname,
    signal,
    isWildcard(hostname) ? createDnsProof(hostname, control) : undefined,
  );
  const held = standingAgainst(shelf.get(hostname), view()?.certificates.get(hostname));
  // Whatever becomes of it here, the CA has counted it.
  ends.ended(hostname, { outcome: 'issued' });
  const isRenewal = shelf.isServed(hostname, startedMs);
  const verdict = judgeCertificate({ ...issued, hostname, now: now(), ...(held && { notOlderThan: held.notBefore }) });
  if (!verdict.ok)
    throw new KokoaError('bad_certificate', `the CA's answer was refused: ${verdict.code}: ${verdict.detail}`);
  caInUse.issued(acme);
  await shelf.put(hostname, verdict, 'ordered');
  explain(hostname, undefined);
  log.info(
    { hostname, notAfter: new Date(verdict.notAfter).toISOString(), isRenewal, tookMs: now() - startedMs },
    'certificate ordered',
  );
  onOrdered(hostname);
}

async function askLease(
  name: string,
  { server }: AcmeServer,
  dependencies: OrdersDependencies,
): Promise<{ reason: string; retryAfterMs: number } | undefined> {
  const renewal = dependencies.shelf.get(name) !== undefined;
  const question = signAs<LeaseQuestion>(dependencies, { kind: 'lease', name, server, renewal });
  const asked = await dependencies.control.lease(question);
  if (asked.kind === 'answered') {
    const { lease } = asked;
    return lease.granted ? undefined : { reason: lease.reason, retryAfterMs: clamp(lease.retryAfterMs) };
  }
  const askedMs = asked.kind === 'unreachable' ? clamp(asked.retryAfterMs) : UNANSWERED_RETRY_MS_MAX;
  const retryAfterMs = Math.min(askedMs, UNANSWERED_RETRY_MS_MAX);
  return { reason: `no lease: ${asked.message}`, retryAfterMs };
}

/** What counts for the budget of the fleet is not said by whoever has a token. */
function signAs<T extends LeaseQuestion | OrderEnd>(
  { view, signingKey }: Pick<OrdersDependencies, 'view' | 'signingKey'>,
  item: Omit<T, 'by' | 'signature'>,
): T {
  return signRelayed<T>({ ...item, by: view()!.config.node } as unknown as Omit<T, 'signature'>, signingKey);
}

function clamp(ms: number): number {
  return Math.min(LEASE_RETRY_MS_MAX, Math.max(LEASE_RETRY_MS_MIN, Number.isFinite(ms) ? ms : LEASE_RETRY_MS_MAX));
}

function retryAfterOf(error: unknown): number {
  const cause = error instanceof KokoaError ? error.cause : undefined;
  const ms = (cause as { retryAfterMs?: unknown } | undefined)?.retryAfterMs;
  return typeof ms === 'number' ? ms : 0;
}

function describe(error: unknown): { code: string; detail: string; hint?: string } {
  if (!(error instanceof KokoaError)) return { code: 'unexpected', detail: String(error).slice(0, 300) };
  return { code: error.code, detail: error.message, ...(error.hint && { hint: error.hint }) };
}
