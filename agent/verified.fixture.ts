// Verified bundles for tests, as if they had come from a control plane. A bundle's hash is its name in hex.
import type { EdgeConfig, OriginConfig } from '../bundle/config.ts';
import { edgeConfig } from '../bundle/installation.fixture.ts';
import type { VerifiedBundle } from './ports/state.ts';

export const NOW_MS = Date.UTC(2030, 0, 1);

export interface BundleOptions {
  /** Peers of the node besides `home`. */
  peers?: string[];
  version?: number;
  timestampExpiresMs?: number;
  config?: Partial<EdgeConfig>;
}

/** A verified bundle of an edge that routes these hosts to the peer `home`. Its hash begins with the first hostname. */
export function edgeBundle(hostnames: readonly string[], options: BundleOptions = {}): VerifiedBundle {
  const base = edgeConfig('tokyo-1', []);
  const more = (options.peers ?? []).map((node, index) => ({
    node,
    publicKey: `${String.fromCharCode(66 + index).repeat(42)}E=`,
    address: `10.100.2.${index + 1}`,
  }));
  const config = {
    ...base,
    wireguard: { ...base.wireguard, peers: [...base.wireguard.peers, ...more] },
    ...options.config,
  };
  return {
    configHash: hashOf(hostnames.join('+') + (options.peers ?? []).map((peer) => `/${peer}`).join('')),
    version: options.version ?? 1,
    config,
    chunks: [{ routes: hostnames.map(routeOf) }],
    timestampExpiresMs: options.timestampExpiresMs ?? NOW_MS + 3_600_000,
  };
}

export function originBundle(ports: number[]): VerifiedBundle {
  const { edge: _, ...base } = edgeConfig('home', []);
  const config: OriginConfig = { ...base, role: 'origin', origin: { ports } };
  return {
    configHash: hashOf(`origin-${ports.join('+')}`),
    version: 1,
    config,
    chunks: [],
    timestampExpiresMs: NOW_MS + 3_600_000,
  };
}

export function routeOf(hostname: string) {
  return { hostname, backends: [{ address: '10.100.1.1', port: 8080 }], limits: { maxBodyBytes: 1024 } };
}

/** The name that a hash was made of. */
export function nameOf(configHash: string): string {
  return Buffer.from(configHash, 'hex').toString().replaceAll('\0', '');
}

function hashOf(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64);
}
