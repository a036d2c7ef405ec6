// A policy class as its template sees it.
import type { WireHeaderChanges } from '../../bundle/config.ts';
import { asked } from './class-questions.ts';
import { as, type View } from './mustache-template.ts';
import type { PolicyClass } from './nginx-tables.ts';
import type { Kind } from './policy-class.ts';
import {
  forGrpc,
  type HeaderLine,
  loginHeaders,
  plainHeaders,
  replaced,
  signInHeaders,
  strippedHeaders,
} from './upstream-headers.ts';

/** One line of an HTTP header: `ours` may hold variables, the others may not. */
interface Line extends HeaderLine {
  ours: boolean;
}

/** `caFile` answers where the certificates stand that a kind is verified by; undefined: nothing verifies it here. */
export function classView(
  one: PolicyClass,
  http3: boolean,
  publicPort: number,
  caFile: (kind: Kind) => string | undefined,
): View {
  const { id, limits, timeouts = {}, gated, kinds, identityHeaders, redirect, closed } = one;
  const proxied = !redirect && !closed;
  const grpc = kinds.some(({ protocol }) => protocol === 'h2c');
  const { maxBodyBytes, requestsPerSecond, burst, connections } = limits;
  const requests = requestHeaders(one, publicPort);
  const identities = identityHeaders ?? [];
  return {
    id: as('name', id),
    // A redirect reads no body, so none is too large for it.
    maxBodyBytes: as('number', redirect ? 0 : maxBodyBytes),
    requests:
      requestsPerSecond === undefined
        ? false
        : { perSecond: as('number', requestsPerSecond), burst: numbered(burst || undefined) },
    connections: numbered(connections),
    grpc,
    connectMs: numbered(timeouts.connectMs),
    readMs: numbered(timeouts.readMs),
    sendMs: numbered(timeouts.sendMs),
    proxyHeaders: requests && proxied ? headerViews(requests) : false,
    grpcHeaders: requests && grpc ? headerViews(withoutUpgrade(requests)) : false,
    hiddenHeaders: hiddenHeaders(one).map((name) => ({ name: as('headerName', name) })),
    addedHeaders: headerViews(addedHeaders(one, http3, publicPort)),
    gated,
    ...asked(one.questions),
    proxied,
    closed: closed === true,
    login: identityHeaders !== undefined,
    identities: identities.map((name, index) => ({
      index: as('number', index),
      variable: as('headerVariable', name.toLowerCase().replaceAll('-', '_')),
    })),
    loginHeaders: headerViews(ours(dropping(loginHeaders(publicPort), identities))),
    signInHeaders: headerViews(ours(dropping(signInHeaders(publicPort), identities))),
    ownErrors: kinds.length > 0 || identityHeaders !== undefined,
    redirect: redirect ? { status: as('number', redirect.status), keepPath: redirect.keepPath } : false,
    hasKinds: kinds.length > 0,
    kinds: kinds.map((kind) => kindView(kind, caFile(kind))),
  };
}

export function headerViews(lines: readonly Line[]): View[] {
  return lines.map(({ name, value, ours: own }) => ({
    name: as('headerName', name),
    value: as(own ? 'edgeHeader' : 'text', value),
  }));
}

export function ours(lines: readonly HeaderLine[]): Line[] {
  return lines.map((line) => ({ ...line, ours: true }));
}

export function withoutUpgrade(lines: readonly Line[]): Line[] {
  return forGrpc(lines) as Line[];
}

/** Undefined: what all routes have is enough. */
function requestHeaders({ questions, headers, identityHeaders }: PolicyClass, publicPort: number): Line[] | undefined {
  const stripped = questions.has('stripped');
  if (!stripped && identityHeaders === undefined && headers?.request === undefined) return undefined;
  const edge = replaced(
    stripped ? strippedHeaders(publicPort) : plainHeaders(publicPort),
    (identityHeaders ?? []).map((name, index) => ({ name, value: `$kokoa_identity_${index}` })),
  );
  return replaced(ours(edge), changesOf(headers?.request)) as Line[];
}

function addedHeaders({ headers, hsts }: PolicyClass, http3: boolean, publicPort: number): Line[] {
  const lines: Line[] = (headers?.response?.set ?? []).map((line) => ({ ...line, ours: false }));
  if (hsts) {
    const { maxAge, includeSubDomains, preload } = hsts;
    const value = `max-age=${maxAge}${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
    lines.push({ name: 'Strict-Transport-Security', value, ours: false });
  }
  if (http3) lines.push({ name: 'Alt-Svc', value: `h3=":${publicPort}"; ma=86400`, ours: false });
  return lines;
}

/** What is set anew, or removed, does not come through from the backend. */
function hiddenHeaders({ headers, hsts }: PolicyClass): string[] {
  const names = changesOf(headers?.response).map(({ name }) => name);
  return [...names, ...(hsts ? ['Strict-Transport-Security'] : [])];
}

function changesOf({ set = [], remove = [] }: WireHeaderChanges = {}): Line[] {
  return [...set, ...remove.map((name) => ({ name, value: '' }))].map((line) => ({ ...line, ours: false }));
}

function dropping(lines: readonly HeaderLine[], names: readonly string[]): HeaderLine[] {
  return replaced(
    lines,
    names.map((name) => ({ name, value: '' })),
  );
}

function kindView({ id, protocol, verify }: Kind, caFile: string | undefined): View {
  const unverifiable = protocol === 'https' && verify !== 'none' && caFile === undefined;
  return {
    id: as('name', id),
    h2c: protocol === 'h2c',
    https: protocol === 'https' && !unverifiable,
    trusted: caFile === undefined || verify === 'none' ? false : { file: as('path', caFile) },
    unverifiable,
  };
}

function numbered(number: number | undefined): View | false {
  return number === undefined ? false : { number: as('number', number) };
}
