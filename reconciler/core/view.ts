// What the cross-file rules need to see of the desired state, and nothing more; and the plainest thing that shows it.
import type { AnyLoadedFile, LoadedFile } from './files.ts';
import { baseNameOf, KOKOA_FILE } from './paths.ts';
import { indexedPortKey, indexedPortKeys } from './public-port.ts';

/** A read-only view of all loaded files, good and bad ones. */
export interface DesiredView {
  /** kokoa.yaml, if there is one; its value is absent while it has problems of its own. */
  readonly kokoa: LoadedFile<'kokoa'> | undefined;
  readonly edges: Iterable<LoadedFile<'edge'>>;
  readonly origins: Iterable<LoadedFile<'origin'>>;
  readonly routes: Iterable<LoadedFile<'route'>>;
  route(path: string): LoadedFile<'route'> | undefined;
  /** The file origins/NAME.yaml, with or without a value. */
  origin(name: string): LoadedFile<'origin'> | undefined;
  /** Paths, sorted, of the routes with a value that claim a canonical hostname: a broken file never puts a good one in the wrong. */
  routesByHost(hostname: string): readonly string[];
  /** The same of those that claim a public port, by publicPortKey (public-port.ts). */
  routesByPublicPort(key: string): readonly string[];
}

/** A view of a list of files that are all there is. */
export function viewOf(files: readonly AnyLoadedFile[]): DesiredView {
  const edges: LoadedFile<'edge'>[] = [];
  const origins = new Map<string, LoadedFile<'origin'>>();
  const routes = new Map<string, LoadedFile<'route'>>();
  const claims = new Map<string, string[]>();
  const ports = new Map<string, string[]>();
  let kokoa: LoadedFile<'kokoa'> | undefined;
  for (const file of files) {
    if (file.kind === 'kokoa') kokoa = file.path === KOKOA_FILE ? file : (kokoa ?? file);
    else if (file.kind === 'edge') edges.push(file);
    else if (file.kind === 'origin') origins.set(file.path, file);
    else {
      routes.set(file.path, file);
      if (file.value === undefined) continue;
      claim(claims, file.hostname, file.path);
      claim(ports, indexedPortKey(file.value), file.path);
    }
  }
  for (const paths of claims.values()) if (paths.length > 1) paths.sort();
  const defaultPool = kokoa?.value?.pools[0]?.name;
  return {
    kokoa,
    edges,
    origins: [...origins.values()],
    routes: [...routes.values()],
    route: (path) => routes.get(path),
    origin: (name) => origins.get(originPath(name)),
    routesByHost: (hostname) => claims.get(hostname) ?? [],
    routesByPublicPort: (key) =>
      indexedPortKeys(key, defaultPool)
        .flatMap((one) => ports.get(one) ?? [])
        .sort(),
  };
}

function claim(claims: Map<string, string[]>, key: string | undefined, path: string): void {
  if (key === undefined) return;
  const paths = claims.get(key);
  if (paths === undefined) claims.set(key, [path]);
  else paths.push(path);
}

/** Where an origin of this name is written. */
export function originPath(name: string): string {
  return `origins/${name}.yaml`;
}

/** The names of all origins, valid or not. */
export function originNames(view: DesiredView): string[] {
  return [...view.origins].map(({ path }) => baseNameOf(path));
}
