// Record sets in their one spelling, so that equal ones are equal texts. Law: what comes from a server is put into it here, or dropped.
import ipaddr from 'ipaddr.js';
import {
  type NameChange,
  type NameRecords,
  RECORD_TYPES,
  type RecordSet,
  type RecordType,
} from '../../ports/dns-zone.ts';

/** A name in a zone: letters, digits, dashes and underscores; `*` as the first label. */
const NAME =
  /^(?=.{1,253}$)(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** What we write into a TXT record and take from one: no quote, no backslash, nothing beyond ASCII. */
const TEXT = /^[ !#-[\]-~]{1,1000}$/;
const TTL_MAX = 2 ** 31 - 1;

/** Undefined: no name that is read or written. */
export function canonicalRecordName(found: string): string | undefined {
  const name = found.toLowerCase().replace(/\.$/, '');
  return NAME.test(name) ? name : undefined;
}

/** Undefined: no value of the type. */
export function canonicalValue(type: RecordType, found: string): string | undefined {
  if (type === 'TXT') return TEXT.test(found) ? found : undefined;
  if (type === 'CNAME') return canonicalRecordName(found);
  if (type === 'A') return ipaddr.IPv4.isValidFourPartDecimal(found) ? ipaddr.IPv4.parse(found).toString() : undefined;
  return found.includes(':') && !found.includes('%') && ipaddr.IPv6.isValid(found)
    ? ipaddr.IPv6.parse(found).toRFC5952String()
    : undefined;
}

/** Undefined when no value is one. A server's TTL beyond its range counts as the nearest in it (RFC 2181, 8). */
export function recordSet(type: RecordType, ttl: number, found: Iterable<string>): RecordSet | undefined {
  const values = new Set<string>();
  for (const one of found) {
    const value = canonicalValue(type, one);
    if (value !== undefined) values.add(value);
  }
  if (values.size === 0) return undefined;
  return { type, ttl: Math.min(TTL_MAX, Math.max(0, Math.trunc(ttl) || 0)), values: [...values].sort() };
}

/** What was found at one name, a record at a time, in any order. */
export function nameRecords(
  found: Iterable<{ type: string; ttl: number; value: string }>,
  steered?: string,
): NameRecords | undefined {
  const byType = Map.groupBy(found, ({ type }) => type.toUpperCase());
  const sets: RecordSet[] = [];
  const others = [...byType.keys()].filter((type) => !(RECORD_TYPES as readonly string[]).includes(type));
  for (const type of RECORD_TYPES) {
    const records = byType.get(type);
    if (records === undefined) continue;
    const set = recordSet(
      type,
      Math.min(...records.map(({ ttl }) => ttl)),
      records.map(({ value }) => value),
    );
    // Something stands there, whatever it says: a set of which a part cannot be read is none of ours.
    if (records.some(({ value }) => canonicalValue(type, value) === undefined)) others.push(type);
    if (set !== undefined) sets.push(set);
  }
  if (sets.length === 0 && others.length === 0) return undefined;
  return { sets, others: others.sort(), ...(steered !== undefined && { steered }) };
}

/** The same records; `withTtl`: that live equally long. */
export function sameSets(a: readonly RecordSet[], b: readonly RecordSet[], { withTtl }: { withTtl: boolean }): boolean {
  const text = (sets: readonly RecordSet[]) =>
    sets
      .map(({ type, ttl, values }) => JSON.stringify([type, withTtl ? ttl : 0, values]))
      .sort()
      .join('\n');
  return text(a) === text(b);
}

/** The types that a change of a name decides about. */
export function typesOf({ before, after }: NameChange): readonly RecordType[] {
  return [...before, ...after].some(({ type }) => type === 'TXT') ? ['TXT'] : ['A', 'AAAA', 'CNAME'];
}

/** True when a change may be made where `found` stands. */
export function fits(change: NameChange, found: NameRecords | undefined): boolean {
  const types = typesOf(change);
  const sets = found?.sets ?? [];
  // A part of such a set cannot be read, so nobody knows what would be lost.
  if (types.some((type) => found?.others.includes(type))) return false;
  const decided = sets.filter(({ type }) => types.includes(type));
  if (!sameSets(decided, change.before, { withTtl: false })) return false;
  if (!change.after.some(({ type }) => type === 'CNAME')) return true;
  return decided.length === sets.length && (found?.others.length ?? 0) === 0;
}

/** True when `found` is what the change leaves. */
export function isMade(change: NameChange, found: NameRecords | undefined): boolean {
  const types = typesOf(change);
  return sameSets(
    (found?.sets ?? []).filter(({ type }) => types.includes(type)),
    change.after,
    { withTtl: true },
  );
}
