// The pools' mailboxes as a command on the reconciler's machine reads them, beside a reconciler that may run. It writes nothing.
import type { DatabaseSync } from 'node:sqlite';
import type { Enrolment, PoolIdentity, SealedCertificate } from '../../bundle/api.ts';
import { validateEnrolment } from '../../bundle/api-schema.ts';
import type { SignerKeys } from '../core/parcel-trust.ts';
import { openDatabaseBeside, translated } from './store-database.ts';
import { createMailbox } from './store-mailbox.ts';
import { createStoredTexts, type StoredTexts } from './store-texts.ts';

export interface PoolMailbox {
  pool: string;
  /** Undefined: no edge has made one yet. */
  identity?: PoolIdentity;
  certificates: SealedCertificate[];
  /** Of the edges that gave the certificates; those that are not known any more are left out. */
  signers?: Record<string, SignerKeys>;
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
      const texts = createStoredTexts(({ place, problem }) => onDamaged(`${place}: ${problem}`));
      const mailbox = createMailbox(database, texts);
      const known = signersIn(database, texts);
      const pools = database.prepare('SELECT pool FROM mailboxes ORDER BY pool').all();
      return pools.map(({ pool }) => withSigners(wholeMailbox(String(pool), mailbox.after), known));
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

function signersIn(database: DatabaseSync, texts: StoredTexts): Map<string, SignerKeys> {
  const rows = database.prepare('SELECT node, enrolment FROM enrolments').all();
  const found = new Map<string, SignerKeys>();
  for (const { node, enrolment } of rows) {
    const said = texts.read<Enrolment>(['enrolments', String(node)], enrolment, validateEnrolment);
    if (said === undefined) continue;
    const { signingKey, recipient } = said;
    found.set(String(node), { signingKey, ...(recipient !== undefined && { recipient }) });
  }
  return found;
}

function withSigners(mailbox: PoolMailbox, known: ReadonlyMap<string, SignerKeys>): PoolMailbox {
  const givers = new Set(mailbox.certificates.map(({ by }) => by));
  return { ...mailbox, signers: Object.fromEntries([...known].filter(([node]) => givers.has(node))) };
}
