// Which records git wants in DNS. Law: a hostname leads to the name of its pool, and only the pool's name and the apexes of zones hold addresses,
// so that a failover changes these alone, whatever the number of hostnames (RFC 1034, 3.6.2: an apex cannot be a CNAME).
import type { Kokoa, Route } from '../../../schemas/types.ts';
import type { RecordSet } from '../../ports/dns-zone.ts';
import { certificateRulesOf, zoneOf } from '../certificate-rules.ts';
import { claimOf, type Desired } from '../desired.ts';
import { canonicalHostname } from '../hostname.ts';
import { changedKeys, entriesOf } from '../persistent-map.ts';
import { recordSet } from './record-set.ts';

/** Seconds: how long a visitor may go on to an edge that has left. */
export const TTL_DEFAULT = 30;

/** A pool that has a name in DNS. */
export interface PoolName {
  pool: string;
  /** Canonical. */
  hostname: string;
  ttl: number;
}

/** Public addresses of the edges of a pool that visitors are sent to. None: nobody knows any, and what stands in DNS stays. */
export type AddressesOf = (pool: string) => readonly string[];

export interface WantedName {
  name: string;
  /** Canonical name of the zone that holds it. */
  zone: string;
  /** Undefined: what stands there stays as it is, because nothing better is known. */
  sets: readonly RecordSet[] | undefined;
}

export interface WantedContext {
  desired: Desired;
  addressesOf: AddressesOf;
}

interface DnsRules {
  /** Canonical names of zones; each leads to itself. */
  zones: ReadonlyMap<string, string>;
  byPool: ReadonlyMap<string, PoolName>;
  byHostname: ReadonlyMap<string, PoolName>;
}

const known = new WeakMap<Kokoa, DnsRules>();

/** The pools with a name, by pool. */
export function poolNames(kokoa: Kokoa | undefined): ReadonlyMap<string, PoolName> {
  return rulesOf(kokoa).byPool;
}

/** Every name that git wants something of, in no meaningful order. */
export function* allNames({ kokoa, routesByHost }: Desired): Generator<string> {
  for (const { hostname } of poolNames(kokoa?.value).values()) yield hostname;
  for (const [hostname] of entriesOf(routesByHost)) yield hostname;
}

/** Names of which something else may be wanted in `after` than in `before`: all of both where kokoa.yaml differs. */
export function touchedNames(before: Desired, after: Desired): Iterable<string> {
  if (before.kokoa?.value !== after.kokoa?.value) return new Set([...allNames(before), ...allNames(after)]);
  return changedKeys(before.routesByHost, after.routesByHost);
}

/** The names that hold addresses of edges: what a failover changes. */
export function addressNames({ kokoa, routesByHost }: Desired): string[] {
  const zones = [...certificateRulesOf(kokoa?.value).zones.keys()];
  const apexes = zones.filter((zone) => claimOf(routesByHost, zone) !== undefined);
  return [...new Set([...[...poolNames(kokoa?.value).values()].map(({ hostname }) => hostname), ...apexes])];
}

/** What a name is for. */
export type NameMeaning = { zone: string; pool: PoolName } /** It leads to the name of its pool. */ & (
  | { kind: 'alias' }
  /** It holds the addresses of the pool's edges: the name of the pool, or the apex of a zone. */
  | { kind: 'addresses' }
);

/** Undefined where git says nothing of a name: it is of no zone, or nobody's, or its pool has no name. */
export function meaningOf(name: string, desired: Desired): NameMeaning | undefined {
  const kokoa = desired.kokoa?.value;
  const zone = zoneNameOf(name, kokoa);
  if (kokoa === undefined || zone === undefined) return undefined;
  const { byPool, byHostname } = rulesOf(kokoa);
  const named = byHostname.get(name);
  if (named) return { kind: 'addresses', zone, pool: named };
  const route: Route | undefined = claimOf(desired.routesByHost, name)?.value;
  const pool = route && byPool.get(route.pool ?? kokoa.pools[0]!.name);
  return pool && { kind: name === zone ? 'addresses' : 'alias', zone, pool };
}

/** What git wants at a name; undefined where it says nothing of it. */
export function wantedAt(name: string, { desired, addressesOf }: WantedContext): WantedName | undefined {
  const meaning = meaningOf(name, desired);
  if (meaning === undefined) return undefined;
  const { kind, zone, pool } = meaning;
  if (kind === 'addresses') return { name, zone, sets: addressSets(pool, addressesOf) };
  return { name, zone, sets: [{ type: 'CNAME', ttl: pool.ttl, values: [pool.hostname] }] };
}

/** The zone of kokoa.yaml that holds a name. */
export function zoneNameOf(name: string, kokoa: Kokoa | undefined): string | undefined {
  return zoneOf(name.replace(/^\*\./, ''), rulesOf(kokoa).zones);
}

function addressSets({ pool, ttl }: PoolName, addressesOf: AddressesOf): RecordSet[] | undefined {
  const addresses = addressesOf(pool);
  const sets = (['A', 'AAAA'] as const).flatMap((type) => recordSet(type, ttl, addresses) ?? []);
  return sets.length === 0 ? undefined : sets;
}

/** Built once per value of kokoa.yaml: every name asks. */
function rulesOf(kokoa: Kokoa | undefined): DnsRules {
  const found = (kokoa && known.get(kokoa)) ?? makeRules(kokoa);
  if (kokoa) known.set(kokoa, found);
  return found;
}

function makeRules(kokoa: Kokoa | undefined): DnsRules {
  const pools = (kokoa?.pools ?? []).flatMap(({ name, hostname, ttl = TTL_DEFAULT }): PoolName[] => {
    const canonical = hostname === undefined ? undefined : canonicalHostname(hostname);
    return canonical?.kind === 'hostname' ? [{ pool: name, hostname: canonical.hostname, ttl }] : [];
  });
  return {
    zones: new Map([...certificateRulesOf(kokoa).zones.keys()].map((zone) => [zone, zone])),
    byPool: new Map(pools.map((one) => [one.pool, one])),
    byHostname: new Map(pools.map((one) => [one.hostname, one])),
  };
}
