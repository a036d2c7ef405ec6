// Where one route leads, by every one of its paths. Law: only into the tunnels and never to this node itself, or nothing of the bundle
// is believed; what the web server would refuse for all routes because of one is left out with that one.
import type { EdgeConfig, WireBackend, WirePath, WirePlace, WireRoute } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { type CheckedNetwork, outside } from './guard-network.ts';
import { allowed } from './mustache-template.ts';

const BACKENDS_PER_PLACE_MAX = 16;
const PATHS_MAX = 32;
const WEIGHT_MAX = 100;
const PORT_MAX = 65_535;
/** Where the edge's own pages and questions stand. */
const RESERVED_PREFIX = /^\/\.kokoa(?:\/|$)/i;

/**
 * Where all requests for a route may go. True when at least one backend of the route's own place is a peer of this node, or none is
 * needed. @throws KokoaError address_outside_network, backend_is_self: no mistake of one route, so it condemns the whole bundle
 */
export function leadsInside(route: WireRoute, config: EdgeConfig, network: CheckedNetwork): boolean {
  const { hostname, paths, closed, redirect } = route;
  if (paths) for (const path of paths) leadsToPeer(path, hostname, config, network);
  const answersItself = closed !== undefined || redirect !== undefined;
  return leadsToPeer(route, hostname, config, network) || (answersItself && route.backends.length === 0);
}

/** True when at least one backend is a peer. */
export function leadsToPeer(
  { backends, auth }: Pick<WirePlace, 'backends' | 'auth'>,
  hostname: string,
  config: EdgeConfig,
  network: CheckedNetwork,
): boolean {
  let found = false;
  for (const backend of backends) found = isPeer(backend, hostname, config, network) || found;
  if (auth?.kind === 'forward') isPeer(auth, hostname, config, network);
  return found;
}

/** What concerns one route alone. @throws KokoaError backends_invalid, paths_invalid, unsafe_value */
export function checkPlaces(route: WireRoute): void {
  const { hostname, paths = [], closed, redirect } = route;
  const answersItself = closed !== undefined || redirect !== undefined;
  checkPrefixes(hostname, paths);
  for (const path of paths) checkTargets(path, hostname);
  if (!answersItself || route.backends.length > 0) checkTargets(route, hostname);
}

/** @throws KokoaError backends_invalid */
export function checkTargets(place: Pick<WirePlace, 'backends' | 'sticky' | 'auth'>, hostname: string): void {
  const { backends, sticky } = place;
  if (backends.length < 1 || backends.length > BACKENDS_PER_PLACE_MAX)
    throw invalid(hostname, `${backends.length} backends, expected 1 to ${BACKENDS_PER_PLACE_MAX}`);
  const spares = backends.filter(({ backup }) => backup).length;
  if (spares === backends.length) throw invalid(hostname, 'backups only');
  if (sticky && spares > 0) throw invalid(hostname, 'sticky backends and a backup');
  for (const { port, weight = 1 } of targetsOf(place)) {
    if (!isWhole(port, PORT_MAX)) throw invalid(hostname, `the port ${shown(port)}, expected 1 to ${PORT_MAX}`);
    if (!isWhole(weight, WEIGHT_MAX))
      throw invalid(hostname, `the weight ${shown(weight)}, expected 1 to ${WEIGHT_MAX}`);
  }
}

/** @throws KokoaError address_outside_network, backend_is_self */
function isPeer(
  { address }: Pick<WireBackend, 'address'>,
  hostname: string,
  config: EdgeConfig,
  network: CheckedNetwork,
): boolean {
  if (!network.holds(address)) throw outside(`a backend of ${hostname}`, address, config.network.wireguard);
  // The node's own services listen there too, the control plane's or a database.
  if (address === network.own) throw new KokoaError('backend_is_self', `a backend of ${hostname} is this node itself`);
  return network.peers.has(address);
}

/** The backends, and last the login service. */
function targetsOf({
  backends,
  auth,
}: Pick<WirePlace, 'backends' | 'auth'>): Pick<WireBackend, 'address' | 'port' | 'weight'>[] {
  return auth?.kind === 'forward' ? [...backends, auth] : backends;
}

/** The web server's tables ignore case, and refuse everything when a key stands there twice. */
function checkPrefixes(hostname: string, paths: readonly WirePath[]): void {
  const seen = new Set<string>();
  for (const { prefix } of paths) {
    const key = allowed('prefix', prefix).toLowerCase();
    if (RESERVED_PREFIX.test(key) || seen.has(key) || seen.size >= PATHS_MAX)
      throw new KokoaError(
        'paths_invalid',
        `${hostname} has the prefix ${shown(prefix)}: reserved, there twice, or one of more than ${PATHS_MAX}`,
      );
    seen.add(key);
  }
}

function isWhole(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max;
}

function invalid(hostname: string, found: string): KokoaError {
  return new KokoaError('backends_invalid', `${hostname} has ${found}`);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
