// Orders what this edge is the orderer of: account → lease → certbot → judge → store. Law: a name is ordered only under a
// lease, and only when the signed config names this edge's account, because every edge answers for that one.

import type { KeyObject } from 'node:crypto';
import { judgeCertificate } from '../bundle/certificate.ts';
import { isWildcard } from '../bundle/certificate-name.ts';
import type { EdgeConfig } from '../bundle/config.ts';
import { KokoaError } from '../bundle/error.ts';
import { type Bell, createBell } from './bell.ts';
import type { CaInUse } from './ca-in-use.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { BEING_ORDERED } from './certificates-reasons.ts';
import { noticeStepsBack } from './clock-step.ts';
import { exposedTo } from './core/exposure.ts';
import { endOfFailure } from './core/order-end.ts';
import { type Attempt, afterFailure, afterRefusal, afterSuccess, planOrders } from './core/order-plan.ts';
import { standingAgainst } from './core/own-certificate.ts';
import { createDnsProof } from './dns-proof.ts';
import { createOrderAccount, type OrderAccount } from './order-account.ts';
import { heldNow } from './order-due.ts';
import { createOrderEnds, type OrderEnds } from './order-ends.ts';
import { describeFailure, retryAfterOf } from './order-failure.ts';
import { askLease, signAs } from './order-lease.ts';
import type { AcmeServer, CertificateAuthority } from './ports/certificate-authority.ts';
import type { ControlPlane } from './ports/control-plane.ts';

export const ORDERS_IN_FLIGHT_MAX = 4;
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
  /** Of the config that was planned by last. */
  compromised: string;
  attempts: Map<string, Attempt>;
  inFlight: Set<string>;
  ends: OrderEnds;
  bell: Bell;
  account: OrderAccount;
}

export function createOrders(dependencies: OrdersDependencies): Orders {
  const { now } = dependencies;
  const state: State = {
    wentBack: noticeStepsBack(now),
    compromised: '',
    attempts: new Map(),
    inFlight: new Set(),
    bell: createBell(),
    account: createOrderAccount(dependencies),
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
  const { view, mayOrder, expectedUntil, now } = dependencies;
  const { account, attempts } = state;
  const current = view();
  if (!current) return { start: [] };
  const wentBack = state.wentBack();
  if (wentBack) account.forgetWait();
  const compromised = current.config.edge.compromised?.join() ?? '';
  const isNewlyExposed = compromised !== state.compromised;
  state.compromised = compromised;
  // What one CA asked to wait for is nothing to another one.
  if ((await account.choose(current)) || wentBack || isNewlyExposed) attempts.clear();
  const thumbprint = await account.ensure(current);
  if (!thumbprint) {
    const wakeAtMs = account.retryAtMs();
    return { start: [], ...(wakeAtMs !== undefined && { wakeAtMs }) };
  }

  const { node, edge } = current.config;
  const announced = edge.members.find((member) => member.node === node)?.acmeThumbprint === thumbprint;
  if (!announced || !mayOrder() || dependencies.isClockWrong?.()) return { start: [] };
  for (const hostname of attempts.keys()) if (!current.certificates.has(hostname)) attempts.delete(hostname);
  return planOrders({
    me: node,
    hosts: current.certificates,
    held: (name) => heldNow(name, dependencies),
    attempts,
    expectedUntil,
    inFlight: state.inFlight,
    now: now(),
    ordersMax: ORDERS_IN_FLIGHT_MAX,
  });
}

async function orderOne(
  hostname: string,
  state: State,
  dependencies: OrdersDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { caInUse, explain, log, now } = dependencies;
  const acme = state.account.acme();
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
    if (acme.server === state.account.acme().server) state.attempts.set(hostname, attempt);
    const { code, detail, hint } = describeFailure(error);
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
  const { view, shelf, ca, caInUse, explain, log, now, onOrdered } = dependencies;
  const startedMs = now();
  const issued = await ca.order(
    acme,
    hostname,
    signal,
    isWildcard(hostname) ? createDnsProof(hostname, dependencies) : undefined,
  );
  const held = standingAgainst(shelf.get(hostname), view()?.certificates.get(hostname));
  // Whatever becomes of it here, the CA has counted it.
  ends.ended(hostname, { outcome: 'issued' });
  const isRenewal = shelf.isServed(hostname, startedMs);
  const { compromised } = view()?.config.edge ?? {};
  // What a compromised edge had is no measure: it may have chosen the time itself.
  const isMeasure = held !== undefined && exposedTo(held, compromised).length === 0;
  const measure = isMeasure ? { notOlderThan: held.notBefore } : {};
  const verdict = judgeCertificate({ ...issued, hostname, now: now(), ...measure });
  if (!verdict.ok)
    throw new KokoaError('bad_certificate', `the CA's answer was refused: ${verdict.code}: ${verdict.detail}`);
  caInUse.issued(acme);
  await shelf.put(hostname, verdict, 'ordered', compromised);
  explain(hostname, undefined);
  log.info(
    { hostname, notAfter: new Date(verdict.notAfter).toISOString(), isRenewal, tookMs: now() - startedMs },
    'certificate ordered',
  );
  onOrdered(hostname);
}
