// What operators took from nodes here, and the slots a command may name, in the embedded store. Callers hold the transaction.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { KnownSlot, LocalRestriction } from '../ports/restrictions.ts';

export interface RestrictionTable {
  all(): LocalRestriction[];
  put(restriction: LocalRestriction): void;
  drop(node: string, state: LocalRestriction['state']): void;
  slots(): KnownSlot[];
  saveSlots(slots: readonly KnownSlot[]): void;
}

export function createRestrictionTable(database: DatabaseSync): RestrictionTable {
  const all = database.prepare('SELECT * FROM restrictions ORDER BY node, state');
  const put = database.prepare('REPLACE INTO restrictions VALUES (?, ?, ?, ?, ?, ?)');
  const drop = database.prepare('DELETE FROM restrictions WHERE node = ? AND state = ?');
  const slots = database.prepare('SELECT * FROM slots ORDER BY node');
  const dropSlots = database.prepare('DELETE FROM slots');
  const putSlot = database.prepare('INSERT INTO slots VALUES (?, ?, ?, ?, ?)');
  return {
    all: () =>
      all.all().map((row) => ({
        node: String(row.node),
        state: String(row.state) as LocalRestriction['state'],
        reason: String(row.reason),
        sinceMs: Number(row.since_ms),
        generation: Number(row.generation),
        tokenSha256: textOf(row.token_sha256),
      })),
    put({ node, state, reason, sinceMs, generation, tokenSha256 }) {
      put.run(node, state, reason, sinceMs, generation, tokenSha256 ?? null);
    },
    drop: (node, state) => void drop.run(node, state),
    slots: () =>
      slots.all().map((row) => ({
        node: String(row.node),
        role: String(row.role) as KnownSlot['role'],
        state: String(row.state) as KnownSlot['state'],
        generation: Number(row.generation),
        tokenSha256: textOf(row.token_sha256),
      })),
    saveSlots(all) {
      dropSlots.run();
      for (const { node, role, state, generation, tokenSha256 } of all)
        putSlot.run(node, role, state, generation, tokenSha256 ?? null);
    },
  };
}

function textOf(value: SQLOutputValue | undefined): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}
