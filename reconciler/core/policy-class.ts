// What a route says that a web server cannot look up in a table, so that it needs a `server{}` of its own, and the lists of backends
// that need a named upstream. Both are bounded per team: each costs every edge of the pool memory and time at every reload.
import { canonicalJson } from '../../bundle/canonical.ts';
import type { Auth, Route } from '../../schemas/types.ts';
import { sortedNames, wireHeaders, wireHsts } from './wire/headers.ts';
import { wireLimits, wireTimeouts } from './wire/limits.ts';
import { hasDestination } from './wire/path.ts';
import { type TypedDestination, wireOriginTls } from './wire/place.ts';
import { wireRedirect } from './wire/redirect.ts';

/** What makes a class, the most telling first. */
export const POLICY_FIELDS = [
  ...['limits', 'timeouts', 'headers', 'hsts', 'redirect', 'originTls', 'protocol', 'auth', 'paths'],
  ...['allow', 'deny', 'maintenance', 'expiresAt'],
] as const;

/** Everything that is no more than an entry in a table. */
const LOOKED_UP = ['paths', 'allow', 'deny', 'auth', 'maintenance', 'expiresAt', 'redirect'] as const;

/** The class of a route that says nothing of the kind, made once: nearly all do. */
const PLAIN = policyText({ hostname: '' });

/**
 * Canonical text: equal texts share a `server{}`. The fleet's defaults are the same for all routes and are not part of it. A route
 * with `expiresAt` counts as one that is looked up, which it is in the end.
 */
export function policyOf(route: Route): string {
  return isPlain(route) ? PLAIN : policyText(route);
}

/**
 * Canonical texts of the lists of several backends, each with the JSON pointer of its place. An https list without a `serverName` asks
 * for the visitor's hostname, and is another one for every hostname.
 */
export function upstreamsOf(route: Route, hostname: string): { key: string; pointer: string }[] {
  return placesOf(route).flatMap(({ place, pointer }) => {
    if (place.backends === undefined || place.backends.length < 2) return [];
    const { protocol, originTls } = place;
    const key = canonicalJson({
      backends: place.backends.map(({ weight = 1, backup = false, ...target }) => ({ ...target, weight, backup })),
      sticky: place.sticky ?? false,
      protocol: protocol ?? 'http',
      ...(originTls && { originTls: { serverName: hostname, ...wireOriginTls(originTls) } }),
    });
    return [{ key, pointer: `${pointer}/backends` }];
  });
}

function policyText(route: Route): string {
  const { limits, timeouts, hsts, redirect } = route;
  const headers = wireHeaders(route.headers);
  const { to: _, ...answer } = redirect ? wireRedirect(redirect) : { to: '' };
  return canonicalJson({
    limits: { ...wireLimits(limits, {}), burst: limits?.burst },
    ...(timeouts && { timeouts: wireTimeouts(timeouts) }),
    ...(headers && { headers }),
    ...(hsts && { hsts: wireHsts(hsts) }),
    ...(redirect && { redirect: answer }),
    kinds: distinct(placesOf(route).map(({ place }) => kindOf(place))),
    logins: distinct([route.auth, ...(route.paths ?? []).map(({ auth }) => auth)].map(loginOf)),
    isLookedUp: LOOKED_UP.some((field) => route[field] !== undefined),
  });
}

function isPlain(route: Route): boolean {
  for (const field in route) if (!PLAIN_FIELDS.has(field)) return false;
  return true;
}

const PLAIN_FIELDS: ReadonlySet<string> = new Set([
  'hostname',
  'origin',
  'port',
  'host',
  'backends',
  'sticky',
  'errorPages',
  'tls',
  'pool',
]);

/** The route, and the paths that go elsewhere. */
function placesOf(route: Route): { place: TypedDestination; pointer: string }[] {
  const paths = (route.paths ?? []).map((place, index) => ({ place, pointer: `/paths/${index}` }));
  return [{ place: route, pointer: '' }, ...paths.filter(({ place }) => hasDestination(place))];
}

/** How a backend is spoken to; undefined: plain HTTP/1.1. */
function kindOf({ protocol = 'http', originTls }: TypedDestination): object | undefined {
  if (protocol !== 'https' || originTls === undefined) return protocol === 'http' ? undefined : { protocol };
  const { serverName: _, ...judged } = wireOriginTls(originTls);
  return { protocol, ...judged };
}

function loginOf({ forward }: Auth = {}): object | undefined {
  if (forward === undefined) return undefined;
  const { path, signIn, identityHeaders = [] } = forward;
  return { path, ...(signIn !== undefined && { signIn }), identityHeaders: sortedNames(identityHeaders) };
}

function distinct(values: readonly (object | undefined)[]): string[] {
  return [...new Set(values.flatMap((value) => (value ? canonicalJson(value) : [])))].sort();
}
