// The routes as they are published: after a restart, what tells which of two files that claim a hostname is the live one.
import { sha256Hex } from '../bundle/canonical.ts';
import type { Chunk, ChunkReference, NodeConfig, WireRoute } from '../bundle/config.ts';
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
