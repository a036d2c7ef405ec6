// The order book of the embedded store. Callers hold the transaction.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { OrderOutcome } from '../../bundle/api.ts';
import {
  type KeptOrder,
  ORDERS_KEPT_MAX,
  ORDERS_KEPT_MS,
  type OrderPause,
  type OrdersOf,
  PAUSES_KEPT_MAX,
  type PauseScope,
} from '../ports/order-book.ts';

export interface OrderTable {
  orders(of: OrdersOf, sinceMs: number, max: number): KeptOrder[];
  begin(order: KeptOrder): void;
  end(
    end: Pick<KeptOrder, 'server' | 'name' | 'node'> & { outcome: OrderOutcome; endedMs: number },
  ): 'ended' | 'unknown';
  newNames(server: string, sinceMs: number): Map<string, number>;
  pauses(server: string, nowMs: number): OrderPause[];
  putPause(pause: OrderPause, nowMs: number): void;
}

/** Orders that count for a domain: https://letsencrypt.org/docs/rate-limits/ leaves out renewals, and failures issue nothing. */
const COUNTS = "renewal = 0 AND (outcome IS NULL OR outcome = 'issued')";

export function createOrderTable(database: DatabaseSync): OrderTable {
  const sql = (text: string) => database.prepare(text);
  const newest = 'begun_ms > ? ORDER BY begun_ms DESC, id DESC LIMIT ?';
  const ofName = sql(`SELECT * FROM orders WHERE server = ? AND name = ? AND ${newest}`);
  const ofDomain = sql(`SELECT * FROM orders WHERE server = ? AND domain = ? AND ${COUNTS} AND ${newest}`);
  const ofNode = sql(`SELECT * FROM orders WHERE server = ? AND node = ? AND ${newest}`);
  const begin = sql(
    `INSERT INTO orders (server, name, domain, node, renewal, begun_ms, outcome, ended_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const dropOld = sql('DELETE FROM orders WHERE begun_ms <= ?');
  const dropBeyond = sql('DELETE FROM orders WHERE id <= (SELECT max(id) FROM orders) - ?');
  const end = sql(
    `UPDATE orders SET outcome = ?, ended_ms = ? WHERE id = (SELECT id FROM orders
      WHERE server = ? AND name = ? AND node = ? AND outcome IS NULL ORDER BY begun_ms DESC, id DESC LIMIT 1)`,
  );
  const newNames = sql(
    `SELECT domain, count(*) AS orders FROM orders WHERE server = ? AND begun_ms > ? AND ${COUNTS} GROUP BY domain`,
  );
  const pauses = sql('SELECT * FROM order_pauses WHERE server = ? AND until_ms > ? ORDER BY scope, subject');
  const putPause = sql(
    `INSERT INTO order_pauses VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET until_ms = excluded.until_ms, node = excluded.node WHERE excluded.until_ms > until_ms`,
  );
  const dropPauses = sql('DELETE FROM order_pauses WHERE until_ms <= ?');
  const dropFarPauses = sql(
    `DELETE FROM order_pauses WHERE rowid IN (SELECT rowid FROM order_pauses ORDER BY until_ms DESC LIMIT -1 OFFSET ?)`,
  );

  return {
    orders(of, sinceMs, max) {
      const { server } = of;
      if ('name' in of) return ofName.all(server, of.name, sinceMs, max).map(orderOf);
      if ('domain' in of) return ofDomain.all(server, of.domain, sinceMs, max).map(orderOf);
      return ofNode.all(server, of.node, sinceMs, max).map(orderOf);
    },
    begin({ server, name, domain, node, renewal, begunMs, outcome = null, endedMs = null }) {
      begin.run(server, name, domain, node, renewal ? 1 : 0, begunMs, outcome, endedMs);
      dropOld.run(begunMs - ORDERS_KEPT_MS);
      dropBeyond.run(ORDERS_KEPT_MAX);
    },
    end: ({ server, name, node, outcome, endedMs }) =>
      end.run(outcome, endedMs, server, name, node).changes > 0 ? 'ended' : 'unknown',
    newNames: (server, sinceMs) =>
      new Map(newNames.all(server, sinceMs).map(({ domain, orders }) => [String(domain), Number(orders)])),
    pauses: (server, nowMs) => pauses.all(server, nowMs).map(pauseOf),
    putPause({ server, scope, subject, untilMs, node }, nowMs) {
      dropPauses.run(nowMs);
      putPause.run(server, scope, subject, untilMs, node);
      dropFarPauses.run(PAUSES_KEPT_MAX);
    },
  };
}

type Row = Record<string, SQLOutputValue>;

function orderOf(row: Row): KeptOrder {
  const [server, name, domain, node] = [row.server, row.name, row.domain, row.node].map(String) as [
    string,
    string,
    string,
    string,
  ];
  const ended = row.outcome === null ? {} : { outcome: row.outcome as OrderOutcome, endedMs: Number(row.ended_ms) };
  return { server, name, domain, node, renewal: row.renewal === 1, begunMs: Number(row.begun_ms), ...ended };
}

function pauseOf(row: Row): OrderPause {
  return {
    server: String(row.server),
    scope: String(row.scope) as PauseScope,
    subject: String(row.subject),
    untilMs: Number(row.until_ms),
    node: String(row.node),
  };
}
