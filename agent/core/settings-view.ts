// What every template of the tree needs of the machine it is rendered for.
import { as, type View } from './mustache-template.ts';
import type { NamedUpstream } from './nginx-upstreams.ts';

export interface NginxSettings {
  /** Absolute. The tree stands in `releases/<releaseId>/` below it, certificates in `certs/`, users of logins in `users/`. */
  stateDir: string;
  /** What the probe socket answers: the name of the release folder. */
  releaseId: string;
  listen: {
    /** Bare IPv4 or IPv6 addresses: `0.0.0.0` and `::` for all. */
    addresses: readonly string[];
    httpPort: number;
    httpsPort: number;
  };
  /** Account of the workers; absent when the agent is not root. */
  user?: { account: string; group: string };
  workerProcesses: number;
  workerConnections: number;
  /** The authorities that browsers trust, as one PEM file; absent: this machine has none, and nothing is verified by them. */
  systemCaFile?: string;
}

/** A bucket holds whole entries (key + 16 bytes): 512 a dozen usual names, so that the first size that nginx tries fits; 2048 four of any length. */
const SHORT_KEY_MAX = 100;
const HASH_SIZE_MIN = 2048;

export function hashViews({ routes, longestKey }: { routes: number; longestKey: number }): View {
  return {
    hashMaxSize: as('number', Math.max(HASH_SIZE_MIN, 2 * routes)),
    hashBucketSize: as('number', longestKey <= SHORT_KEY_MAX ? 512 : 2048),
  };
}

export function listenViews({ listen }: NginxSettings, port: number): View[] {
  return listen.addresses.map((address) => ({
    endpoint: as('endpoint', address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`),
  }));
}

export function upstreamView({ name, targets, sticky }: NamedUpstream): View {
  return {
    name: as('name', name),
    sticky,
    targets: targets.map(({ endpoint, weight, backup }) => ({
      endpoint: as('endpoint', endpoint),
      weight: weight === undefined ? false : { number: as('number', weight) },
      backup,
    })),
  };
}
