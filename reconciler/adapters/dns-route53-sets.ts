// Record sets of Route 53 as ours. Law: what it answers is looked at before it is believed, and what we cannot say again word for word is seen
// as something that stands there, never as ours.
import type { ResourceRecordSet } from '@aws-sdk/client-route-53';
import { canonicalRecordName, canonicalValue, nameRecords } from '../core/dns/record-set.ts';
import { type NameRecords, RECORD_TYPES, type RecordType, type ZoneRecords } from '../ports/dns-zone.ts';

export interface FoundSet {
  /** Undefined: a name that is neither read nor written. */
  name: string | undefined;
  type: string;
  ttl: number;
  /** As Route 53 says them. */
  values: readonly string[];
  /** Why visitors may get something else than `values`. */
  steered?: string;
  /** As it was found: to be deleted, a set is said again. */
  raw: ResourceRecordSet;
}

const SIMPLE = ['Name', 'Type', 'TTL', 'ResourceRecords'];
const TTL_MAX = 2 ** 31 - 1;
const PIECE_CHARACTERS_MAX = 255;

/** Undefined: no record set, whatever the SDK's types say. */
export function foundSet(raw: ResourceRecordSet): FoundSet | undefined {
  if (typeof raw?.Name !== 'string' || typeof raw.Type !== 'string' || !/^[A-Z0-9]{1,16}$/.test(raw.Type))
    return undefined;
  const steered = steeredBy(raw);
  const values = (raw.ResourceRecords ?? []).map(({ Value }) => Value);
  if (!values.every((value) => typeof value === 'string')) return undefined;
  const ttl = raw.TTL ?? 0;
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > TTL_MAX) return undefined;
  if (steered === undefined && (values.length === 0 || raw.TTL === undefined)) return undefined;
  const name = recordName(raw.Name);
  return { name, type: raw.Type, ttl, values, raw, ...(steered !== undefined && { steered }) };
}

/** What makes two of them one and the same. */
export function keyOf({ raw }: FoundSet): string {
  return JSON.stringify([raw.Name?.toLowerCase(), raw.Type, raw.SetIdentifier ?? '']);
}

/** What stands at one name; undefined for nothing. */
export function atName(found: readonly FoundSet[]): NameRecords | undefined {
  const records = found.flatMap(({ type, ttl, values }) =>
    // An alias has no values, and stands there all the same.
    (values.length === 0 ? [''] : values).map((value) => ({ type, ttl, value: presented(type, value) ?? '' })),
  );
  return nameRecords(records, found.find(({ steered }) => steered !== undefined)?.steered);
}

export function zoneRecords(byName: ReadonlyMap<string, readonly FoundSet[]>): ZoneRecords {
  const records = new Map<string, NameRecords>();
  for (const [name, found] of byName) {
    const stands = atName(found);
    if (stands !== undefined) records.set(name, stands);
  }
  return records;
}

export function byName(found: readonly FoundSet[]): Map<string, FoundSet[]> {
  const named = found.filter((one): one is FoundSet & { name: string } => one.name !== undefined);
  return Map.groupBy(named, ({ name }) => name);
}

/** True when its values, and nothing else, are what visitors get, and all of them can be said in our spelling. */
export function isPlain({ type, values, steered }: FoundSet): boolean {
  if (steered !== undefined || !isRecordType(type)) return false;
  return values.every((value) => canonicalValue(type, presented(type, value) ?? '') !== undefined);
}

/** As Route 53 takes a value of ours. */
export function sentValue(type: RecordType, value: string): string {
  if (type === 'CNAME') return `${value}.`;
  if (type !== 'TXT') return value;
  const pieces = value.match(new RegExp(`.{1,${PIECE_CHARACTERS_MAX}}`, 'g')) ?? [];
  return pieces.map((piece) => `"${piece}"`).join(' ');
}

/** Route 53 writes `\052.hoge.com.` for a wildcard. Other characters than those of names stay escaped, so that a dot in a label is no dot. */
export function recordName(found: string): string | undefined {
  const plain = found.replace(/\\([0-7]{3})/g, (whole, octal: string) => {
    const character = String.fromCharCode(Number.parseInt(octal, 8));
    return /[A-Za-z0-9_*-]/.test(character) ? character : whole;
  });
  return canonicalRecordName(plain);
}

function isRecordType(type: string): type is RecordType {
  return (RECORD_TYPES as readonly string[]).includes(type);
}

/** Undefined: a TXT that is not one or more texts in quotes. */
function presented(type: string, value: string): string | undefined {
  if (type !== 'TXT') return value;
  const text = value.trim();
  if (!/^"(?:[^"\\]|\\.)*"(?:[ \t]+"(?:[^"\\]|\\.)*")*$/.test(text)) return undefined;
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, piece]) => unescaped(piece!)).join('');
}

function unescaped(piece: string): string {
  return piece.replace(/\\([0-7]{3}|.)/g, (_, said: string) =>
    said.length === 3 ? String.fromCharCode(Number.parseInt(said, 8)) : said,
  );
}

function steeredBy(raw: ResourceRecordSet): string | undefined {
  if (raw.AliasTarget !== undefined) return 'an alias of Route 53';
  const other = Object.entries(raw).find(([key, value]) => value !== undefined && !SIMPLE.includes(key));
  return other === undefined ? undefined : 'a routing policy or health check of Route 53';
}
