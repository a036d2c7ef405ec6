// Which edges are in DNS, in the embedded store. Callers hold the transaction.
import type { DatabaseSync } from 'node:sqlite';
import type { Member } from '../core/health/pool-members.ts';

export interface PoolMemberTable {
  all(): Map<string, Member[]>;
  save(pool: string, members: readonly Member[]): void;
}

export function createPoolMemberTable(database: DatabaseSync): PoolMemberTable {
  const all = database.prepare('SELECT * FROM pool_members ORDER BY pool, edge');
  const clear = database.prepare('DELETE FROM pool_members WHERE pool = ?');
  const put = database.prepare('INSERT INTO pool_members VALUES (?, ?, ?, ?, ?, ?, ?)');
  return {
    all() {
      const byPool = Map.groupBy(all.all(), ({ pool }) => String(pool));
      return new Map([...byPool].map(([pool, rows]) => [pool, rows.map(memberOf)]));
    },
    save(pool, members) {
      clear.run(pool);
      for (const { edge, inDns, sinceMs, reason = null, falls, healthySinceMs = null } of members)
        put.run(pool, edge, inDns ? 1 : 0, sinceMs, reason, falls, healthySinceMs);
    },
  };
}

function memberOf(row: Record<string, unknown>): Member {
  return {
    edge: String(row.edge),
    inDns: row.in_dns === 1,
    sinceMs: Number(row.since_ms),
    ...(row.reason !== null && { reason: String(row.reason) }),
    falls: Number(row.falls),
    ...(row.healthy_since_ms !== null && { healthySinceMs: Number(row.healthy_since_ms) }),
  };
}
