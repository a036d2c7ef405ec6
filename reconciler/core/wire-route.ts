// One route as edges are told it: everything resolved and in one spelling, what stays at its default left out.
import type { WireLimits, WireRoute } from '../../bundle/config.ts';
import type { Limits, Route } from '../../schemas/types.ts';
import { claimOf, type Desired } from './desired.ts';
import { hasExpired } from './expiry.ts';
import type { LoadedFile } from './files.ts';
import { tunnelPort } from './forwards.ts';
import { targetsOf } from './route-targets.ts';
import type { Sealed } from './sealed.ts';
import { wireHeaders, wireHsts } from './wire/headers.ts';
import { wireLimits, wireTimeouts } from './wire/limits.ts';
import { canonicalNetworks } from './wire/networks.ts';
import { wirePath } from './wire/path.ts';
import { wireDestination, wireEntrance } from './wire/place.ts';
import type { Reach, Reached } from './wire/reach.ts';
import { wireRedirect } from './wire/redirect.ts';

/** What a route is compiled against. */
export interface RouteSurroundings {
  desired: Desired;
  /** Of kokoa.yaml. */
  limits: Limits;
  sealed: Sealed;
  nowMs: number;
  pool: string;
}

/**
 * Undefined when the file is not valid or an origin it names has no file: half a route would send its visitors elsewhere. A revoked
 * origin keeps its address here: it is in no tunnel any more, so the host answers 502 and the chunks, which other nodes share, do
 * not change with one node's state.
 */
export function wireRouteOf(
  file: LoadedFile<'route'> | undefined,
  { desired, limits, sealed, nowMs, pool }: RouteSurroundings,
  orderer: string | undefined,
): WireRoute | undefined {
  if (file?.value === undefined || file.hostname === undefined) return undefined;
  const { value, hostname, team = '' } = file;
  const head = {
    hostname,
    limits: wireLimits(value.limits, limits),
    ...(orderer !== undefined && { orderer }),
  };
  if (hasExpired(value, nowMs)) return closedRoute(value, head);
  return openRoute(value, head, {
    at(target) {
      const address = claimOf(desired.origins, target.origin)?.value?.wireguard.address;
      const port = target.host === undefined ? target.port : tunnelPort(desired, { ...target, host: target.host });
      return address === undefined || port === undefined ? undefined : { address, port };
    },
    sealed: (reference) => sealed.of(pool, team, reference),
  });
}

interface Head {
  hostname: string;
  limits: WireLimits;
  orderer?: string;
}

/** What is left of a route whose time is over: the name, its certificate, and what to say. */
function closedRoute({ errorPages }: Route, head: Head): WireRoute {
  return { ...head, backends: [], ...(errorPages && { errorPages }), closed: 'expired' };
}

/** Undefined when it leads to nowhere, or something that it names cannot be reached. */
export function openRoute(route: Route, head: Head, reach: Reach): WireRoute | undefined {
  const targets = targetsOf(route);
  if (targets.length === 0 && route.redirect === undefined) return undefined;
  if (targets.some((target) => reach.at(target) === undefined)) return undefined;
  const reached = reach as Reached;
  const { allow, deny, auth, timeouts, hsts, redirect, maintenance, errorPages } = route;
  const headers = wireHeaders(route.headers);
  return {
    ...head,
    ...wireDestination(route, reached),
    ...wireEntrance({ allow, deny, auth }, reached),
    ...(route.paths && { paths: route.paths.map((path) => wirePath(path, route, reached)).sort(byPrefix) }),
    ...(timeouts && { timeouts: wireTimeouts(timeouts) }),
    ...(headers && { headers }),
    ...(hsts && { hsts: wireHsts(hsts) }),
    ...(redirect && { redirect: wireRedirect(redirect) }),
    ...(maintenance && { maintenance: { allow: canonicalNetworks(maintenance.allow) } }),
    ...(errorPages && { errorPages }),
  };
}

function byPrefix(a: { prefix: string }, b: { prefix: string }): number {
  return a.prefix < b.prefix ? -1 : 1;
}
