// The routes as they are published: after a restart, what tells which of two files that claim a hostname is the live one.
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { Chunk, ChunkReference, NodeConfig, WirePlace, WireRoute } from '../bundle/config.ts';
import type { Desired } from './core/desired.ts';
import type { LoadedFile } from './core/files.ts';
import { NOTHING_SEALED } from './core/sealed.ts';
import { wireRouteOf } from './core/wire-route.ts';
import type { PublishedNode, Store } from './ports/store.ts';

/** The route of a hostname in a pool; undefined: it has none, or its chunk is lost. */
export type PublishedRoutes = (pool: string, hostname: string) => Promise<WireRoute | undefined>;

/** Reads nothing until it is asked. */
export function publishedRoutes(nodes: Iterable<PublishedNode>, store: Pick<Store, 'blob'>): PublishedRoutes {
  let pools: Map<string, ChunkReference[]> | undefined;
  return async (pool, hostname) => {
    pools ??= chunksByPool(nodes);
    const digest = sha256Hex(hostname);
    const reference = pools.get(pool)?.find(({ bucket }) => digest.startsWith(bucket));
    const text = reference && (await store.blob(reference.sha256));
    return text === undefined
      ? undefined
      : (JSON.parse(text) as Chunk).routes.find((route) => route.hostname === hostname);
  };
}

/** All edges of a pool name the same chunks. */
function chunksByPool(nodes: Iterable<PublishedNode>): Map<string, ChunkReference[]> {
  const pools = new Map<string, ChunkReference[]>();
  for (const node of nodes) {
    const config = JSON.parse(node.config) as NodeConfig;
    if (config.role === 'edge') pools.set(config.edge.pool, config.edge.chunks);
  }
  return pools;
}

/**
 * True when `file` says what is published of its hostname. Secrets are not compared: what they are sealed to changes without a commit. A closed route
 * is compared with what the file says once its time is over.
 */
export async function isPublished(
  file: LoadedFile<'route'>,
  desired: Desired,
  routes: PublishedRoutes,
): Promise<boolean> {
  const settings = desired.kokoa?.value;
  const pool = file.value?.pool ?? settings?.pools[0]?.name;
  if (pool === undefined || file.hostname === undefined) return false;
  const route = await routes(pool, file.hostname);
  if (route === undefined) return false;
  const limits = settings?.defaults?.limits ?? {};
  const nowMs = route.closed ? Number.MAX_SAFE_INTEGER : 0;
  const wire = wireRouteOf(file, { desired, limits, sealed: NOTHING_SEALED, nowMs, pool }, route.orderer);
  return wire !== undefined && canonicalJson(withoutSecrets(route)) === canonicalJson(wire);
}

function withoutSecrets(route: WireRoute): WireRoute {
  const { paths, ...rest } = route;
  return { ...placeWithout(rest), ...(paths && { paths: paths.map(placeWithout) }) };
}

function placeWithout<P extends WirePlace>(place: P): P {
  return place.auth?.kind === 'basic' ? { ...place, auth: { kind: 'basic' } } : place;
}
