// Where an order begins and ends: lease, budget and book together. Law: one order at a time passes, so that two edges never share the last
// one; what counts is written down before the edge hears that it may.
import type { LeaseAnswer, OrderEnd } from '../../bundle/api.ts';
import { LEASE_MS } from '../core/lease.ts';
import { ACCOUNT_WINDOW_MS, judgeOrder, ordersPerWeek, WEEK_MS } from '../core/order-budget.ts';
import { pauseAfter } from '../core/order-pause.ts';
import { registeredDomain } from '../core/registered-domain.ts';
import type { KeptOrder } from '../ports/order-book.ts';
import type { Lease } from '../ports/store.ts';
import type { HttpDeps } from './deps.ts';
import type { HeldCertificate } from './pool-index.ts';

const RETRY_MS_MAX = 60_000;
/** More failures of one name, or orders of edges that are gone, than this in a week change nothing. */
const ORDERS_READ_MAX = 1000;
/** An order that began earlier was over long ago: whoever ends it now asks nobody to wait. */
const PAUSING_ORDER_MS = 2 * LEASE_MS;

export interface AskedOrder {
  pool: string;
  name: string;
  node: string;
  /** URL of the ACME directory; undefined: the agent is too old to say, and its orders are not counted. */
  server: string | undefined;
  renewal: boolean;
  /** Compromised edges of the pool: for each, what is there may be ordered once more. */
  reissues: number;
  /** The certificate in the pool's mailbox. */
  held: Pick<HeldCertificate, 'notBefore' | 'notAfter'> | undefined;
}

export interface OrderDesk {
  /** Whoever asks may order, if lease and budget allow it. */
  begin(asked: AskedOrder): Promise<LeaseAnswer>;
  /** What the edge `end.by` said. */
  end(end: OrderEnd): Promise<'ended' | 'unknown'>;
}

export function createOrderDesk(deps: HttpDeps): OrderDesk {
  const { store, clock, metrics } = deps;
  const inTurn = createTurns();

  async function begin(asked: AskedOrder): Promise<LeaseAnswer> {
    const nowMs = clock().getTime();
    const { server } = asked;
    const book = server === undefined ? undefined : { ...asked, server, domain: registeredDomain(asked.name) };
    const isGoingOn = book !== undefined && (await isUnderWay(book, nowMs));
    if (book !== undefined && !isGoingOn) {
      const wait = await judge(book, nowMs);
      if (wait.kind === 'wait') {
        metrics.order('refused');
        const reason = `${wait.reason}: not before ${new Date(wait.untilMs).toISOString()}`;
        return { granted: false, reason, retryAfterMs: Math.ceil(wait.untilMs - nowMs) };
      }
    }
    const { pool, name: hostname, node } = asked;
    const lease = await take({ pool, hostname, node, expiresMs: nowMs + LEASE_MS }, nowMs);
    if (lease.node !== node) {
      const retryAfterMs = Math.min(RETRY_MS_MAX, Math.max(0, lease.expiresMs - nowMs));
      return { granted: false, reason: `${lease.node} holds the lease`, retryAfterMs };
    }
    if (book !== undefined && !isGoingOn) {
      const { server, name, domain, renewal } = book;
      await store.beginOrder({ server, name, domain, node, renewal, begunMs: nowMs });
      metrics.order('begun');
    }
    return { granted: true, expiresAt: new Date(lease.expiresMs).toISOString() };
  }

  /** An agent that was restarted takes the result of the certbot that went on. */
  async function isUnderWay({ server, name, node }: Book, nowMs: number): Promise<boolean> {
    const [last] = await store.orders({ server, name }, nowMs - LEASE_MS, 1);
    return last !== undefined && last.node === node && last.outcome === undefined;
  }

  async function judge({ server, name, domain, node, renewal, reissues, held }: Book, nowMs: number) {
    const limits = deps.orderLimits(server);
    const lifetimeMs = held && Date.parse(held.notAfter) - Date.parse(held.notBefore);
    const [ofName, ofDomain, ofAccount, pauses] = await Promise.all([
      store.orders({ server, name }, nowMs - WEEK_MS, ORDERS_READ_MAX + ordersPerWeek(limits, lifetimeMs)),
      store.orders({ server, domain }, nowMs - WEEK_MS, ORDERS_READ_MAX + limits.newNamesPerDomain),
      store.orders({ server, node }, nowMs - ACCOUNT_WINDOW_MS, limits.ordersPerAccount),
      store.pauses(server, nowMs),
    ]);
    const [ofNameTold, ofDomainTold] = [ofName.filter(isTold), ofDomain.filter(isTold)];
    const history = { name: ofNameTold, domain: ofDomainTold, account: ofAccount, pauses: pauses.filter(isTold) };
    return judgeOrder({ name, domain, node, renewal, reissues, lifetimeMs, limits, history, nowMs });
  }

  /** What an edge said that has lost its place counts no longer. */
  function isTold({ node }: { node: string }): boolean {
    return stateOf(node, deps) !== 'gone';
  }

  /** A lease of an edge that is silent, or has lost its place, is of no use to it. */
  async function take(lease: Lease, nowMs: number): Promise<Lease> {
    const held = await store.takeLease(lease, nowMs);
    const isLost = deps.health.silent().has(held.node) || stateOf(held.node, deps) !== 'serving';
    if (held.node === lease.node || !isLost) return held;
    const taken = await store.takeLease(lease, nowMs, held.node);
    if (taken.node === lease.node)
      deps.log.warn({ hostname: lease.hostname, edge: lease.node, from: held.node }, 'a lease was taken over');
    return taken;
  }

  return {
    begin: (asked) => inTurn(() => begin(asked)),
    end: (end) =>
      inTurn(async () => {
        const nowMs = clock().getTime();
        const { server, name, outcome, by: node } = end;
        const newest = await store.orders({ server, name }, nowMs - WEEK_MS, ORDERS_READ_MAX);
        const order = newest.find((one) => one.node === node && one.outcome === undefined);
        const ended = await store.endOrder({ server, name, node, outcome, endedMs: nowMs });
        if (ended === 'unknown') return ended;
        metrics.order(outcome);
        const isRecent = order !== undefined && nowMs - order.begunMs < PAUSING_ORDER_MS;
        const pause = isRecent ? pauseAfter(end, { node, renewal: order.renewal, nowMs }) : undefined;
        if (pause !== undefined) {
          await store.putPause(pause, nowMs);
          const { scope, subject, untilMs } = pause;
          const until = new Date(untilMs).toISOString();
          deps.log.warn({ server, scope, subject, until, edge: node }, 'a certificate authority asked for a pause');
        }
        return ended;
      }),
  };
}

type Book = AskedOrder & Pick<KeptOrder, 'server' | 'domain'>;

function stateOf(node: string, { served }: Pick<HttpDeps, 'served'>): 'serving' | 'gone' | 'suspended' {
  const found = [...served.access.values()].find((one) => one.node === node)?.state;
  if (found === 'active' || found === 'draining') return 'serving';
  return found === 'suspended' ? 'suspended' : 'gone';
}

/** One after the other; whoever fails holds up nobody. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
}
