// The embedded store: one SQLite file, texts included, so that a publish is one transaction and one fsync (a directory of files
// took twice as long). What must be durable is synced when the promise resolves; heartbeats are not worth a sync.
import type { DatabaseSync } from 'node:sqlite';
import type { PoolIdentity, SealedCertificate, StatusReport } from '../../bundle/api.ts';
import { validateStatusReport } from '../../bundle/api-schema.ts';
import { sha256Hex } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import { chunkReferencesIn } from '../core/chunk-references.ts';
import type { BoundEnrolment, Publication, Store } from '../ports/store.ts';
import { createChallengeTable } from './store-challenges.ts';
import { openDatabase, translated } from './store-database.ts';
import { createDnsNameTable } from './store-dns-names.ts';
import { boundEnrolments } from './store-enrolments.ts';
import { createMailbox } from './store-mailbox.ts';
import { createNoticeTable } from './store-notices.ts';
import { createOrderTable } from './store-orders.ts';
import { createPoolMemberTable } from './store-pool-members.ts';
import { createProposalTable } from './store-proposals.ts';
import { publishedHead, publishedNodes } from './store-published.ts';
import { createRestrictionTable } from './store-restrictions.ts';
import { createSealedTable } from './store-sealed.ts';
import { createStoredTexts, type DamagedText } from './store-texts.ts';

/** A text nobody refers to any more is kept this long: an agent may still be fetching it. */
const BLOB_KEPT_MS = 3600_000;
const PRUNE_EVERY_MS = 600_000;

export interface SqliteStoreOptions {
  clock?: () => Date;
  /** Told once of each text that is not what was once written. */
  damaged?: (text: DamagedText) => void;
}

/** @throws KokoaError store_locked, store_damaged, store_too_new, store_failed (this and every method) */
export async function openSqliteStore(
  directory: string,
  { clock = () => new Date(), damaged = () => undefined }: SqliteStoreOptions = {},
): Promise<Store> {
  const { database, close } = openDatabase(directory);
  const one = statements(database);
  const texts = createStoredTexts(damaged);
  const mailbox = createMailbox(database, texts);
  const sealed = createSealedTable(database);
  const challenges = createChallengeTable(database);
  const dnsNames = createDnsNameTable(database);
  const members = createPoolMemberTable(database);
  const notices = createNoticeTable(database);
  const orders = createOrderTable(database);
  const proposals = createProposalTable(database, texts);
  const restricted = createRestrictionTable(database);
  const mended = new Map<string, BoundEnrolment>();
  let prunedMs = clock().getTime();
  /** Texts known to be stored: none is taken away but by pruning or a transaction that failed. */
  const present = new Set<string>();

  /** All or nothing. `durable: false` survives a crash of the process, not one of the machine. */
  function transaction<T>(durable: boolean, work: () => T): T {
    return translated(directory, () => {
      if (!durable) database.exec('PRAGMA synchronous = NORMAL');
      try {
        database.exec('BEGIN IMMEDIATE');
        const result = work();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        present.clear();
        throw error;
      } finally {
        if (!durable) database.exec('PRAGMA synchronous = FULL');
      }
    });
  }
  const read = <T>(work: () => T): T => translated(directory, work);
  const published = () =>
    publishedNodes(
      read(() => one.nodes.all()),
      texts,
    );
  const beside = {
    reports: () => read(() => one.reports.all()),
    published: () => Object.values(published()).flat(),
  };

  function requireBlob(sha256: string): void {
    if (present.has(sha256)) return;
    if (!one.hasBlob.get(sha256))
      throw new KokoaError('blob_missing', `a config refers to ${sha256}, which is not stored`);
    present.add(sha256);
  }

  function write(publication: Publication): 'published' | 'conflict' {
    const head = one.head.get();
    if (head?.sequence !== publication.expected) return 'conflict';
    const nowMs = clock().getTime();
    for (const [sha256, text] of publication.blobs) {
      if (sha256Hex(text) !== sha256) throw new KokoaError('blob_mismatch', `text is not the one named ${sha256}`);
      one.putBlob.run(sha256, text, nowMs);
    }
    for (const { config } of publication.nodes) for (const sha256 of chunkReferencesIn(config)) requireBlob(sha256);
    for (const node of publication.nodes) one.putNode.run({ ...node });
    for (const node of publication.removed) one.dropNode.run(node);
    const { expected = 0, commit, overrideBase = null, rollout } = publication;
    one.putHead.run(expected + 1, commit, overrideBase, rollout === undefined ? null : JSON.stringify(rollout));
    return 'published';
  }

  /** Housekeeping never turns a publish that succeeded into a failure; it is tried again with a later one. */
  function prune(): void {
    const nowMs = clock().getTime();
    if (nowMs - prunedMs < PRUNE_EVERY_MS) return;
    prunedMs = nowMs;
    try {
      present.clear();
      transaction(false, () => {
        const inUse = new Set(one.nodes.all().flatMap(({ config }) => chunkReferencesIn(String(config))));
        for (const sha256 of inUse) one.touchBlob.run(nowMs, sha256);
        one.dropBlobs.run(nowMs - BLOB_KEPT_MS);
        mailbox.prune(nowMs);
      });
    } catch (error) {
      if (!(error instanceof KokoaError)) throw error;
    }
  }

  return {
    head: async () => read(() => publishedHead(one.head.get(), texts)),
    nodes: async () => published().whole,
    damagedNodes: async () => published().damaged,
    async publish(publication) {
      const outcome = transaction(true, () => write(publication));
      prune();
      return outcome;
    },
    async blob(sha256) {
      const text = read(() => one.blob.get(sha256))?.text;
      return typeof text === 'string' && sha256Hex(text) === sha256 ? text : undefined;
    },

    enrolments: async () =>
      boundEnrolments(
        read(() => one.enrolments.all()),
        texts,
        beside,
        mended,
      ),
    async saveEnrolment({ node, tokenSha256, generation, sequence = null, enrolment }) {
      const text = JSON.stringify(enrolment);
      transaction(true, () => one.putEnrolment.run(node, tokenSha256, generation, text, sequence));
    },

    reports: async () =>
      read(() => one.reports.all()).flatMap((row) => {
        const node = String(row.node);
        const report = texts.read<StatusReport>(['reports', node], row.report, validateStatusReport);
        return report === undefined ? [] : { node, lastSeenMs: Number(row.last_seen_ms), report };
      }),
    async saveReport({ node, lastSeenMs, report }) {
      transaction(false, () => one.putReport.run(node, lastSeenMs, JSON.stringify(report)));
    },

    relay: async (pool, since) => read(() => mailbox.after(pool, since)),
    putIdentity: async (identity: PoolIdentity) => transaction(true, () => mailbox.putIdentity(identity)),
    putCertificate: async (pool: string, certificate: SealedCertificate, replaces?: boolean) =>
      transaction(true, () => mailbox.putCertificate(pool, certificate, replaces)),
    takeLease: async (lease, nowMs, lost) => transaction(true, () => mailbox.takeLease(lease, nowMs, lost)),
    leases: async () => read(() => mailbox.leases()),

    orders: async (of, sinceMs, max) => read(() => orders.orders(of, sinceMs, max)),
    beginOrder: async (order) => transaction(true, () => orders.begin(order)),
    endOrder: async (end) => transaction(true, () => orders.end(end)),
    newNames: async (server, sinceMs) => read(() => orders.newNames(server, sinceMs)),
    pauses: async (server, nowMs) => read(() => orders.pauses(server, nowMs)),
    putPause: async (pause, nowMs) => transaction(true, () => orders.putPause(pause, nowMs)),

    keptChallenges: async () => read(() => challenges.all()),
    keepChallenge: async (challenge) => transaction(true, () => challenges.keep(challenge)),
    dropChallenge: async (record, value) => transaction(true, () => challenges.drop(record, value)),

    dnsNames: async (zone) => read(() => dnsNames.of(zone)),
    keepDnsNames: async (zone, names) => transaction(true, () => dnsNames.keep(zone, names)),
    dropDnsNames: async (zone, names) => transaction(true, () => dnsNames.drop(zone, names)),
    keptTopics: async () => read(() => notices.topics()),
    keptWaiting: async () => read(() => notices.waiting()),
    keepNotice: async (change) => transaction(true, () => notices.keep(change)),
    dropWaiting: async (gone) => transaction(false, () => notices.drop(gone)),
    poolMembers: async () => read(() => members.all()),
    savePoolMembers: async (pool, of) => transaction(true, () => members.save(pool, of)),

    sealedTexts: async () => read(() => sealed.all()),
    changeSealedTexts: async (put, drop) => transaction(true, () => sealed.change(put, drop)),
    poolRecipients: async () => read(() => sealed.poolRecipients()),

    keptProposal: async (team, key) => read(() => proposals.get(team, key)),
    keepProposal: async (proposal, nowMs) => transaction(true, () => proposals.keep(proposal, nowMs)),
    dropProposal: async (team, key) => transaction(true, () => proposals.drop(team, key)),
    openedProposals: async (team) => read(() => proposals.opened(team)),

    restrictions: async () => read(() => restricted.all()),
    putRestriction: async (restriction) => transaction(true, () => restricted.put(restriction)),
    dropRestriction: async (node, state) => transaction(true, () => restricted.drop(node, state)),
    slots: async () => read(() => restricted.slots()),
    saveSlots: async (slots) => transaction(true, () => restricted.saveSlots(slots)),

    close: async () => close(),
  };
}

function statements(database: DatabaseSync) {
  const sql = (text: string) => database.prepare(text);
  const putNode =
    sql(`INSERT INTO nodes VALUES (:node, :version, :timestampVersion, :configHash, :timestampExpiresMs, :timestamp,
    :snapshot, :targets, :config) ON CONFLICT DO UPDATE SET version = excluded.version,
    timestamp_version = excluded.timestamp_version, config_hash = excluded.config_hash,
    timestamp_expires_ms = excluded.timestamp_expires_ms, timestamp = excluded.timestamp, snapshot = excluded.snapshot,
    targets = excluded.targets, config = excluded.config`);
  return {
    head: sql('SELECT sequence, commit_id, override_base, rollout FROM head'),
    putHead: sql('REPLACE INTO head VALUES (1, ?, ?, ?, ?)'),
    nodes: sql('SELECT * FROM nodes ORDER BY node'),
    putNode,
    dropNode: sql('DELETE FROM nodes WHERE node = ?'),
    blob: sql('SELECT text FROM blobs WHERE sha256 = ?'),
    hasBlob: sql('SELECT 1 FROM blobs WHERE sha256 = ?'),
    // A text that was damaged on disk is replaced by the good one.
    putBlob: sql(
      'INSERT INTO blobs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET text = excluded.text, used_ms = excluded.used_ms',
    ),
    touchBlob: sql('UPDATE blobs SET used_ms = ? WHERE sha256 = ?'),
    dropBlobs: sql('DELETE FROM blobs WHERE used_ms < ?'),
    enrolments: sql('SELECT * FROM enrolments ORDER BY node'),
    putEnrolment: sql('REPLACE INTO enrolments VALUES (?, ?, ?, ?, ?)'),
    reports: sql('SELECT * FROM reports ORDER BY node'),
    putReport: sql('REPLACE INTO reports VALUES (?, ?, ?)'),
  };
}
