// Every text and number of the wire, spoiled one at a time. Law: the bundle is refused, or the route is left out, or what is rendered holds
// the same directives as without it; never is a variable of the web server looked up because a value said so.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { readChunk, readConfig } from '../../bundle/check-config.ts';
import type { EdgeConfig, WireRoute, WireStream } from '../../bundle/config.ts';
import { edgeConfig } from '../../bundle/installation.fixture.ts';
import { isRefusal } from '../../bundle/refusal.ts';
import { packRoute } from '../../bundle/route-texts.ts';
import { loadTemplates } from '../adapters/templates.ts';
import { guardConfig, guardTree } from './guard.ts';
import { without } from './left-out.ts';
import { renderNginx } from './render-nginx.ts';

const templates = await loadTemplates();
const CANARY = 'kokoa_canary';
const backends = [{ address: '10.100.1.1', port: 8080, weight: 2 }];
const stream: WireStream = {
  ...{ protocol: 'tcp', port: 25_565, backends, allow: ['10.0.0.0/8'], deny: ['fd00::/8'], connections: 5 },
  timeouts: { connectMs: 5, readMs: 6 },
};

/** Routes that say all that a route can say. */
const ROUTES: readonly WireRoute[] = [
  {
    ...{ hostname: 'full.test', backends, orderer: 'tokyo-1', protocol: 'https', proxyProtocol: true },
    limits: { maxBodyBytes: 1000, requestsPerSecond: 5, burst: 6, connections: 7 },
    originTls: { verify: 'public', serverName: 'inner.test' },
    ...{ allow: ['10.0.0.0/8'], deny: ['192.168.0.0/16'], maintenance: { allow: ['10.1.0.0/16'] } },
    auth: {
      kind: 'forward',
      address: '10.100.1.1',
      port: 4180,
      path: '/q',
      signIn: '/in',
      identityHeaders: ['X-User'],
    },
    paths: [
      { prefix: '/api', backends, stripPrefix: true, allow: ['10.0.0.0/8'], auth: { kind: 'basic', sealed: 'YWdl' } },
      { prefix: '/grpc', backends, protocol: 'h2c' },
    ],
    timeouts: { connectMs: 1, readMs: 2, sendMs: 3 },
    headers: {
      request: { set: [{ name: 'X-A', value: 'a' }], remove: ['X-B'] },
      response: { set: [{ name: 'X-C', value: 'c' }], remove: ['X-D'] },
    },
    hsts: { maxAge: 1, includeSubDomains: true, preload: true },
    errorPages: { '404': '<p>no</p>' },
  },
  {
    ...{ hostname: 'moved.test', backends: [], limits: { maxBodyBytes: 1 } },
    redirect: { to: 'https://b.test/x', status: 302, keepPath: true },
  },
  { hostname: 'passing.test', backends, limits: { maxBodyBytes: 1 }, protocol: 'tls', allow: ['10.0.0.0/8'] },
  { hostname: 'closed.test', backends, limits: { maxBodyBytes: 1 }, closed: 'expired' },
  { hostname: 'good.test', backends, limits: { maxBodyBytes: 1 } },
];
const CONFIG: EdgeConfig = (() => {
  const base = edgeConfig('tokyo-1', []);
  const peers = [{ ...base.wireguard.peers[0]!, endpoint: '192.0.2.1:51820' }];
  return {
    ...{ ...base, wireguard: { ...base.wireguard, peers } },
    edge: { ...base.edge, streams: [stream], tlsPassthrough: true, proxyProtocolFrom: ['10.9.0.0/16'] },
  };
})();

interface Wire {
  config: EdgeConfig;
  routes: WireRoute[];
}
type Place = readonly (string | number)[];

const wire = (): Wire => JSON.parse(JSON.stringify({ config: CONFIG, routes: ROUTES }));
const PLACES = placesIn(wire());

const bits = [
  ';',
  '}',
  '{',
  '\n',
  '\r',
  '\t',
  ' ',
  '"',
  "'",
  '\\',
  '#',
  '~',
  '/',
  '..',
  '*',
  '%',
  '\0',
  '\u202e',
  'ä',
  ',',
  ':',
  '=',
];
const words = [
  `$${CANARY}`,
  `$${'{'}${CANARY}}`,
  'load_module x.so;',
  'include /etc/passwd;',
  'a.test',
  '10.100.1.1',
  '8.8.8.8',
  '1',
  '-1',
];
const hostile = fc.oneof(
  fc.array(fc.constantFrom(...bits, ...words), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ maxLength: 30, unit: 'grapheme' }),
  fc.constantFrom(...words, 'x'.repeat(5_000)),
);
const strange = fc.oneof(
  { weight: 6, arbitrary: hostile },
  fc.constantFrom(0, -1, 1.5, 1e300, Number.NaN, true, null, [], {}),
);

describe('a value of the wire', () => {
  test.each(PLACES.map((place) => [place.join('.'), place] as const))('%s', (_, place) => {
    fc.assert(
      fc.property(strange, fc.boolean(), (value, isVerified) => {
        const spoiled = wire();
        put(spoiled, place, value);
        if (isVerified && !isWellShaped(spoiled)) return;
        judge(spoiled, place);
      }),
      { numRuns: 12 },
    );
  });

  test('is looked at wherever one stands', () => {
    expect(PLACES.length).toBeGreaterThan(90);
  });
});

/** The guard alone is a wall too: it judges what no schema has seen. */
function judge({ config, routes }: Wire, place: Place): void {
  const verdict = guardConfig(config, [{ routes }]);
  if (!verdict.ok) return;
  const isRoutes = place[0] === 'routes';
  if (!isRoutes && place[2] !== 'streams') expect(verdict.leftOut).toEqual([]);
  expect(verdict.leftOut.length).toBeLessThanOrEqual(1);
  const fit = without({ config, chunks: [{ routes }] }, verdict.leftOut);
  let files: Map<string, string>;
  try {
    files = render(fit.config, fit.chunks[0]?.routes ?? []);
  } catch (error) {
    // What concerns all, and a backend's own address, is refused as a whole; a route's own value was left out before.
    expect(error).toMatchObject({ code: 'unsafe_value' });
    expect([place, isRoutes]).toEqual([place, false]);
    return;
  }
  const tree = guardTree(files);
  if (!tree.ok) expect(place.at(-1)).toBe('ca');
  for (const [name, text] of files) if (!name.startsWith('pages/')) expect(text).not.toContain(CANARY);
}

function isWellShaped({ config, routes }: Wire): boolean {
  let text: string;
  let chunk: string;
  try {
    text = canonicalJson(config);
    chunk = canonicalJson({ routes: routes.map(packRoute) });
  } catch {
    return false;
  }
  const reference = { bucket: '', sha256: sha256Hex(chunk), bytes: Buffer.byteLength(chunk) };
  return !isRefusal(readConfig(text)) && !isRefusal(readChunk(reference, chunk));
}

function render(config: EdgeConfig, routes: readonly WireRoute[]): Map<string, string> {
  return renderNginx({
    ...{ config, chunks: [{ routes: [...routes] }], templates },
    features: { version: '1.27.4', http2Directive: true, certificateCache: true, http3: true, stream: 'built-in' },
    settings: {
      ...{ stateDir: '/var/lib/kokoa', releaseId: 'r1', workerProcesses: 1, workerConnections: 100 },
      ...{
        listen: { addresses: ['0.0.0.0'], httpPort: 80, httpsPort: 443 },
        systemCaFile: '/etc/ssl/certs/ca-certificates.crt',
      },
    },
  });
}

/** Where every value stands that is no object. */
function placesIn(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([key, inner]) =>
    placesIn(inner, [...at, Array.isArray(value) ? Number(key) : key]),
  );
}

function put(target: unknown, place: Place, value: unknown): void {
  const [key, ...rest] = place;
  const holder = target as Record<string | number, unknown>;
  if (rest.length === 0) holder[key!] = value;
  else put(holder[key!], rest, value);
}
