// The records of one zone in which visitors find the edges. Reading and writing are apart, so that what plans cannot write; and what is written
// is one decided change that says what must stand there before. Law: nothing but the types and names of a change is touched.

/** What is written: addresses, names that lead to names, and who owns them. */
export const RECORD_TYPES = ['A', 'AAAA', 'CNAME', 'TXT'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/** The records of one type at one name. Canonical (core/dns/record-set.ts): so equal sets are equal texts. */
export interface RecordSet {
  type: RecordType;
  /** Seconds. */
  ttl: number;
  /**
   * Sorted, at least one, none twice. Addresses as RFC 5952 and dotted quads, names in lower case without the last dot, a TXT as one text of
   * printable ASCII without quotes and backslashes, whatever the pieces of 255 bytes it is sent in.
   */
  values: readonly string[];
}

/** All that stands at one name. */
export interface NameRecords {
  /** Of RECORD_TYPES, in that order, each at most once. */
  sets: readonly RecordSet[];
  /** Types of other records there (MX, SOA, NS …), sorted, none twice. */
  others: readonly string[];
  /** Why visitors get something else than these records, in a few words: such as "proxied by the provider". Absent: they get them. */
  steered?: string;
}

/** By name: lower case, A-labels, no last dot, a wildcard as `*.`. A name at which nothing stands is not in it. */
export type ZoneRecords = ReadonlyMap<string, NameRecords>;

export interface ZoneReader {
  /**
   * The whole zone. Undefined: whoever asks is not told; then names are asked one by one.
   * @throws KokoaError dns_unreachable, dns_refused, dns_credentials, dns_throttled
   */
  list(signal: AbortSignal): Promise<ZoneRecords | undefined>;
  /**
   * What stands at these very names, of the zone or below it: what a wildcard makes up does not count. Never from a cache of ours.
   * @throws KokoaError dns_unreachable, dns_refused, dns_credentials, dns_throttled
   */
  read(names: readonly string[], signal: AbortSignal): Promise<ZoneRecords>;
}

/**
 * One name. Its types: TXT alone where `before` or `after` has a TXT, else A, AAAA and CNAME, which are one decision. Of these types exactly
 * `before` (its values; its TTL may differ) must stand there, and then exactly `after` does. Where `after` has a CNAME, nothing else
 * may stand at the name (RFC 1034, 3.6.2).
 */
export interface NameChange {
  name: string;
  before: readonly RecordSet[];
  after: readonly RecordSet[];
}

/** What belongs together: a name, and the record of who owns it. In this order where the provider cannot do all of it at once. */
export type ZoneChange = readonly NameChange[];

export type ChangeOutcome =
  | { kind: 'done' }
  /** At `name` stood something else than `before`. Nothing was done, or the steps before it were. */
  | { kind: 'clash'; name: string }
  /** The provider says no, for this change alone. `reason`: one line for people, without secrets. */
  | { kind: 'refused'; reason: string }
  /** Not begun, or nobody knows: `Written.stopped` says why. */
  | { kind: 'unknown' };

export interface Written {
  /** One for each change, in order. */
  outcomes: readonly ChangeOutcome[];
  /** Why the rest is `unknown`: a KokoaError dns_unreachable, dns_refused, dns_credentials or dns_throttled. */
  stopped?: Error;
  /** With dns_throttled: how long the provider wants to be left alone. */
  retryAfterMs?: number;
}

export interface ZoneWriter {
  /** Seconds: the shortest life that the provider gives a record. */
  readonly ttlMin: number;
  /**
   * Never throws. `done` means that the provider said so: it may lie, so it is read back. At most CHANGES_MAX changes.
   */
  write(changes: readonly ZoneChange[], signal: AbortSignal): Promise<Written>;
}

/** Of one `write`. */
export const CHANGES_MAX = 500;

export type ZoneAccess = ZoneReader & ZoneWriter;
