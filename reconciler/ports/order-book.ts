// What the fleet ordered at certificate authorities in the last week, and how long one asked to be left alone. Losing it costs nothing worse
// than counting anew.
import type { OrderOutcome } from '../../bundle/api.ts';

/** Of an order, and of what it counts for. */
export const ORDERS_KEPT_MS = 7 * 24 * 3600_000;
/** All together; the oldest go first. */
export const ORDERS_KEPT_MAX = 200_000;
export const PAUSES_KEPT_MAX = 10_000;

/** One order, from the lease to its end. */
export interface KeptOrder {
  /** URL of the ACME directory. */
  server: string;
  /** Of the certificate: a hostname, or `*.name`. */
  name: string;
  /** The registered domain of `name`. */
  domain: string;
  node: string;
  /** There was a certificate of this name before. */
  renewal: boolean;
  begunMs: number;
  /** Absent: nobody has said yet, and it may have been finalised. */
  outcome?: OrderOutcome;
  /** There exactly when `outcome` is. */
  endedMs?: number;
}

/** `name`: every order. `domain`: those for names that are not renewals and may have been finalised. `node`: every order of its account. */
export type OrdersOf = { server: string } & ({ name: string } | { domain: string } | { node: string });

export type PauseScope = 'name' | 'domain' | 'account' | 'server';

/** Until when nothing is ordered, because the CA asked for it. */
export interface OrderPause {
  server: string;
  scope: PauseScope;
  /** The name, the registered domain, the node that has the account; of a server: ''. */
  subject: string;
  untilMs: number;
  /** Who was told so. */
  node: string;
}

export interface OrderBook {
  /** Begun after `sinceMs`, the newest first, at most `max`. */
  orders(of: OrdersOf, sinceMs: number, max: number): Promise<KeptOrder[]>;
  /** Also forgets what is older than ORDERS_KEPT_MS, and the oldest beyond ORDERS_KEPT_MAX. */
  beginOrder(order: KeptOrder): Promise<void>;
  /** Ends the newest order that this node began for the name; `unknown`: there is none that has not ended. */
  endOrder(end: Pick<KeptOrder, 'server' | 'name' | 'node'> & Ended): Promise<'ended' | 'unknown'>;
  /** Registered domain → how many of its names were newly ordered after `sinceMs` and may have been finalised. */
  newNames(server: string, sinceMs: number): Promise<Map<string, number>>;
  /** Of this server, not over at `nowMs`. */
  pauses(server: string, nowMs: number): Promise<OrderPause[]>;
  /** In place of an earlier one of the same scope and subject, unless that ends later. */
  putPause(pause: OrderPause, nowMs: number): Promise<void>;
}

interface Ended {
  outcome: OrderOutcome;
  endedMs: number;
}
