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

/** A bucket holds whole entries (key + 16 bytes): twenty usual ones, or a dozen of any length, so that the first size that nginx tries fits. */
const SHORT_KEY_MAX = 100;
/** Above 10 000 nginx tries only the last 1 000 sizes (ngx_hash.c), below it every one: keys that somebody made collide must not cost minutes. */
const HASH_SIZE_MIN = 12_000;

/** `rows`: of the largest table. */
export function hashViews({ rows, longestKey }: { rows: number; longestKey: number }): View {
  return {
    hashMaxSize: as('number', Math.max(HASH_SIZE_MIN, 2 * rows)),
    hashBucketSize: as('number', longestKey <= SHORT_KEY_MAX ? 1024 : 4096),
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
    targets: targets.map(({ endpoint, weight, backup, down = false }) => ({
      endpoint: as('endpoint', endpoint),
      weight: weight === undefined ? false : { number: as('number', weight) },
      backup,
      down,
    })),
  };
}
