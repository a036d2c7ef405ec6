// Every pool's routes: hosts as chunks, public ports as streams, brought up to date from an earlier state by looking only at what
// something touched.
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { isWildcard } from '../../bundle/certificate-name.ts';
import type { WireRoute } from '../../bundle/config.ts';
import { packRoute } from '../../bundle/route-texts.ts';
import type { Route } from '../../schemas/types.ts';
import type { Lease } from '../ports/store.ts';
import { type CertificateRules, canBeOrdered, certificateNameOf, certificateRulesOf } from './certificate-rules.ts';
import { type ChunkEntry, type ChunkSet, chunkEntries, chunkEntry, emptyChunks, updateChunks } from './chunks.ts';
import { claimOf, type Desired } from './desired.ts';
import type { LoadedFile } from './files.ts';
import type { FleetNode, Settings } from './fleet.ts';
import {
  chooseOrderer,
  holderThatCounts,
  hostOfLease,
  type LeaseHolders,
  leaseHoldersOf,
  leaseKey,
  mayMove,
  type OrdererChoice,
  type Orderers,
  orderersIn,
  orderersOf,
  sameCandidates,
  sameOrderers,
} from './orderers.ts';
import { changedKeys, entriesOf } from './persistent-map.ts';
import { secretsOf } from './route-secrets.ts';
import type { Sealed } from './sealed.ts';
import { type Streams, streamsOf } from './streams.ts';
import { touchedRoutes } from './touched-routes.ts';
import { wireRouteOf } from './wire-route.ts';

export interface RouteEntry extends ChunkEntry {
  route: Route;
  wire: WireRoute;
  /** Rendezvous winner of all candidates, whoever is heard or holds a lease. */
  winner: string | undefined;
}

export type RouteChunks = ChunkSet<RouteEntry>;

/** The chunks and public ports by pool, and what they were computed from. */
export interface Routing {
  readonly pools: ReadonlyMap<string, RouteChunks>;
  readonly streams: Streams;
  readonly desired: Desired;
  readonly settings: Settings;
  readonly certificates: CertificateRules;
  readonly orderers: ReadonlyMap<string, Orderers>;
  readonly leases: LeaseHolders;
  /** Edges that count as silent. */
  readonly silent: ReadonlySet<string>;
  readonly sealed: Sealed;
  readonly nowMs: number;
  /** Hosts of `pools` that are closed. */
  readonly closed: number;
}

/** All but the result. */
type Ground = Omit<Routing, 'pools' | 'streams' | 'closed'>;

export interface RoutingInput {
  desired: Desired;
  leases: readonly Lease[];
  /** Edges that count as silent; absent: those of the previous state. */
  silent?: ReadonlySet<string>;
  sealed: Sealed;
  now: Date;
}

/** Of a certificate that no edge can order. */
const NOBODY_ORDERS: OrdererChoice = { winner: undefined, orderer: undefined };

type Changes = Map<string, Map<string, RouteEntry | undefined>>;

/** The same result with and without `previous`; with it the cost is that of what was touched. */
export function routingOf(
  { desired, leases, sealed, now, ...input }: RoutingInput,
  settings: Settings,
  fleet: readonly FleetNode[],
  previous?: Routing,
): Routing {
  const silent = input.silent ?? previous?.silent ?? new Set<string>();
  const next: Ground = {
    ...{ desired, settings, sealed, silent },
    certificates: certificateRulesOf(desired.kokoa?.value),
    orderers: orderersOf(fleet, silent),
    leases: leaseHoldersOf(leases, now),
    nowMs: now.getTime(),
  };
  const changes: Changes = new Map();
  let closed = previous?.closed ?? 0;
  const known = previous && sameRules(next, previous) ? previous : undefined;
  const touched = known ? [...touchedRoutes(known, next)] : [];
  for (const hostname of touchedHosts(next, previous, touched)) {
    const poolBefore = poolOf(previous, hostname);
    const poolAfter = poolOf(next, hostname);
    const before = poolBefore === undefined ? undefined : chunkEntry(previous?.pools.get(poolBefore), hostname);
    const after = poolAfter === undefined ? undefined : entryOf(hostname, poolAfter, next, previous);
    if (poolBefore !== undefined && poolBefore !== poolAfter) note(changes, poolBefore, hostname, undefined);
    if (poolAfter !== undefined) note(changes, poolAfter, hostname, after);
    closed += (after?.wire.closed ? 1 : 0) - (before?.wire.closed ? 1 : 0);
  }
  const pools = new Map(previous?.pools);
  for (const [pool, entries] of changes) {
    const chunks = updateChunks(pools.get(pool) ?? emptyChunks<RouteEntry>(), entries);
    if (chunks.count > 0) pools.set(pool, chunks);
    else pools.delete(pool);
  }
  return { ...next, pools, streams: streamsOf(next, known, touched), closed };
}

/** The pool of a hostname's route, or undefined when no route claims it. */
function poolOf(routing: Pick<Routing, 'desired' | 'settings'> | undefined, hostname: string): string | undefined {
  const file = routing && claimOf(routing.desired.routesByHost, hostname);
  return file && (file.value?.pool ?? routing.settings.defaultPool);
}

function entryOf(hostname: string, pool: string, next: Ground, previous: Routing | undefined): RouteEntry | undefined {
  const file = claimOf(next.desired.routesByHost, hostname);
  const before = chunkEntry(previous?.pools.get(pool), hostname);
  const certificate = certificateNameOf(hostname, next.certificates);
  const earlier = certificate === certificateOf(before) ? before : undefined;
  const { winner, orderer } = canBeOrdered(certificate, next.certificates)
    ? chooseOrderer(
        certificate,
        orderersIn(next.orderers, pool),
        next.leases.get(leaseKey(pool, certificate)),
        previous && earlier && { winner: earlier.winner, nodes: orderersIn(previous.orderers, pool).candidates },
      )
    : NOBODY_ORDERS;
  const ordered = { orderer, ...(certificate !== hostname && { certificate }) };
  const wire = wireRouteOf(file, { ...next, limits: next.settings.limits, pool }, ordered);
  if (file?.value === undefined || wire === undefined) return undefined;
  const digest = before?.digest ?? sha256Hex(hostname);
  return { hostname, digest, text: canonicalJson(packRoute(wire)), route: file.value, wire, winner };
}

/** The name of the certificate by which a host is served. */
function certificateOf(entry: RouteEntry | undefined): string | undefined {
  return entry && (entry.wire.certificate ?? entry.hostname);
}

/** The hosts that a certificate serves. Looking for those of a wildcard costs a walk through its pool, once per order. */
function hostsOf(certificate: string, pools: Routing['pools']): string[] {
  if (!isWildcard(certificate)) return [certificate];
  const served = [...pools.values()].flatMap((chunks) =>
    [...chunkEntries(chunks)].filter((entry) => certificateOf(entry) === certificate),
  );
  return served.map(({ hostname }) => hostname);
}

/** The hosts whose entry may differ from the previous one. `touchedFiles`: of those whose file is what it was. */
function touchedHosts(
  next: Ground,
  previous: Routing | undefined,
  touchedFiles: readonly LoadedFile<'route'>[],
): Set<string> {
  if (previous === undefined || !sameRules(next, previous)) {
    return new Set([...hostsIn(next.desired), ...hostsIn(previous?.desired)]);
  }
  const before = previous.desired;
  const touched = new Set(changedKeys(before.routesByHost, next.desired.routesByHost));
  const touch = ({ hostname }: LoadedFile<'route'>) => hostname !== undefined && touched.add(hostname);
  for (const file of touchedFiles) touch(file);
  for (const file of routesOfChangedSecrets(previous, next)) touch(file);
  for (const [pool, chunks] of previous.pools) {
    const [earlier, later] = [orderersIn(previous.orderers, pool), orderersIn(next.orderers, pool)];
    if (sameOrderers(earlier, later)) continue;
    const isSame = sameCandidates(earlier, later);
    for (const entry of chunkEntries(chunks))
      if (!isSame || mayMove({ winner: entry.winner, orderer: entry.wire.orderer }, later)) touched.add(entry.hostname);
  }
  for (const key of new Set([...previous.leases.keys(), ...next.leases.keys()])) {
    if (holderThatCounts(key, previous) !== holderThatCounts(key, next))
      for (const hostname of hostsOf(hostOfLease(key), previous.pools)) touched.add(hostname);
  }
  return touched;
}

/** The routes with a secret of which the sealed text is another one now. */
function* routesOfChangedSecrets(previous: Ground, next: Ground): Generator<LoadedFile<'route'>> {
  if (previous.sealed === next.sealed) return;
  for (const [, file] of entriesOf(next.desired.withSecrets)) {
    const { value, team = '' } = file;
    const pool = value?.pool ?? next.settings.defaultPool;
    const textIn = ({ sealed }: Ground) =>
      secretsOf(file).map(({ reference, hostname }) => sealed.of(pool, team, reference, hostname));
    if (textIn(previous).join('\n') !== textIn(next).join('\n')) yield file;
  }
}

function sameRules(a: Ground, b: Ground): boolean {
  const [one, other] = [a.settings, b.settings];
  const sameLimits = canonicalJson(one.limits) === canonicalJson(other.limits);
  return one.defaultPool === other.defaultPool && sameLimits && a.certificates.text === b.certificates.text;
}

function* hostsIn(desired: Desired | undefined): Generator<string> {
  for (const [hostname] of entriesOf(desired?.routesByHost)) yield hostname;
}

function note(changes: Changes, pool: string, hostname: string, entry: RouteEntry | undefined): void {
  const entries = changes.get(pool) ?? new Map<string, RouteEntry | undefined>();
  changes.set(pool, entries.set(hostname, entry));
}
