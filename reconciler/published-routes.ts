// The routes as they are published: after a restart, what tells which of two files that claim a hostname or a public port is the live one.
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { EdgePart, NodeConfig, WirePlace, WireRoute, WireStream } from '../bundle/config.ts';
import { KokoaError } from '../bundle/error.ts';
import { type PackedChunk, unpackRoute } from '../bundle/route-texts.ts';
import type { Desired } from './core/desired.ts';
import type { LoadedFile } from './core/files.ts';
import { NOTHING_SEALED } from './core/sealed.ts';
import { wireRouteOf } from './core/wire-route.ts';
import { wireStreamOf } from './core/wire-stream.ts';
import type { PublishedNode, Store } from './ports/store.ts';

export interface PublishedRoutes {
  /** The route of a hostname in a pool; undefined: it has none, or its chunk is lost. */
  host(pool: string, hostname: string): Promise<WireRoute | undefined>;
  /** Undefined: the port is closed. */
  stream(pool: string, protocol: WireStream['protocol'], port: number): WireStream | undefined;
}

/**
 * Reads nothing until it is asked. A damaged node counts where its config is whole. @throws KokoaError published_unreadable (every method)
 * where nothing tells what a pool serves, because the config of an edge is damaged and no other one of the pool is whole
 */
export function publishedRoutes(
  { nodes, damaged }: Record<'nodes' | 'damaged', ReadonlyMap<string, PublishedNode>>,
  store: Pick<Store, 'blob'>,
  poolOf: (node: string) => string | undefined,
): PublishedRoutes {
  let read: Map<string, EdgePart> | undefined;
  const isWhole = ({ config, configHash }: PublishedNode) => sha256Hex(config) === configHash;
  const partOf = (pool: string) => {
    read ??= partsByPool([...nodes.values(), ...[...damaged.values()].filter(isWhole)]);
    const part = read.get(pool);
    const lost = part ? undefined : [...damaged.keys()].find((node) => poolOf(node) === pool);
    if (lost !== undefined) throw unreadable(pool, lost);
    return part;
  };
  return {
    async host(pool, hostname) {
      const digest = sha256Hex(hostname);
      const reference = partOf(pool)?.chunks.find(({ bucket }) => digest.startsWith(bucket));
      const text = reference && (await store.blob(reference.sha256));
      const { routes } = JSON.parse(text ?? '{"routes":[]}') as PackedChunk;
      const packed = routes.find((route) => route.hostname === hostname);
      return packed && unpackRoute(packed);
    },
    stream(pool, protocol, port) {
      const { streams = [] } = partOf(pool) ?? {};
      return streams.find((one) => one.protocol === protocol && one.port === port);
    },
  };
}

function unreadable(pool: string, edge: string): KokoaError {
  return new KokoaError(
    'published_unreadable',
    `two files claim the same, and who has it cannot be read: the config of ${edge}, in pool ${pool}, is damaged in the store`,
    { hint: 'Settle in git who has it; then restore the store, or move its directory away and start again.' },
  );
}

/** All edges of a pool name the same chunks and public ports. */
function partsByPool(nodes: Iterable<PublishedNode>): Map<string, EdgePart> {
  const pools = new Map<string, EdgePart>();
  for (const node of nodes) {
    const config = JSON.parse(node.config) as NodeConfig;
    if (config.role === 'edge') pools.set(config.edge.pool, config.edge);
  }
  return pools;
}

/**
 * True when `file` says what is published of its hostname or public port. Secrets are not compared: what they are sealed to changes without
 * a commit. A closed route is compared with what the file says once its time is over; of a closed port nothing is published.
 */
export async function isPublished(
  file: LoadedFile<'route'>,
  desired: Desired,
  routes: PublishedRoutes,
): Promise<boolean> {
  const settings = desired.kokoa?.value;
  const pool = file.value?.pool ?? settings?.pools[0]?.name;
  if (pool === undefined) return false;
  const limits = settings?.defaults?.limits ?? {};
  const { protocol, publicPort } = file.value ?? {};
  if ((protocol === 'tcp' || protocol === 'udp') && publicPort !== undefined) {
    const stream = routes.stream(pool, protocol, publicPort);
    const wire = wireStreamOf(file, { desired, limits, nowMs: 0 });
    return stream !== undefined && wire !== undefined && canonicalJson(stream) === canonicalJson(wire);
  }
  if (file.hostname === undefined) return false;
  const route = await routes.host(pool, file.hostname);
  if (route === undefined) return false;
  const nowMs = route.closed ? Number.MAX_SAFE_INTEGER : 0;
  const wire = wireRouteOf(file, { desired, limits, sealed: NOTHING_SEALED, nowMs, pool }, route);
  return wire !== undefined && canonicalJson(withoutSecrets(route)) === canonicalJson(wire);
}

function withoutSecrets(route: WireRoute): WireRoute {
  const { paths, ...rest } = route;
  return { ...placeWithout(rest), ...(paths && { paths: paths.map(placeWithout) }) };
}

function placeWithout<P extends WirePlace>(place: P): P {
  return place.auth?.kind === 'basic' ? { ...place, auth: { kind: 'basic' } } : place;
}
