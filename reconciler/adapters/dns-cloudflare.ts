// A zone at Cloudflare, through the official library. Laws: a list that contradicts itself is never taken for the zone; a change is one
// transaction that touches only what it names; nothing we write is proxied; the token is in no error and no log.
import PQueue from 'p-queue';
import { KokoaError } from '../../bundle/error.ts';
import type { ZoneAccess } from '../ports/dns-zone.ts';
import { writeInBatches } from './dns-batches.ts';
import { BATCHED, RECORDS, ZONES } from './dns-cloudflare-answers.ts';
import { type CloudflareClientOptions, createCloudflareClient } from './dns-cloudflare-client.ts';
import { zoneError } from './dns-cloudflare-error.ts';
import { allPages, contradiction, PAGE_RECORDS } from './dns-cloudflare-pages.ts';
import { type RecordsByName, recordsByName, zoneRecords } from './dns-cloudflare-records.ts';
import { batchOf, mayBeMade, STEPS_MAX, type Step, stepsOf } from './dns-cloudflare-steps.ts';

export interface CloudflareZoneOptions extends CloudflareClientOptions {
  /** Canonical. */
  zone: string;
}

/** Seconds. Zones of the enterprise plan may have 30: nothing of the API says reliably which plan a zone is of, so nobody gets it. */
const TTL_MIN = 60;
/** Of 1 200 requests in 5 minutes for all that a user does: each name asked alone costs one, and so do 5 000 records of a list. */
const SINGLY_MAX = 20;
const CONCURRENCY = 4;
/** The most that zones.list gives. */
const PAGE_ZONES = 50;
const NOES = ['dns_refused', 'dns_credentials'];

/** @throws KokoaError dns_credentials for a token that can be none, dns_unreachable for a `baseUrl` that is not safe */
export function createCloudflareZone(options: CloudflareZoneOptions): ZoneAccess {
  const { zone } = options;
  const client = createCloudflareClient(options);
  let known: string | undefined;

  async function findZone(signal: AbortSignal): Promise<string> {
    const seen = await allPages((page) =>
      client.ask({
        what: `find ${zone}`,
        shape: ZONES,
        send: (api, request) => api.zones.list({ name: zone, page, per_page: PAGE_ZONES }, request),
        signal,
      }),
    );
    const named = seen.filter(({ name }) => name.toLowerCase() === zone);
    // Two accounts may have a zone of the same name; the name servers of one are asked.
    const active = named.filter(({ status }) => status === 'active');
    const [one, ...others] = named.length > 1 ? active : named;
    if (one === undefined || others.length > 0) throw zoneError(zone, named.length);
    return one.id;
  }

  async function zoneId(signal: AbortSignal): Promise<string> {
    known ??= await findZone(signal);
    return known;
  }

  /** All records, or those of one name. */
  async function records(signal: AbortSignal, name?: string): Promise<RecordsByName> {
    const zone_id = await zoneId(signal);
    const found = await allPages((page) =>
      client.ask({
        what: `list the records of ${name ?? zone}`,
        shape: RECORDS,
        send: (api, request) =>
          api.dns.records.list(
            { zone_id, page, per_page: PAGE_RECORDS, ...(name !== undefined && { name: { exact: name } }) },
            request,
          ),
        signal,
      }),
    ).catch((error) => {
      // A zone that was removed and added again has another id.
      if (error instanceof KokoaError && NOES.includes(error.code)) known = undefined;
      throw error;
    });
    const byName = recordsByName(found, zone);
    const isOther = name !== undefined && found.some((record) => record.name.toLowerCase() !== name);
    if (isOther) throw contradiction('one name was asked for, and another came');
    return byName;
  }

  async function at(names: readonly string[], signal: AbortSignal): Promise<RecordsByName> {
    if (names.length > SINGLY_MAX) {
      const all = await records(signal);
      return new Map(names.flatMap((name) => (all.has(name) ? [[name, all.get(name)!]] : [])));
    }
    // Once, and not by each of them.
    if (names.length > 0) await zoneId(signal);
    const queue = new PQueue({ concurrency: CONCURRENCY });
    try {
      const found = await queue.addAll(names.map((name) => () => records(signal, name)));
      return new Map(found.flatMap((one) => [...one]));
    } finally {
      queue.clear();
    }
  }

  return {
    ttlMin: TTL_MIN,
    async list(signal) {
      return zoneRecords(await records(signal));
    },
    async read(names, signal) {
      return zoneRecords(await at([...new Set(names)], signal));
    },
    write: (changes, signal) =>
      writeInBatches(changes, {
        ...{
          provider: 'Cloudflare',
          mayBeMade,
          stepsOf,
          sizeOf: (steps: readonly Step[]) => [steps.length],
          sizesMax: [STEPS_MAX],
        },
        read: (names) => at(names, signal),
        async batch(steps) {
          const zone_id = await zoneId(signal);
          await client.ask({
            what: `change ${zone}`,
            shape: BATCHED,
            send: (api, request) => api.dns.records.batch({ zone_id, ...batchOf(steps) }, request),
            signal,
          });
        },
      }),
  };
}
