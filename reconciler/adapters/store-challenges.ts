// What was written into DNS for validations, in the embedded store. Callers hold the transaction.
import type { DatabaseSync } from 'node:sqlite';
import type { KeptChallenge } from '../ports/kept-challenges.ts';

export interface ChallengeTable {
  all(): KeptChallenge[];
  keep(challenge: KeptChallenge): void;
  drop(record: string, value: string): void;
}

export function createChallengeTable(database: DatabaseSync): ChallengeTable {
  const sql = (text: string) => database.prepare(text);
  const all = sql('SELECT * FROM challenges ORDER BY written_ms, record, value');
  const put = sql('REPLACE INTO challenges VALUES (?, ?, ?, ?, ?, ?)');
  const drop = sql('DELETE FROM challenges WHERE record = ? AND value = ?');
  return {
    all: () =>
      all.all().map((row) => ({
        record: String(row.record),
        value: String(row.value),
        zone: String(row.zone),
        pool: String(row.pool),
        certificate: String(row.certificate),
        writtenMs: Number(row.written_ms),
      })),
    keep({ record, value, zone, pool, certificate, writtenMs }) {
      put.run(record, value, zone, pool, certificate, writtenMs);
    },
    drop: (record, value) => void drop.run(record, value),
  };
}
