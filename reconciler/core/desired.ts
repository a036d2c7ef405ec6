// What git says, indexed. Law: a Desired never changes. An update answers a new one in O(change) that shares the rest with the
// old one (persistent maps), so the published state stays valid beside any candidate and needs no undo.
import { ClaimChanges, type Claims, type Counts, claimOf } from './claims.ts';
import type { AnyLoadedFile, LoadedFile } from './files.ts';
import { KOKOA_FILE } from './paths.ts';
import { emptyMap, entriesOf, lookup, type PersistentMap, updateMap } from './persistent-map.ts';
import { RouteChanges } from './route-changes.ts';
import { readPortKey, type TransportProtocol } from './service-keys.ts';

export { type Claims, claimOf };

/** Of routes; only files with a value are in these. What they name may be refused by rules that look at more than one file. */
export interface RouteIndexes {
  /** By canonical hostname. */
  readonly routesByHost: PersistentMap<Claims<'route'>>;
  /** By indexedPortKey (public-port.ts). */
  readonly routesByPublicPort: PersistentMap<Claims<'route'>>;
  /** By every origin that a route names, wherever in it. */
  readonly routesByOrigin: PersistentMap<Claims<'route'>>;
  /** Origin name → portKey (service-keys.ts) of a port of the machine itself → how often routes name it. */
  readonly ports: Counts;
  /** sectionName of an origin and a team → what its checks ask the machine itself (asked-origins.ts) → how often. */
  readonly asked: Counts;
  /** sectionName (tunnel-ports.ts) of an origin and a team → serviceKey of a service behind it → the team's routes that name it. */
  readonly services: PersistentMap<PersistentMap<Claims<'route'>>>;
  /** By path: routes that end by themselves. */
  readonly expiring: Claims<'route'>;
  /** By path: routes of which something stands elsewhere: lists of users, certificates (route-secrets.ts). */
  readonly withSecrets: Claims<'route'>;
  /** Team → sha256 of a policy class → how many of its routes are of it. */
  readonly policies: Counts;
  /** Team → sha256 of a list of several backends → how many places name it. */
  readonly upstreams: Counts;
  /** Team → sha256 of a list of addresses → how many places name it. */
  readonly networkLists: Counts;
  /** Pool, '' where a route names none → a place of its public ports (public-port-places.ts) → how many routes take it. */
  readonly publicPorts: Counts;
}

export interface Desired extends RouteIndexes {
  readonly files: PersistentMap<AnyLoadedFile>;
  /** The files that are no routes, good and bad ones: few, where `files` may be 100 000. */
  readonly fleetFiles: PersistentMap<AnyLoadedFile>;
  /** kokoa.yaml; without one, a file that looks meant to be it. */
  readonly kokoa: LoadedFile<'kokoa'> | undefined;
  /** By name. Only files with a value are in this index and the following one. */
  readonly edges: PersistentMap<Claims<'edge'>>;
  readonly origins: PersistentMap<Claims<'origin'>>;
}

export interface DesiredChange {
  path: string;
  /** Undefined: the file is gone. */
  file?: AnyLoadedFile | undefined;
}

const EMPTY: Desired = {
  files: emptyMap(),
  fleetFiles: emptyMap(),
  kokoa: undefined,
  edges: emptyMap(),
  origins: emptyMap(),
  routesByHost: emptyMap(),
  routesByPublicPort: emptyMap(),
  routesByOrigin: emptyMap(),
  ports: emptyMap(),
  asked: emptyMap(),
  services: emptyMap(),
  expiring: emptyMap(),
  withSecrets: emptyMap(),
  policies: emptyMap(),
  upstreams: emptyMap(),
  networkLists: emptyMap(),
  publicPorts: emptyMap(),
};

export function emptyDesired(): Desired {
  return EMPTY;
}

/** A new Desired with `changes` applied; the last change of a path wins. Cost: the changes, whatever the number of files. */
export function updateDesired(desired: Desired, changes: Iterable<DesiredChange>): Desired {
  const last = new Map<string, AnyLoadedFile | undefined>();
  for (const { path, file } of changes) last.set(path, file);

  const edges = new ClaimChanges<'edge'>();
  const origins = new ClaimChanges<'origin'>();
  const routes = new RouteChanges();
  for (const [path, after] of last) {
    for (const [file, present] of [
      [lookup(desired.files, path), false],
      [after, true],
    ] as const) {
      if (file?.value === undefined) continue;
      if (file.kind === 'edge') edges.note(file.value.name, path, present ? file : undefined);
      if (file.kind === 'origin') origins.note(file.value.name, path, present ? file : undefined);
      if (file.kind === 'route') routes.note(path, file, file.value, present);
    }
  }
  const isFleet = (file: AnyLoadedFile | undefined) => (file?.kind === 'route' ? undefined : file);
  const fleetFiles = updateMap(
    desired.fleetFiles,
    [...last].map(([path, file]) => [path, isFleet(file)]),
  );
  return {
    files: updateMap(desired.files, last),
    fleetFiles,
    kokoa: kokoaIn(fleetFiles),
    edges: edges.apply(desired.edges),
    origins: origins.apply(desired.origins),
    ...routes.apply(desired),
  };
}

/** Hostnames that routes claim. */
export function hostCount(desired: Desired): number {
  return desired.routesByHost.size;
}

/** Ports that routes declare on an origin itself, ascending. */
export function portsOf(desired: Desired, origin: string, protocol: TransportProtocol = 'tcp'): number[] {
  return [...entriesOf(lookup(desired.ports, origin))]
    .map(([key]) => readPortKey(key))
    .filter((one) => one.protocol === protocol)
    .map(({ port }) => port)
    .sort((a, b) => a - b);
}

function kokoaIn(fleetFiles: PersistentMap<AnyLoadedFile>): LoadedFile<'kokoa'> | undefined {
  const file = lookup(fleetFiles, KOKOA_FILE);
  if (file?.kind === 'kokoa') return file;
  const others = [...entriesOf(fleetFiles)].map(([, other]) => other).filter((other) => other.kind === 'kokoa');
  return others.sort((a, b) => (a.path < b.path ? -1 : 1))[0];
}
