// What was sealed to the pools, in the embedded store: ciphertext and keyed digests, never a secret. Callers hold the transaction.
import type { DatabaseSync } from 'node:sqlite';
import type { SealedText } from '../ports/secrets.ts';

export interface SealedTable {
  all(): SealedText[];
  change(put: readonly SealedText[], drop: readonly SealedText[]): void;
  poolRecipients(): Map<string, string>;
}

export function createSealedTable(database: DatabaseSync): SealedTable {
  const all = database.prepare('SELECT pool, digest, recipient, sealed FROM sealed_texts ORDER BY pool, digest');
  const put = database.prepare('REPLACE INTO sealed_texts VALUES (?, ?, ?, ?)');
  const drop = database.prepare('DELETE FROM sealed_texts WHERE pool = ? AND digest = ?');
  const recipients = database.prepare('SELECT pool, recipient FROM identities');
  return {
    all: () =>
      all.all().map((row) => ({
        pool: String(row.pool),
        digest: String(row.digest),
        recipient: String(row.recipient),
        sealed: String(row.sealed),
      })),
    change(wanted, unwanted) {
      for (const { pool, digest } of unwanted) drop.run(pool, digest);
      for (const { pool, digest, recipient, sealed } of wanted) put.run(pool, digest, recipient, sealed);
    },
    poolRecipients: () => new Map(recipients.all().map(({ pool, recipient }) => [String(pool), String(recipient)])),
  };
}
