// The routes of a config, judged one by one and together. Law: every host is claimed once and goes only into the tunnels, and
// what one web server can carry is bounded.
import { isCanonicalHostname, wildcardAbove } from '../../bundle/certificate-name.ts';
import type { Chunk, EdgeConfig, WireLimits, WireRoute } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { CheckedNetwork } from './guard-network.ts';
import { checkPlaces, leadsInside } from './guard-place.ts';
import type { LeftOut } from './left-out.ts';
import { mistakeIn } from './mistake.ts';
import { createRouteValues, type RouteValues } from './route-values.ts';

/** Each class is a `server{}`, of half a millisecond and 40 KB: forty teams with all the classes that one may have. */
export const CLASSES_MAX = 2_000;
/** Named upstreams of several targets; nginx looks them up by a linear scan. */
export const SPARED_UPSTREAMS_MAX = 2_000;
/** Same bounds as the schema of a route: `999999g`, and 100 000 of anything else. */
const BODY_BYTES_MAX = 999_999 * 1024 ** 3;
const RATE_MAX = 100_000;
/** Distinct lists of addresses: each is a set that every reload builds. */
export const NETWORK_LISTS_MAX = 1_000;
/** nginx counts them in 16 bits. */
const CONNECTIONS_MAX = 65_535;
/** Names shown or listed in an answer. */
const LISTED_MAX = 100;

export interface CheckedRoutes {
  hostnames: ReadonlySet<string>;
  /** Hosts whose origin is no peer yet, at most 100 of them. */
  withoutPeer: string[];
  /** Hosts with a mistake of their own. They are not among `hostnames`. */
  leftOut: LeftOut[];
}

/**
 * A route that no template takes, or that contradicts itself, is left out alone.
 * @throws KokoaError hostname_invalid, duplicate_hostname, address_outside_network, backend_is_self, too_many_classes, too_many_lists,
 * too_many_upstreams
 */
export function checkRoutes(config: EdgeConfig, chunks: readonly Chunk[], network: CheckedNetwork): CheckedRoutes {
  const hostnames = new Set<string>();
  const values = createRouteValues();
  const spared = new Set<string>();
  const lists = new Set<string>();
  const withoutPeer: string[] = [];
  const leftOut: LeftOut[] = [];
  for (const { routes } of chunks) {
    for (const route of routes) {
      const { hostname } = route;
      if (!isCanonicalHostname(hostname))
        throw new KokoaError('hostname_invalid', `found ${shown(hostname)}, expected a canonical hostname`);
      if (hostnames.has(hostname)) throw new KokoaError('duplicate_hostname', `${hostname} is claimed twice`);
      hostnames.add(hostname);

      const reachable = leadsInside(route, config, network);
      const reason = mistakeIn(checkAlone, route, values);
      if (reason !== undefined) {
        leftOut.push({ name: hostname, reason });
        continue;
      }
      // A team may publish a route before its origin joins; that must not keep the others' changes back.
      if (!reachable && withoutPeer.length < LISTED_MAX) withoutPeer.push(hostname);
      for (const targets of sparedTargets(route)) spared.add(targets);
      for (const networks of networkLists(route)) lists.add(networks);
      if (values.classes > CLASSES_MAX)
        throw new KokoaError(
          'too_many_classes',
          `found more than ${CLASSES_MAX} distinct policies: let routes share them`,
        );
      if (lists.size > NETWORK_LISTS_MAX)
        throw new KokoaError('too_many_lists', `found more than ${NETWORK_LISTS_MAX} distinct lists of addresses`);
      if (spared.size > SPARED_UPSTREAMS_MAX)
        throw new KokoaError(
          'too_many_upstreams',
          `found more than ${SPARED_UPSTREAMS_MAX} distinct lists of backends`,
        );
    }
  }
  for (const { name } of leftOut) hostnames.delete(name);
  return { hostnames, withoutPeer, leftOut };
}

function checkAlone(route: WireRoute, values: RouteValues): void {
  checkPlaces(route);
  checkCertificate(route);
  checkLimits(route.hostname, route.limits);
  values.check(route);
}

function checkCertificate({ hostname, certificate }: WireRoute): void {
  if (certificate === undefined || certificate === wildcardAbove(hostname)) return;
  throw new KokoaError('certificate_invalid', `${hostname} would have the certificate ${shown(certificate)}`);
}

/** The lists of several backends, each as one text. */
function sparedTargets({ backends, paths = [] }: WireRoute): string[] {
  const lists = [backends, ...paths.map((path) => path.backends)].filter(({ length }) => length > 1);
  return lists.map((list) => list.map(({ address, port }) => `${address} ${port}`).join(' '));
}

/** The lists of addresses, each as one text. */
function networkLists({ allow, deny, maintenance, paths = [] }: WireRoute): string[] {
  const lists = [allow, deny, maintenance?.allow, ...paths.flatMap((path) => [path.allow, path.deny])];
  return lists.flatMap((list) => (list === undefined ? [] : [list.join(' ')]));
}

function checkLimits(hostname: string, limits: WireLimits): void {
  const { maxBodyBytes, requestsPerSecond, burst, connections } = limits;
  const good =
    isWhole(maxBodyBytes, 1, BODY_BYTES_MAX) &&
    (requestsPerSecond === undefined || isWhole(requestsPerSecond, 1, RATE_MAX)) &&
    (burst === undefined || isWhole(burst, 0, RATE_MAX)) &&
    (connections === undefined || isWhole(connections, 1, CONNECTIONS_MAX));
  if (!good) throw new KokoaError('limits_invalid', `${hostname} has limits that nothing can keep: ${shown(limits)}`);
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, LISTED_MAX);
}
