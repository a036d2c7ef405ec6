// The routes of a config, judged one by one and together. Law: every host is claimed once and goes only into the tunnels, and
// what one web server can carry is bounded.
import type { Chunk, EdgeConfig, WireLimits, WireRoute } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { isCanonicalHostname } from './certificate-name.ts';
import { type CheckedNetwork, outside } from './guard-network.ts';
import { classId } from './nginx-tables.ts';
import { NAMED_TARGETS_MAX } from './nginx-upstreams.ts';

/** Each class is a `server{}` and two zones of shared memory. Ten teams with all the classes that one may have. */
export const CLASSES_MAX = 500;
/** Named upstreams of several targets; nginx looks them up by a linear scan. */
export const SPARED_UPSTREAMS_MAX = 4 * NAMED_TARGETS_MAX;
const BACKENDS_PER_ROUTE_MAX = 16;
const PORT_MAX = 65_535;
/** Same bounds as the schema of a route: `999999g`, and 100 000 of anything else. */
const BODY_BYTES_MAX = 999_999 * 1024 ** 3;
const RATE_MAX = 100_000;
/** Names shown or listed in an answer. */
const LISTED_MAX = 100;

export interface CheckedRoutes {
  hostnames: ReadonlySet<string>;
  /** Hosts whose origin is no peer yet, at most 100 of them. */
  withoutPeer: string[];
}

/** @throws KokoaError hostname_invalid, duplicate_hostname, address_outside_network, backend_is_self, backends_invalid, limits_invalid, too_many_classes, too_many_upstreams */
export function checkRoutes(config: EdgeConfig, chunks: readonly Chunk[], network: CheckedNetwork): CheckedRoutes {
  const hostnames = new Set<string>();
  const classes = new Set<string>();
  const spared = new Set<string>();
  const withoutPeer: string[] = [];
  for (const { routes } of chunks) {
    for (const route of routes) {
      const { hostname, backends, limits } = route;
      if (!isCanonicalHostname(hostname))
        throw new KokoaError('hostname_invalid', `found ${shown(hostname)}, expected a canonical hostname`);
      if (hostnames.has(hostname)) throw new KokoaError('duplicate_hostname', `${hostname} is claimed twice`);
      hostnames.add(hostname);

      const reachable = checkBackends(route, config, network);
      // A team may publish a route before its origin joins; that must not keep the others' changes back.
      if (!reachable && withoutPeer.length < LISTED_MAX) withoutPeer.push(hostname);
      if (backends.length > 1) spared.add(backends.map(({ address, port }) => `${address} ${port}`).join(' '));

      checkLimits(hostname, limits);
      classes.add(classId(limits));
      if (classes.size > CLASSES_MAX)
        throw new KokoaError(
          'too_many_classes',
          `found more than ${CLASSES_MAX} distinct limits: let routes share them`,
        );
      if (spared.size > SPARED_UPSTREAMS_MAX)
        throw new KokoaError(
          'too_many_upstreams',
          `found more than ${SPARED_UPSTREAMS_MAX} distinct lists of backends`,
        );
    }
  }
  return { hostnames, withoutPeer };
}

/** True when at least one backend is a peer of this node. */
function checkBackends({ hostname, backends }: WireRoute, config: EdgeConfig, network: CheckedNetwork): boolean {
  if (backends.length < 1 || backends.length > BACKENDS_PER_ROUTE_MAX)
    throw new KokoaError(
      'backends_invalid',
      `${hostname} has ${backends.length} backends, expected 1 to ${BACKENDS_PER_ROUTE_MAX}`,
    );
  let reachable = false;
  for (const { address, port } of backends) {
    if (!network.holds(address)) throw outside(`a backend of ${hostname}`, address, config.network.wireguard);
    // The node's own services listen there too, the control plane's or a database.
    if (address === network.own)
      throw new KokoaError('backend_is_self', `a backend of ${hostname} is this node itself`);
    if (!isWhole(port, 1, PORT_MAX))
      throw new KokoaError('backends_invalid', `${hostname} has the port ${shown(port)}, expected 1 to ${PORT_MAX}`);
    reachable ||= network.peers.has(address);
  }
  return reachable;
}

function checkLimits(hostname: string, limits: WireLimits): void {
  const { maxBodyBytes, requestsPerSecond, burst, connections } = limits;
  const good =
    isWhole(maxBodyBytes, 1, BODY_BYTES_MAX) &&
    (requestsPerSecond === undefined || isWhole(requestsPerSecond, 1, RATE_MAX)) &&
    (burst === undefined || isWhole(burst, 0, RATE_MAX)) &&
    (connections === undefined || isWhole(connections, 1, RATE_MAX));
  if (!good) throw new KokoaError('limits_invalid', `${hostname} has limits that nothing can keep: ${shown(limits)}`);
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, LISTED_MAX);
}
