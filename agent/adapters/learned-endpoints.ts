// Remembers where peers were last seen, so that a restarted tunnel finds them at once instead of waiting for their keepalives.
// Law: it is a cache. What is torn, foreign or too large counts as nothing remembered.
import { canonicalEndpoint } from '../core/endpoint.ts';
import { PEERS_MAX } from '../core/tunnel-claims.ts';
import { isWireguardKey } from '../core/wireguard-key.ts';
import type { TunnelPeer } from '../ports/tunnel.ts';
import { readBounded, writeDurably } from './durable-write.ts';

const ENDPOINTS_BYTES_MAX = 1024 * 1024;

export interface LearnedEndpoints {
  /** Public key → `ip:port`. */
  all(): Promise<ReadonlyMap<string, string>>;
  /** Keeps the endpoints of these peers; peers without one keep what is remembered. Writes only when something changed. */
  remember(peers: readonly Pick<TunnelPeer, 'publicKey' | 'endpoint'>[]): Promise<void>;
  forget(publicKeys: readonly string[]): Promise<void>;
}

/** Backed by the JSON file at `path` (`{"<public key>": "<ip:port>"}`), read once. */
export function openLearnedEndpoints(path: string): LearnedEndpoints {
  let loaded: Promise<Map<string, string>> | undefined;
  const load = () => {
    loaded ??= readEndpoints(path);
    return loaded;
  };
  const save = (endpoints: ReadonlyMap<string, string>) =>
    writeDurably(path, `${JSON.stringify(Object.fromEntries(endpoints))}\n`, { ours: true });

  return {
    all: load,
    async remember(peers) {
      const endpoints = await load();
      let changed = false;
      for (const { publicKey, endpoint } of peers) {
        if (endpoint === undefined || endpoints.get(publicKey) === endpoint) continue;
        if (!endpoints.has(publicKey) && endpoints.size >= PEERS_MAX) continue;
        endpoints.set(publicKey, endpoint);
        changed = true;
      }
      if (changed) await save(endpoints);
    },
    async forget(publicKeys) {
      const endpoints = await load();
      const removed = publicKeys.filter((key) => endpoints.delete(key));
      if (removed.length > 0) await save(endpoints);
    },
  };
}

async function readEndpoints(path: string): Promise<Map<string, string>> {
  const endpoints = new Map<string, string>();
  for (const [publicKey, endpoint] of Object.entries(await readObject(path))) {
    const canonical = typeof endpoint === 'string' ? canonicalEndpoint(endpoint) : undefined;
    if (isWireguardKey(publicKey) && canonical !== undefined && endpoints.size < PEERS_MAX) {
      endpoints.set(publicKey, canonical);
    }
  }
  return endpoints;
}

async function readObject(path: string): Promise<object> {
  try {
    const value: unknown = JSON.parse((await readBounded(path, ENDPOINTS_BYTES_MAX)) ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}
