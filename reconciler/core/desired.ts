// What git says, indexed. Law: a Desired never changes. An update answers a new one in O(change) that shares the rest with the
// old one (persistent maps), so the published state stays valid beside any candidate and needs no undo.
import type { AnyLoadedFile, Kind, LoadedFile } from './files.ts';
import { KOKOA_FILE } from './paths.ts';
import { emptyMap, entriesOf, lookup, type PersistentMap, updateMap } from './persistent-map.ts';

/** Files under one key, by path. More than one only where two files claim the same thing, which the rules refuse. */
export type Claims<K extends Kind> = PersistentMap<LoadedFile<K>>;

export interface Desired {
  readonly files: PersistentMap<AnyLoadedFile>;
  /** The files that are no routes, good and bad ones: few, where `files` may be 100 000. */
  readonly fleetFiles: PersistentMap<AnyLoadedFile>;
  /** kokoa.yaml; without one, a file that looks meant to be it. */
  readonly kokoa: LoadedFile<'kokoa'> | undefined;
  /** By canonical hostname. Only files with a value are in this index and the following ones. */
  readonly routesByHost: PersistentMap<Claims<'route'>>;
  readonly routesByOrigin: PersistentMap<Claims<'route'>>;
  readonly edges: PersistentMap<Claims<'edge'>>;
  readonly origins: PersistentMap<Claims<'origin'>>;
  /** Origin name → port → how many routes declare it. */
  readonly ports: PersistentMap<PersistentMap<number>>;
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
  routesByHost: emptyMap(),
  routesByOrigin: emptyMap(),
  edges: emptyMap(),
  origins: emptyMap(),
  ports: emptyMap(),
};

export function emptyDesired(): Desired {
  return EMPTY;
}

/** A new Desired with `changes` applied; the last change of a path wins. Cost: the changes, whatever the number of files. */
export function updateDesired(desired: Desired, changes: Iterable<DesiredChange>): Desired {
  const last = new Map<string, AnyLoadedFile | undefined>();
  for (const { path, file } of changes) last.set(path, file);

  const byHost = new ClaimChanges<'route'>();
  const byOrigin = new ClaimChanges<'route'>();
  const edges = new ClaimChanges<'edge'>();
  const origins = new ClaimChanges<'origin'>();
  const ports = new Map<string, Map<string, number>>();

  for (const [path, after] of last) {
    for (const [file, present] of [
      [lookup(desired.files, path), undefined],
      [after, after],
    ] as const) {
      if (file?.value === undefined) continue;
      if (file.kind === 'edge') edges.note(file.value.name, path, present && file);
      if (file.kind === 'origin') origins.note(file.value.name, path, present && file);
      if (file.kind === 'route') {
        if (file.hostname !== undefined) byHost.note(file.hostname, path, present && file);
        byOrigin.note(file.value.origin, path, present && file);
        countPort(ports, file.value.origin, file.value.port, present === undefined ? -1 : 1);
      }
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
    routesByHost: byHost.apply(desired.routesByHost),
    routesByOrigin: byOrigin.apply(desired.routesByOrigin),
    edges: edges.apply(desired.edges),
    origins: origins.apply(desired.origins),
    ports: applyCounts(desired.ports, ports),
  };
}

/** Hostnames that routes claim. */
export function hostCount(desired: Desired): number {
  return desired.routesByHost.size;
}

/** The one file under a key; of several (a state the rules refuse) always the same one, the first path by code unit. */
export function claimOf<K extends Kind>(index: PersistentMap<Claims<K>>, key: string): LoadedFile<K> | undefined {
  let first: LoadedFile<K> | undefined;
  for (const [path, file] of entriesOf(lookup(index, key))) if (!first || path < first.path) first = file;
  return first;
}

/** TCP ports that routes declare on an origin, ascending. */
export function portsOf(desired: Desired, origin: string): number[] {
  return [...entriesOf(lookup(desired.ports, origin))].map(([port]) => Number(port)).sort((a, b) => a - b);
}

function kokoaIn(fleetFiles: PersistentMap<AnyLoadedFile>): LoadedFile<'kokoa'> | undefined {
  const file = lookup(fleetFiles, KOKOA_FILE);
  if (file?.kind === 'kokoa') return file;
  const others = [...entriesOf(fleetFiles)].map(([, other]) => other).filter((other) => other.kind === 'kokoa');
  return others.sort((a, b) => (a.path < b.path ? -1 : 1))[0];
}

/** Collects the changes of one index, so that each key is rewritten once per update. */
class ClaimChanges<K extends Kind> {
  readonly #byKey = new Map<string, Map<string, LoadedFile<K> | undefined>>();

  note(key: string, path: string, file: LoadedFile<K> | undefined): void {
    const claims = this.#byKey.get(key) ?? new Map<string, LoadedFile<K> | undefined>();
    this.#byKey.set(key, claims.set(path, file));
  }

  apply(index: PersistentMap<Claims<K>>): PersistentMap<Claims<K>> {
    return updateMap(
      index,
      [...this.#byKey].map(([key, claims]) => [key, orAbsent(updateMap(lookup(index, key) ?? emptyMap(), claims))]),
    );
  }
}

function countPort(ports: Map<string, Map<string, number>>, origin: string, port: number, by: number): void {
  const counts = ports.get(origin) ?? new Map<string, number>();
  ports.set(origin, counts.set(String(port), (counts.get(String(port)) ?? 0) + by));
}

function applyCounts(index: Desired['ports'], changes: ReadonlyMap<string, ReadonlyMap<string, number>>) {
  return updateMap(
    index,
    [...changes].map(([origin, counts]) => {
      const before = lookup(index, origin) ?? emptyMap<number>();
      const after = [...counts].map(([port, by]) => [port, (lookup(before, port) ?? 0) + by || undefined] as const);
      return [origin, orAbsent(updateMap(before, after))] as const;
    }),
  );
}

function orAbsent<V>(map: PersistentMap<V>): PersistentMap<V> | undefined {
  return map.size === 0 ? undefined : map;
}
