// What Cloudflare keeps of zones, and what it refuses, as its public documents say. Law: nothing here knows the adapter; the shapes are those
// of the official library.
import { isIPv4, isIPv6 } from 'node:net';
import type { RecordBatchParams, RecordResponse } from 'cloudflare/resources/dns/records';
import type { Zone } from 'cloudflare/resources/zones/zones';

/** Of every type alike: the library has one interface for each. */
export type KeptRecord = Pick<RecordResponse, 'id' | 'name' | 'ttl' | 'proxied' | 'created_on' | 'modified_on'> & {
  type: string;
  content: string;
  proxiable: boolean;
  meta: object;
  settings: object;
  tags: string[];
};
export type KeptZone = Pick<Zone, 'id' | 'name' | 'status' | 'paused' | 'type'>;
export type Given = Pick<KeptRecord, 'name' | 'type' | 'ttl'> & Partial<Pick<KeptRecord, 'content' | 'proxied'>>;

/** `{code, message}` as the API has them; the status is 400. */
export class RefusedError extends Error {
  readonly code: number;
  readonly chain: readonly { code: number; message: string }[];

  constructor(code: number, message: string, chain: readonly { code: number; message: string }[] = []) {
    super(message);
    this.code = code;
    this.chain = chain;
  }
}

const BATCH_MAX = 200;
const WHEN = '2026-01-01T00:00:00.000000Z';
const PIECES = /^"(?:[^"\\]|\\.){0,255}"(?: "(?:[^"\\]|\\.){0,255}")*$/;

export function createCloudflareState() {
  const zones: KeptZone[] = [];
  /** By id of the zone, then of the record. */
  const records = new Map<string, Map<string, KeptRecord>>();
  let made = 0;
  let quota = Number.POSITIVE_INFINITY;

  function idOf(): string {
    made += 1;
    return made.toString(16).padStart(32, '0');
  }

  function added(zone: KeptZone, given: Given): KeptRecord {
    const { ttl, content = '', proxied = false } = given;
    const type = given.type.toUpperCase();
    const lower = given.name.toLowerCase();
    const name = lower === zone.name || lower.endsWith(`.${zone.name}`) ? lower : `${lower}.${zone.name}`;
    const dates = { created_on: WHEN, modified_on: WHEN };
    return {
      id: idOf(),
      name,
      type,
      content,
      ttl,
      proxied,
      proxiable: type !== 'TXT',
      meta: {},
      settings: {},
      tags: [],
      ...dates,
    };
  }

  function keep(zone: KeptZone, record: KeptRecord): void {
    const kept = records.get(zone.id)!;
    const others = [...kept.values()].filter(({ id, name }) => id !== record.id && name === record.name);
    judge(record, others);
    if (!kept.has(record.id) && kept.size >= quota)
      throw new RefusedError(81045, 'The record quota has been exceeded.');
    kept.set(record.id, record);
  }

  function taken(zone: KeptZone, id: string): KeptRecord {
    const record = records.get(zone.id)!.get(id);
    if (record === undefined) throw new RefusedError(81044, 'Record does not exist.');
    return record;
  }

  return {
    zones,
    addZone(name: string, status: KeptZone['status'] = 'active'): KeptZone {
      const zone: KeptZone = { id: idOf(), name, status, paused: false, type: 'full' };
      zones.push(zone);
      records.set(zone.id, new Map());
      return zone;
    },
    removeZone(zone: KeptZone) {
      zones.splice(zones.indexOf(zone), 1);
      records.delete(zone.id);
    },
    setQuota: (most: number) => {
      quota = most;
    },
    of: (zone: Pick<KeptZone, 'id'>): KeptRecord[] => [...(records.get(zone.id)?.values() ?? [])],
    /** Whatever the rules say. */
    force(zone: KeptZone, given: Given): KeptRecord {
      const record = added(zone, given);
      records.get(zone.id)!.set(record.id, record);
      return record;
    },
    drop: (zone: KeptZone, id: string) => records.get(zone.id)!.delete(id),
    /** All or nothing: deletes, then patches, then posts. */
    batch(zone: KeptZone, { deletes = [], patches = [], posts = [] }: Omit<RecordBatchParams, 'zone_id'>) {
      const before = new Map(records.get(zone.id));
      try {
        if (deletes.length + patches.length + posts.length > BATCH_MAX)
          throw new RefusedError(81047, 'Too many changes in one batch.');
        const done = { deletes: [] as KeptRecord[], patches: [] as KeptRecord[], posts: [] as KeptRecord[] };
        for (const { id } of deletes) {
          done.deletes.push(taken(zone, id));
          records.get(zone.id)!.delete(id);
        }
        for (const { id, ...changed } of patches) {
          const record = { ...taken(zone, id), ...(changed as Given) };
          keep(zone, record);
          done.patches.push(record);
        }
        for (const given of posts) {
          const record = added(zone, given as Given);
          keep(zone, record);
          done.posts.push(record);
        }
        return done;
      } catch (error) {
        records.set(zone.id, before);
        throw error;
      }
    },
  };
}

/** https://developers.cloudflare.com/dns/manage-dns-records/troubleshooting/records-with-same-name/ */
function judge({ type, content, ttl, proxied }: KeptRecord, others: readonly KeptRecord[]): void {
  const invalid = (code: number, message: string) =>
    new RefusedError(1004, 'DNS Validation Error', [{ code, message }]);
  if (ttl !== 1 && (ttl < 60 || ttl > 86_400))
    throw invalid(9021, 'TTL must be between 60 and 86400 seconds, or 1 for Automatic.');
  if (type === 'A' && !isIPv4(content)) throw invalid(9005, 'Content for A record must be a valid IPv4 address.');
  if (type === 'AAAA' && !isIPv6(content)) throw invalid(9006, 'Content for AAAA record must be a valid IPv6 address.');
  if (type === 'TXT' && !PIECES.test(content)) throw invalid(9207, 'Content for TXT record must be quoted pieces.');
  if (type === 'TXT' && proxied === true) throw new RefusedError(9004, 'This record type cannot be proxied.');
  const has = (...types: string[]) => others.some((other) => types.includes(other.type));
  if (['A', 'AAAA'].includes(type) && has('CNAME'))
    throw new RefusedError(81054, 'A CNAME record with that host already exists.');
  if (others.some((other) => other.type === type && other.content === content))
    throw new RefusedError(81058, 'An identical record already exists.');
  if (type === 'CNAME' && has('A', 'AAAA', 'CNAME'))
    throw new RefusedError(81053, 'An A, AAAA, or CNAME record with that host already exists.');
  if (has('NS')) throw new RefusedError(81056, 'NS records with that host already exist.');
}
