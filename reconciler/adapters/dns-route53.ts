// A zone at Route 53, through the official SDK. Laws: one change is one transaction that says what must stand there; a list that contradicts
// itself is never taken for the zone; aliases and sets with a routing policy are never touched; the access key is in no error and no log.
import {
  ChangeResourceRecordSetsCommand,
  ListHostedZonesByNameCommand,
  ListResourceRecordSetsCommand,
  type RRType,
} from '@aws-sdk/client-route-53';
import { KokoaError } from '../../bundle/error.ts';
import type { ZoneAccess } from '../ports/dns-zone.ts';
import { writeInBatches } from './dns-batches.ts';
import { createRoute53Client, type Route53ClientOptions } from './dns-route53-client.ts';
import { CREDENTIALS_HINT } from './dns-route53-error.ts';
import { type AskPage, contradiction, oneName, PAGE_SETS, wholeZone } from './dns-route53-pages.ts';
import { byName, type FoundSet, recordName, zoneRecords } from './dns-route53-sets.ts';
import { mayBeMade, RECORDS_MAX, sizeOf, stepsOf, VALUE_CHARACTERS_MAX } from './dns-route53-steps.ts';

export interface Route53ZoneOptions extends Route53ClientOptions {
  /** Canonical. */
  zone: string;
  /** Default: that of the one public hosted zone with this name. */
  hostedZoneId?: string;
}

/** An account has 5 requests a second: more names than pages, and the whole list is cheaper. */
const SINGLY_MAX = 20;
const PAGE_ZONES = 100;
const HOSTED_ZONE_ID = /^[A-Z0-9]{1,32}$/;

/**
 * `done` means that Route 53 has accepted a change; its name servers have it within 60 s, mostly sooner. Nobody waits for that (GetChange):
 * it would cost requests of a small budget, and reading shows what was accepted at once.
 * @throws KokoaError dns_unreachable for an `endpoint` that is not safe
 */
export function createRoute53Zone(options: Route53ZoneOptions): ZoneAccess {
  const { zone, hostedZoneId } = options;
  const client = createRoute53Client(options);
  let known = hostedZoneId;
  /** What the whole list cost the last time. */
  let listPages = SINGLY_MAX;

  async function findZone(signal: AbortSignal): Promise<string> {
    const found = await client.ask(
      `find ${zone}`,
      (api, request) =>
        api.send(new ListHostedZonesByNameCommand({ DNSName: `${zone}.`, MaxItems: PAGE_ZONES }), request),
      signal,
    );
    if (!Array.isArray(found.HostedZones)) throw contradiction('it is no list of hosted zones');
    // It goes on with the zones that come after. A private one answers inside a network of AWS alone.
    const [one, ...others] = found.HostedZones.filter(
      ({ Name, Config }) => typeof Name === 'string' && recordName(Name) === zone && Config?.PrivateZone !== true,
    );
    if (one === undefined)
      throw new KokoaError('dns_credentials', `the account has no public hosted zone ${zone}`, {
        hint: CREDENTIALS_HINT,
      });
    if (others.length > 0)
      throw new KokoaError(
        'dns_refused',
        `the account has ${others.length + 1} public hosted zones ${zone}, expected one`,
        {
          hint: 'Delete those that the name servers of the parent zone do not lead to.',
        },
      );
    const id = String(one.Id).replace(/^\/hostedzone\//, '');
    if (!HOSTED_ZONE_ID.test(id)) throw contradiction('the id of the hosted zone is none');
    return id;
  }

  async function zoneId(signal: AbortSignal): Promise<string> {
    known ??= await findZone(signal);
    return known;
  }

  const pageAsker =
    (signal: AbortSignal, what: string): AskPage =>
    async (start) => {
      const HostedZoneId = await zoneId(signal);
      const input = {
        HostedZoneId,
        MaxItems: PAGE_SETS,
        StartRecordName: start?.name,
        StartRecordType: start?.type as RRType | undefined,
        StartRecordIdentifier: start?.identifier,
      };
      return forgetting(
        client.ask(
          `list ${what}`,
          (api, request) => api.send(new ListResourceRecordSetsCommand(input), request),
          signal,
        ),
      );
    };

  /** A zone that was deleted and made again has another id. */
  async function forgetting<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof KokoaError && error.code === 'dns_credentials') known = hostedZoneId;
      throw error;
    }
  }

  async function whole(signal: AbortSignal): Promise<Map<string, FoundSet[]>> {
    const { sets, pages } = await wholeZone(zone, pageAsker(signal, zone));
    listPages = pages;
    return byName(sets);
  }

  async function at(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, readonly FoundSet[]>> {
    if (names.length > Math.min(listPages, SINGLY_MAX)) {
      const all = await whole(signal);
      return new Map(names.flatMap((name) => (all.has(name) ? [[name, all.get(name)!]] : [])));
    }
    // Once, and not by each of them.
    if (names.length > 0) await zoneId(signal);
    // When one fails, the others are not worth their requests.
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    try {
      const found = await Promise.all(names.map((name) => oneName(zone, name, pageAsker(either, name))));
      return byName(found.flat());
    } finally {
      stop.abort();
    }
  }

  return {
    ttlMin: 0,
    async list(signal) {
      return zoneRecords(await whole(signal));
    },
    async read(names, signal) {
      return zoneRecords(await at([...new Set(names)], signal));
    },
    write: (changes, signal) =>
      writeInBatches(changes, {
        ...{ provider: 'Route 53', mayBeMade, stepsOf, sizeOf, sizesMax: [RECORDS_MAX, VALUE_CHARACTERS_MAX] },
        read: (names) => at(names, signal),
        async batch(steps) {
          const HostedZoneId = await zoneId(signal);
          const input = { HostedZoneId, ChangeBatch: { Changes: [...steps] } };
          const answer = await forgetting(
            client.ask(
              `change ${zone}`,
              (api, request) => api.send(new ChangeResourceRecordSetsCommand(input), request),
              signal,
            ),
          );
          if (typeof answer.ChangeInfo?.Id !== 'string') throw contradiction('it does not say that a change was taken');
        },
      }),
  };
}
