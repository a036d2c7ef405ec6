// The tables of the embedded store. A migration is never edited: a change is a new one at the end.
import type { DatabaseSync } from 'node:sqlite';
import { KokoaError } from '../../bundle/error.ts';

const MIGRATIONS = [
  `
  CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL, commit_id TEXT NOT NULL, override_base TEXT
  ) STRICT;
  CREATE TABLE nodes (
    node TEXT PRIMARY KEY, version INTEGER NOT NULL, timestamp_version INTEGER NOT NULL, config_hash TEXT NOT NULL,
    timestamp_expires_ms INTEGER NOT NULL, timestamp TEXT NOT NULL, snapshot TEXT NOT NULL, targets TEXT NOT NULL,
    config TEXT NOT NULL
  ) STRICT;
  CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, text TEXT NOT NULL, used_ms INTEGER NOT NULL) STRICT;
  CREATE TABLE enrolments (
    node TEXT PRIMARY KEY, token_sha256 TEXT NOT NULL, generation INTEGER NOT NULL, enrolment TEXT NOT NULL
  ) STRICT;
  CREATE TABLE reports (node TEXT PRIMARY KEY, last_seen_ms INTEGER NOT NULL, report TEXT NOT NULL) STRICT;
  CREATE TABLE mailboxes (pool TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;
  CREATE TABLE identities (
    pool TEXT PRIMARY KEY, sequence INTEGER NOT NULL, epoch INTEGER NOT NULL, recipient TEXT NOT NULL, wraps INTEGER NOT NULL,
    item TEXT NOT NULL
  ) STRICT;
  CREATE TABLE certificates (
    pool TEXT NOT NULL, hostname TEXT NOT NULL, sequence INTEGER NOT NULL, not_before_ms INTEGER NOT NULL,
    not_after_ms INTEGER NOT NULL, item TEXT NOT NULL, PRIMARY KEY (pool, hostname)
  ) STRICT;
  CREATE INDEX certificates_by_sequence ON certificates (pool, sequence);
  CREATE TABLE leases (
    pool TEXT NOT NULL, hostname TEXT NOT NULL, node TEXT NOT NULL, expires_ms INTEGER NOT NULL, PRIMARY KEY (pool, hostname)
  ) STRICT;
  `,
  `
  CREATE TABLE sealed_texts (
    pool TEXT NOT NULL, digest TEXT NOT NULL, recipient TEXT NOT NULL, sealed TEXT NOT NULL, PRIMARY KEY (pool, digest)
  ) STRICT;
  `,
  // Of an older store only the nodes are known that have announced themselves.
  `
  CREATE TABLE restrictions (
    node TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('suspended', 'revoked')), reason TEXT NOT NULL,
    since_ms INTEGER NOT NULL, generation INTEGER NOT NULL, token_sha256 TEXT, PRIMARY KEY (node, state)
  ) STRICT;
  CREATE TABLE slots (
    node TEXT PRIMARY KEY, role TEXT NOT NULL, state TEXT NOT NULL, generation INTEGER NOT NULL, token_sha256 TEXT
  ) STRICT;
  INSERT INTO slots SELECT node, json_extract(config, '$.role'), 'active', generation, token_sha256
    FROM nodes JOIN enrolments USING (node) WHERE json_valid(config);
  `,
  `
  CREATE TABLE proposals (
    team TEXT NOT NULL, key TEXT NOT NULL, request_sha256 TEXT NOT NULL, forge_key TEXT NOT NULL, created_ms INTEGER NOT NULL,
    number INTEGER, opened TEXT, PRIMARY KEY (team, key)
  ) STRICT;
  `,
  // Of a publish: settings that some nodes do not have yet.
  'ALTER TABLE head ADD COLUMN rollout TEXT',
  // The number of the report that brought it.
  'ALTER TABLE enrolments ADD COLUMN sequence INTEGER',
  // What was ordered at certificate authorities, and how long one asked to be left alone.
  `
  CREATE TABLE orders (
    id INTEGER PRIMARY KEY, server TEXT NOT NULL, name TEXT NOT NULL, domain TEXT NOT NULL, node TEXT NOT NULL,
    renewal INTEGER NOT NULL, begun_ms INTEGER NOT NULL,
    outcome TEXT CHECK (outcome IN ('issued', 'validation_failed', 'rate_limited', 'failed')), ended_ms INTEGER
  ) STRICT;
  CREATE INDEX orders_by_name ON orders (server, name, begun_ms);
  CREATE INDEX orders_by_domain ON orders (server, domain, begun_ms);
  CREATE INDEX orders_by_node ON orders (server, node, begun_ms);
  CREATE INDEX orders_by_time ON orders (begun_ms);
  CREATE TABLE order_pauses (
    server TEXT NOT NULL, scope TEXT NOT NULL CHECK (scope IN ('name', 'domain', 'account', 'server')), subject TEXT NOT NULL,
    until_ms INTEGER NOT NULL, node TEXT NOT NULL, PRIMARY KEY (server, scope, subject)
  ) STRICT;
  `,
  // What was written into DNS for validations.
  `
  CREATE TABLE challenges (
    record TEXT NOT NULL, value TEXT NOT NULL, zone TEXT NOT NULL, pool TEXT NOT NULL, certificate TEXT NOT NULL,
    written_ms INTEGER NOT NULL, PRIMARY KEY (record, value)
  ) STRICT;
  `,
  // Names that were written into DNS, and which edges visitors are sent to.
  `
  CREATE TABLE dns_names (zone TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (zone, name)) STRICT, WITHOUT ROWID;
  CREATE TABLE pool_members (
    pool TEXT NOT NULL, edge TEXT NOT NULL, in_dns INTEGER NOT NULL, since_ms INTEGER NOT NULL, reason TEXT, falls INTEGER NOT NULL,
    healthy_since_ms INTEGER, PRIMARY KEY (pool, edge)
  ) STRICT;
  `,
  // What operators were told last, and what still waits to be sent to them.
  `
  CREATE TABLE notice_topics (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, text TEXT NOT NULL) STRICT;
  CREATE TABLE notices_waiting (
    id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, notice TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (channel, notice)
  ) STRICT;
  `,
];

/** Brings the tables to the newest form, all or nothing. @throws KokoaError store_too_new */
export function migrate(database: DatabaseSync): void {
  if (formatOf(database) === MIGRATIONS.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    // Again, because another process may have done it by now.
    const found = formatOf(database);
    requireKnown(found);
    for (const migration of MIGRATIONS.slice(found)) database.exec(migration);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** For whoever works beside a reconciler: what it opened is not changed under it. @throws KokoaError store_too_new, store_too_old */
export function requireNewest(database: DatabaseSync): void {
  const found = formatOf(database);
  requireKnown(found);
  if (found < MIGRATIONS.length)
    throw new KokoaError(
      'store_too_old',
      `the store has format ${found}; commands of this version need ${MIGRATIONS.length}`,
      { hint: 'Use the kokoa of the version that the reconciler runs, or start kokoa serve of this one first.' },
    );
}

function formatOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()!.user_version);
}

function requireKnown(found: number): void {
  if (found > MIGRATIONS.length)
    throw new KokoaError(
      'store_too_new',
      `the store has format ${found}; this version knows up to ${MIGRATIONS.length}`,
      {
        hint: 'Start the newer version again, or keep this store and begin with an empty directory.',
      },
    );
}
