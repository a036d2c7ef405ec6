// One route as edges are told it: everything resolved and in one spelling, what stays at its default left out.
import type { WireLimits, WireOwnCertificate, WireRoute } from '../../bundle/config.ts';
import type { Limits, Route } from '../../schemas/types.ts';
import { certificateRulesOf, isShared } from './certificate-rules.ts';
import type { Desired } from './desired.ts';
import { hasExpired } from './expiry.ts';
import type { LoadedFile } from './files.ts';
import { takesPublicPort } from './public-port.ts';
import { ownCertificateOf } from './route-secrets.ts';
import { targetsOf } from './route-targets.ts';
import type { Sealed } from './sealed.ts';
import { wireHeaders, wireHsts } from './wire/headers.ts';
import { wireLimits, wireTimeouts } from './wire/limits.ts';
import { canonicalNetworks } from './wire/networks.ts';
import { wirePath } from './wire/path.ts';
import { wireDestination, wireEntrance } from './wire/place.ts';
import { addressIn, type Reach, type Reached } from './wire/reach.ts';
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

/** How a host gets its certificate: the name of it, where it is not the host's own, and who orders it, if anybody does. */
export interface Ordered {
  certificate?: string | undefined;
  orderer?: string | undefined;
}

/**
 * Undefined when the file is not valid, takes a public port instead of a name, or an origin it names has no file: half a route would
 * send its visitors elsewhere. What passes through has no orderer: its certificate is the backend's; nor has one that a person brings.
 */
export function wireRouteOf(
  file: LoadedFile<'route'> | undefined,
  { desired, limits, sealed, nowMs, pool }: RouteSurroundings,
  { certificate, orderer }: Ordered,
): WireRoute | undefined {
  if (file?.value === undefined || file.hostname === undefined || takesPublicPort(file.value)) return undefined;
  const { value, hostname, team = '' } = file;
  // KK356: what came past the check takes nothing from the hosts of others.
  const own = isShared(hostname, certificateRulesOf(desired.kokoa?.value)) ? undefined : ownCertificateOf(value);
  const head = {
    hostname,
    limits: wireLimits(value.limits, limits),
    ...(value.protocol !== 'tls' &&
      !own && { ...(certificate !== undefined && { certificate }), ...(orderer !== undefined && { orderer }) }),
    ...(own && { ownCertificate: wireOwnCertificate(sealed.of(pool, team, own, hostname)) }),
  };
  if (hasExpired(value, nowMs)) return closedRoute(value, head);
  return openRoute(value, head, {
    at: addressIn(desired, team),
    sealed: (reference) => sealed.of(pool, team, reference),
  });
}

interface Head {
  hostname: string;
  limits: WireLimits;
  certificate?: string;
  orderer?: string;
  ownCertificate?: WireOwnCertificate;
}

function wireOwnCertificate(sealed: string | undefined): WireOwnCertificate {
  return sealed === undefined ? {} : { sealed };
}

/** What is left of a route whose time is over: the name, its certificate, and what to say. */
function closedRoute({ errorPages, protocol }: Route, head: Head): WireRoute {
  const passing = protocol === 'tls' ? { protocol } : {};
  return { ...head, backends: [], ...passing, ...(errorPages && { errorPages }), closed: 'expired' };
}

/** Undefined when it leads to nowhere, or something that it names cannot be reached. */
export function openRoute(route: Route, head: Head, reach: Reach): WireRoute | undefined {
  const targets = targetsOf(route);
  if (targets.length === 0 && route.redirect === undefined) return undefined;
  if (targets.some((target) => reach.at(target) === undefined)) return undefined;
  const reached = reach as Reached;
  const { allow, deny, auth, timeouts, hsts, redirect, maintenance, errorPages, protocol, proxyProtocol } = route;
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
    ...(protocol === 'tls' && proxyProtocol && { proxyProtocol }),
  };
}

function byPrefix(a: { prefix: string }, b: { prefix: string }): number {
  return a.prefix < b.prefix ? -1 : 1;
}
