// What a route says that the web server cannot look up in a table: it needs a `server{}` of its own, shared by all routes that say
// the same. Law: the name of a class says what is in it, so that it keeps its counters whatever other classes come and go.
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import type { WireLimits, WireOriginTls, WirePlace, WireRoute } from '../../bundle/config.ts';

/** How a backend is spoken to, where it is not plain HTTP/1.1. */
export interface Kind {
  id: string;
  protocol: 'https' | 'h2c';
  verify?: WireOriginTls['verify'];
  /** PEM. */
  ca?: string;
}

export interface Policy {
  limits: WireLimits;
  timeouts?: WireRoute['timeouts'];
  headers?: WireRoute['headers'];
  hsts?: WireRoute['hsts'];
  redirect?: { status: 301 | 302 | 307 | 308; keepPath: boolean };
  /** Known, and nothing else. */
  closed?: true;
  /** True when anything but the backend is looked up. */
  gated: boolean;
  /** Sorted by id. */
  kinds: Kind[];
  /** There when a login service is asked on some path; the headers that it may set, sorted. */
  identityHeaders?: string[];
}

/** A route that says no more than this is served without any lookup but that of its backend. */
const PLAIN_FIELDS: ReadonlySet<string> = new Set([
  'hostname',
  'backends',
  'limits',
  'orderer',
  'ownCertificate',
  'sticky',
  'errorPages',
]);

export function policyOf(route: WireRoute): Policy {
  const { limits, timeouts, headers, hsts, redirect } = route;
  const places: WirePlace[] = [route, ...(route.paths ?? [])];
  const kinds = new Map(places.flatMap((place) => kindOf(place) ?? []).map((kind) => [kind.id, kind]));
  const logins = places.flatMap(({ auth }) => (auth?.kind === 'forward' ? [auth.identityHeaders ?? []] : []));
  return {
    limits,
    ...(timeouts && { timeouts }),
    ...(headers && { headers }),
    ...(hsts && { hsts }),
    ...(redirect && { redirect: { status: redirect.status, keepPath: redirect.keepPath === true } }),
    ...(route.closed && { closed: true as const }),
    gated: !route.closed && isGated(route),
    kinds: [...kinds.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    ...(logins.length > 0 && { identityHeaders: [...new Set(logins.flat())].sort() }),
  };
}

/** `b10485760-r50-u100-c20` for limits alone: body bytes, requests per second, burst, connections. A hash for more. */
export function classId(policy: Policy): string {
  const { limits, ...more } = policy;
  if (!more.gated && more.kinds.length === 0 && Object.keys(more).length === 2) return limitsId(limits);
  return `p${sha256Hex(canonicalJson(policy)).slice(0, 24)}`;
}

export function kindOf({ protocol, originTls }: WirePlace): Kind | undefined {
  if (protocol === undefined || protocol === 'tls') return undefined;
  const ca = originTls?.verify === 'ca' ? originTls.ca : undefined;
  const kind = { protocol, ...(originTls && { verify: originTls.verify }), ...(ca !== undefined && { ca }) };
  return { id: `k${sha256Hex(canonicalJson(kind)).slice(0, 24)}`, ...kind };
}

/** A route with timeouts, headers and the like only is not gated, but has a class of its own. */
function isGated(route: WireRoute): boolean {
  for (const field in route) if (!PLAIN_FIELDS.has(field) && !CLASS_FIELDS.has(field)) return true;
  return false;
}

const CLASS_FIELDS: ReadonlySet<string> = new Set(['timeouts', 'headers', 'hsts']);

function limitsId({ maxBodyBytes, requestsPerSecond, burst, connections }: WireLimits): string {
  const parts = [`b${maxBodyBytes}`];
  if (requestsPerSecond !== undefined) parts.push(`r${requestsPerSecond}`);
  if (requestsPerSecond !== undefined && burst) parts.push(`u${burst}`);
  if (connections !== undefined) parts.push(`c${connections}`);
  return parts.join('-');
}
