// Cloudflare's records as ours, and back. Law: a text is one text whatever its pieces and quotes, and a record whose value we would not write
// is seen as standing there.
import { canonicalRecordName, canonicalValue, nameRecords } from '../core/dns/record-set.ts';
import type { NameRecords, RecordType, ZoneRecords } from '../ports/dns-zone.ts';
import type { CloudflareRecord } from './dns-cloudflare-answers.ts';
import { contradiction } from './dns-cloudflare-pages.ts';

/** "Auto" (developers.cloudflare.com/dns/manage-dns-records/reference/ttl). */
const AUTOMATIC = 1;
const AUTOMATIC_SECONDS = 300;
/** RFC 1035, 3.3. */
const PIECE_BYTES_MAX = 255;
const PROXIED = 'proxied by the provider';

export type RecordsByName = ReadonlyMap<string, readonly CloudflareRecord[]>;

/** By canonical name. What stands at a name that we could not name is left out. @throws KokoaError dns_unreachable for one of another zone */
export function recordsByName(records: readonly CloudflareRecord[], zone: string): RecordsByName {
  const byName = new Map<string, CloudflareRecord[]>();
  for (const record of records) {
    const spelled = record.name.toLowerCase().replace(/\.$/, '');
    if (spelled !== zone && !spelled.endsWith(`.${zone}`)) throw contradiction('it has a name of another zone');
    const name = canonicalRecordName(spelled);
    if (name === undefined) continue;
    const here = byName.get(name);
    if (here === undefined) byName.set(name, [record]);
    else here.push(record);
  }
  return byName;
}

export function zoneRecords(byName: RecordsByName): ZoneRecords {
  const zone = new Map<string, NameRecords>();
  for (const [name, records] of byName) {
    const found = atName(records);
    if (found !== undefined) zone.set(name, found);
  }
  return zone;
}

export function atName(records: readonly CloudflareRecord[]): NameRecords | undefined {
  const found = records.map((record) => ({ type: record.type, ttl: ttlOf(record), value: spelledValue(record) }));
  return nameRecords(found, records.some(({ proxied }) => proxied === true) ? PROXIED : undefined);
}

/** Undefined: nothing that we would write. */
export function canonicalContent(type: RecordType, record: CloudflareRecord): string | undefined {
  return canonicalValue(type, spelledValue(record));
}

export function ttlOf({ ttl }: CloudflareRecord): number {
  return ttl === AUTOMATIC ? AUTOMATIC_SECONDS : ttl;
}

/** As Cloudflare takes it: texts in quoted pieces. `value` is canonical, so there is nothing to escape. */
export function contentOf(type: RecordType, value: string): string {
  if (type !== 'TXT') return value;
  const pieces: string[] = [];
  for (let at = 0; at < value.length; at += PIECE_BYTES_MAX) pieces.push(`"${value.slice(at, at + PIECE_BYTES_MAX)}"`);
  return pieces.join(' ');
}

function spelledValue({ type, content }: CloudflareRecord): string {
  const spelled = content ?? '';
  // With an escape, or half a quote, it is none of ours, and its quotes say so.
  const isInPieces = type.toUpperCase() === 'TXT' && /^"[^"\\]*"(?:[ \t]*"[^"\\]*")*$/.test(spelled);
  return isInPieces ? spelled.slice(1, -1).replace(/"[ \t]*"/g, '') : spelled;
}
