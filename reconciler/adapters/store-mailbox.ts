// The pools' mailboxes and order leases of the embedded store. Every kept item gets the pool's next sequence number, so a reader
// that knows how far it came asks only for the rest. Callers hold the transaction.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { PoolIdentity, RelayResponse, SealedCertificate } from '../../bundle/api.ts';
import { identityWeight } from '../core/identity-weight.ts';
import type { Lease } from '../ports/store.ts';
import { notAnObject, type StoredTexts } from './store-texts.ts';

/** One answer stops after this much; its `sequence` is then that of its last item, and the reader asks again. */
const RELAY_BYTES_MAX = 8 * 1024 * 1024;

/** A certificate is forgotten this long after its end, a lease this long after its own. */
const ENDED_KEPT_MS = 24 * 3600_000;

export interface Mailbox {
  after(pool: string, since: number): RelayResponse;
  putIdentity(identity: PoolIdentity): 'kept' | 'stale';
  putCertificate(pool: string, certificate: SealedCertificate, replaces?: boolean): 'kept' | 'stale';
  takeLease(lease: Lease, nowMs: number, lost?: string): Lease;
  leases(): Lease[];
  prune(nowMs: number): void;
}

export function createMailbox(database: DatabaseSync, texts: StoredTexts): Mailbox {
  const sql = (text: string) => database.prepare(text);
  const sequence = sql('SELECT sequence FROM mailboxes WHERE pool = ?');
  const nextSequence = sql(
    'INSERT INTO mailboxes VALUES (?, 1) ON CONFLICT DO UPDATE SET sequence = sequence + 1 RETURNING sequence',
  );
  const identity = sql('SELECT * FROM identities WHERE pool = ?');
  const putIdentity = sql('REPLACE INTO identities VALUES (?, ?, ?, ?, ?, ?)');
  const certificate = sql('SELECT not_before_ms, item FROM certificates WHERE pool = ? AND hostname = ?');
  const certificates = sql(
    'SELECT sequence, hostname, item FROM certificates WHERE pool = ? AND sequence > ? ORDER BY sequence',
  );
  const putCertificate = sql('REPLACE INTO certificates VALUES (?, ?, ?, ?, ?, ?)');
  const dropCertificates = sql('DELETE FROM certificates WHERE not_after_ms < ?');
  const lease = sql('SELECT * FROM leases WHERE pool = ? AND hostname = ?');
  const leases = sql('SELECT * FROM leases ORDER BY pool, hostname');
  const putLease = sql('REPLACE INTO leases VALUES (?, ?, ?, ?)');
  const dropLeases = sql('DELETE FROM leases WHERE expires_ms < ?');
  const next = (pool: string) => Number(nextSequence.get(pool)!.sequence);
  const identityOf = (pool: string, item: SQLOutputValue | undefined) =>
    texts.read<PoolIdentity>(['identities', pool], item, notAnObject);

  return {
    after(pool, since) {
      const newest = Number(sequence.get(pool)?.sequence ?? 0);
      // A store that was rebuilt counts from the start again; a reader from before must not miss what is new.
      const from = since > newest ? 0 : since;
      const held = identity.get(pool);
      const response: RelayResponse = { sequence: newest, certificates: [] };
      const whole = held && Number(held.sequence) > from ? identityOf(pool, held.item) : undefined;
      if (whole) response.identity = whole;
      let bytes = 0;
      for (const row of certificates.iterate(pool, from)) {
        bytes += String(row.item).length;
        const place = ['certificates', `${pool} ${row.hostname}`] as const;
        const whole = texts.read<SealedCertificate>(place, row.item, notAnObject);
        if (whole) response.certificates.push(whole);
        if (bytes < RELAY_BYTES_MAX) continue;
        response.sequence = Number(row.sequence);
        break;
      }
      return response;
    },

    putIdentity(item) {
      const { pool, epoch, recipient } = item;
      const weight = identityWeight(item);
      const held = identity.get(pool);
      // What cannot be read is given again by whoever holds it.
      const more = held && (weight > Number(held.wraps) || identityOf(pool, held.item) === undefined);
      const newer =
        !held || epoch > Number(held.epoch) || (epoch === Number(held.epoch) && recipient === held.recipient && more);
      if (!newer) return 'stale';
      putIdentity.run(pool, next(pool), epoch, recipient, weight, JSON.stringify(item));
      return 'kept';
    },

    putCertificate(pool, item, replaces = false) {
      const text = JSON.stringify(item);
      const notBeforeMs = Date.parse(item.notBefore);
      const held = certificate.get(pool, item.hostname);
      if (held && !replaces && notBeforeMs < Number(held.not_before_ms)) return 'stale';
      if (held?.item !== text)
        putCertificate.run(pool, item.hostname, next(pool), notBeforeMs, Date.parse(item.notAfter), text);
      return 'kept';
    },

    takeLease(wanted, nowMs, lost = wanted.node) {
      const held = lease.get(wanted.pool, wanted.hostname);
      const isFree = !held || held.node === wanted.node || held.node === lost || Number(held.expires_ms) <= nowMs;
      if (!isFree) return leaseOf(held);
      putLease.run(wanted.pool, wanted.hostname, wanted.node, wanted.expiresMs);
      return wanted;
    },

    leases: () => leases.all().map(leaseOf),

    prune(nowMs) {
      dropCertificates.run(nowMs - ENDED_KEPT_MS);
      dropLeases.run(nowMs - ENDED_KEPT_MS);
    },
  };
}

function leaseOf(row: Record<string, unknown>): Lease {
  return {
    pool: String(row.pool),
    hostname: String(row.hostname),
    node: String(row.node),
    expiresMs: Number(row.expires_ms),
  };
}
