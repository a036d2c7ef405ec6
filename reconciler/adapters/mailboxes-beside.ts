// The pools' mailboxes as a command on the reconciler's machine reads them, beside a reconciler that may run. It writes nothing.
import type { PoolIdentity, SealedCertificate } from '../../bundle/api.ts';
import { openDatabaseBeside, translated } from './store-database.ts';
import { createMailbox } from './store-mailbox.ts';
import { createStoredTexts } from './store-texts.ts';

export interface PoolMailbox {
  pool: string;
  /** Undefined: no edge has made one yet. */
  identity?: PoolIdentity;
  certificates: SealedCertificate[];
}

/** An answer holds some 8 MB. */
const ANSWERS_MAX = 1_000;

/**
 * Every mailbox, sorted by pool; items that are damaged are left out, and told to `onDamaged`.
 * @throws KokoaError store_missing, store_denied, store_locked, store_damaged, store_too_new, store_too_old, store_failed
 */
export function readMailboxesBeside(directory: string, onDamaged: (words: string) => void): PoolMailbox[] {
  const database = openDatabaseBeside(directory);
  try {
    return translated(directory, () => {
      const mailbox = createMailbox(
        database,
        createStoredTexts(({ place, problem }) => onDamaged(`${place}: ${problem}`)),
      );
      const pools = database.prepare('SELECT pool FROM mailboxes ORDER BY pool').all();
      return pools.map(({ pool }) => wholeMailbox(String(pool), mailbox.after));
    });
  } finally {
    database.close();
  }
}

function wholeMailbox(pool: string, after: ReturnType<typeof createMailbox>['after']): PoolMailbox {
  const found: PoolMailbox = { pool, certificates: [] };
  let since = 0;
  for (let answers = 0; answers < ANSWERS_MAX; answers += 1) {
    const { sequence, identity, certificates } = after(pool, since);
    if (identity && !found.identity) found.identity = identity;
    found.certificates.push(...certificates);
    if (sequence <= since) break;
    since = sequence;
  }
  found.certificates.sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  return found;
}
