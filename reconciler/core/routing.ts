// Every pool's routes: hosts as chunks, public ports as streams, brought up to date from an earlier state by looking only at what
// something touched.
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import type { WireRoute } from '../../bundle/config.ts';
import { packRoute } from '../../bundle/route-texts.ts';
import type { Route } from '../../schemas/types.ts';
import type { Lease } from '../ports/store.ts';
import { type ChunkEntry, type ChunkSet, chunkEntries, chunkEntry, emptyChunks, updateChunks } from './chunks.ts';
import { claimOf, type Desired } from './desired.ts';
import type { LoadedFile } from './files.ts';
import type { FleetNode, Settings } from './fleet.ts';
import {
  chooseOrderer,
  hostOfLease,
  type LeaseHolders,
  leaseHoldersOf,
  leaseKey,
  type Orderers,
  orderersIn,
  orderersOf,
  sameOrderers,
} from './orderers.ts';
import { changedKeys, entriesOf } from './persistent-map.ts';
import { usersOf } from './route-changes.ts';
import type { Sealed } from './sealed.ts';
import { type Streams, streamsOf } from './streams.ts';
import { touchedRoutes } from './touched-routes.ts';
import { wireRouteOf } from './wire-route.ts';

export interface RouteEntry extends ChunkEntry {
  route: Route;
  wire: WireRoute;
  /** Rendezvous winner, whoever holds a lease. */
  winner: string | undefined;
}

export type RouteChunks = ChunkSet<RouteEntry>;

/** The chunks and public ports by pool, and what they were computed from. */
export interface Routing {
  readonly pools: ReadonlyMap<string, RouteChunks>;
  readonly streams: Streams;
  readonly desired: Desired;
  readonly settings: Settings;
  readonly orderers: ReadonlyMap<string, Orderers>;
  readonly leases: LeaseHolders;
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
  sealed: Sealed;
  now: Date;
}

type Changes = Map<string, Map<string, RouteEntry | undefined>>;

/** The same result with and without `previous`; with it the cost is that of what was touched. */
export function routingOf(
  { desired, leases, sealed, now }: RoutingInput,
  settings: Settings,
  fleet: readonly FleetNode[],
  previous?: Routing,
): Routing {
  const next: Ground = {
    ...{ desired, settings, sealed },
    orderers: orderersOf(fleet),
    leases: leaseHoldersOf(leases, now),
    nowMs: now.getTime(),
  };
  const changes: Changes = new Map();
  let closed = previous?.closed ?? 0;
  const known = previous && sameRules(next.settings, previous.settings) ? previous : undefined;
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
  const { winner, orderer } = chooseOrderer(
    hostname,
    orderersIn(next.orderers, pool),
    next.leases.get(leaseKey(pool, hostname)),
    previous && before && { winner: before.winner, nodes: orderersIn(previous.orderers, pool).candidates },
  );
  const wire = wireRouteOf(file, { ...next, limits: next.settings.limits, pool }, orderer);
  if (file?.value === undefined || wire === undefined) return undefined;
  const digest = before?.digest ?? sha256Hex(hostname);
  return { hostname, digest, text: canonicalJson(packRoute(wire)), route: file.value, wire, winner };
}

/** The hosts whose entry may differ from the previous one. `touchedFiles`: of those whose file is what it was. */
function touchedHosts(
  next: Ground,
  previous: Routing | undefined,
  touchedFiles: readonly LoadedFile<'route'>[],
): Set<string> {
  if (previous === undefined || !sameRules(next.settings, previous.settings)) {
    return new Set([...hostsIn(next.desired), ...hostsIn(previous?.desired)]);
  }
  const before = previous.desired;
  const touched = new Set(changedKeys(before.routesByHost, next.desired.routesByHost));
  const touch = ({ hostname }: LoadedFile<'route'>) => hostname !== undefined && touched.add(hostname);
  for (const file of touchedFiles) touch(file);
  for (const file of routesOfChangedSecrets(previous, next)) touch(file);
  for (const [pool, chunks] of previous.pools) {
    if (sameOrderers(orderersIn(previous.orderers, pool), orderersIn(next.orderers, pool))) continue;
    for (const entry of chunkEntries(chunks)) touched.add(entry.hostname);
  }
  for (const key of new Set([...previous.leases.keys(), ...next.leases.keys()])) {
    if (previous.leases.get(key) !== next.leases.get(key)) touched.add(hostOfLease(key));
  }
  return touched;
}

/** The routes with a user list of which the sealed text is another one now. */
function* routesOfChangedSecrets(previous: Ground, next: Ground): Generator<LoadedFile<'route'>> {
  if (previous.sealed === next.sealed) return;
  for (const [, file] of entriesOf(next.desired.withUsers)) {
    const { value, team = '' } = file;
    const pool = value?.pool ?? next.settings.defaultPool;
    const textIn = ({ sealed }: Ground) => usersOf(value!).map((reference) => sealed.of(pool, team, reference));
    if (textIn(previous).join('\n') !== textIn(next).join('\n')) yield file;
  }
}

function sameRules(a: Settings, b: Settings): boolean {
  return a.defaultPool === b.defaultPool && canonicalJson(a.limits) === canonicalJson(b.limits);
}

function* hostsIn(desired: Desired | undefined): Generator<string> {
  for (const [hostname] of entriesOf(desired?.routesByHost)) yield hostname;
}

function note(changes: Changes, pool: string, hostname: string, entry: RouteEntry | undefined): void {
  const entries = changes.get(pool) ?? new Map<string, RouteEntry | undefined>();
  changes.set(pool, entries.set(hostname, entry));
}
