// A Desired as the cross-file rules read it. Law: asking about one route costs the same at any number of routes.
import type { Claims, Desired } from './desired.ts';
import type { AnyLoadedFile, Kind, LoadedFile } from './files.ts';
import { entriesOf, lookup, type PersistentMap } from './persistent-map.ts';
import { indexedPortKeys } from './public-port.ts';
import { type DesiredView, originPath } from './view.ts';

/** The view of `desired`: made at once, everything in it is looked up when asked for. */
export function viewOfDesired(desired: Desired): DesiredView {
  return {
    kokoa: desired.kokoa,
    get edges() {
      return filesOf(desired.fleetFiles, 'edge');
    },
    get origins() {
      return filesOf(desired.fleetFiles, 'origin');
    },
    get routes() {
      return filesOf(desired.files, 'route');
    },
    route: (path) => ofKind(lookup(desired.files, path), 'route'),
    origin: (name) => ofKind(lookup(desired.files, originPath(name)), 'origin'),
    routesByHost: (hostname) => pathsOf(lookup(desired.routesByHost, hostname)),
    routesByPublicPort: (key) =>
      indexedPortKeys(key, desired.kokoa?.value?.pools[0]?.name)
        .flatMap((one) => pathsOf(lookup(desired.routesByPublicPort, one)))
        .sort(),
  };
}

/** Many files that claim one host ask for each other's paths: the list is made once per version of the claims. */
const claimPaths = new WeakMap<Claims<'route'>, readonly string[]>();

function pathsOf(claims: Claims<'route'> | undefined): readonly string[] {
  if (claims === undefined) return [];
  const known = claimPaths.get(claims);
  if (known !== undefined) return known;
  const paths = [...entriesOf(claims)].map(([path]) => path).sort();
  claimPaths.set(claims, paths);
  return paths;
}

function* filesOf<K extends Kind>(files: PersistentMap<AnyLoadedFile>, kind: K): Generator<LoadedFile<K>> {
  for (const [, file] of entriesOf(files)) {
    const one = ofKind(file, kind);
    if (one !== undefined) yield one;
  }
}

function ofKind<K extends Kind>(file: AnyLoadedFile | undefined, kind: K): LoadedFile<K> | undefined {
  return file?.kind === kind ? (file as LoadedFile<K>) : undefined;
}
