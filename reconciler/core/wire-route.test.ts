// What edges are told of a route: every field, in one spelling, complete, and nothing that stays at its default.
import { expect, test } from 'vitest';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { readChunk } from '../../bundle/check-config.ts';
import type { WireRoute } from '../../bundle/config.ts';
import { packRoute } from '../../bundle/route-texts.ts';
import type { Route } from '../../schemas/types.ts';
import type { AnyLoadedFile, LoadedFile } from './files.ts';
import type { Sealed } from './sealed.ts';
import { wireRouteOf } from './wire-route.ts';
import { desiredOf, kokoa, loaded, NOW, origin, SERVICE_PORT } from './world.fixture.ts';

const A = { address: '10.100.1.2', port: 80 };
const B = { address: '10.100.1.3', port: 90 };
const TO_A = { origin: 'o1', port: 80 };
const TO_B = { origin: 'o2', port: 90 };
const OWN = { tls: { certificate: { file: 'cert' } } };
const SEALED: Sealed = {
  of(pool, team, { file }, hostname) {
    if (file === undefined) return undefined;
    const words = [pool, team, file, ...(hostname === undefined ? [] : ['for', hostname])];
    return Buffer.from(words.join(' ')).toString('base64');
  },
};
const sealed = (file: string) => SEALED.of('default', 'hoge', { file })!;

function compiled(value: Omit<Route, 'hostname'>, orderer?: string, certificate?: string): WireRoute | undefined {
  const file = loaded('route', 'routes/hoge/a.yaml', { hostname: 'a.hoge.com', ...value });
  const desired = desiredOf([kokoa(), origin('o1'), origin('o2'), file] as AnyLoadedFile[]);
  const surroundings = { desired, limits: {}, sealed: SEALED, nowMs: NOW.getTime(), pool: 'default' };
  return wireRouteOf(file as LoadedFile<'route'>, surroundings, { certificate, orderer });
}

/** What is said beyond the hostname and the limits of every route. */
function said(value: Omit<Route, 'hostname'>): Partial<WireRoute> | undefined {
  const wire = compiled(value);
  if (wire === undefined) return undefined;
  const text = canonicalJson({ routes: [packRoute(wire)] });
  const reference = { bucket: '', sha256: sha256Hex(text), bytes: Buffer.byteLength(text) };
  expect(readChunk(reference, text)).toEqual({ routes: [JSON.parse(canonicalJson(wire))] });
  const { hostname: _, limits: __, ...rest } = wire;
  return rest;
}

const PEM = (lines: string[], end = '\n') =>
  ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join(end);
const BODY = 'A'.repeat(76);

test('a route that says only where it goes is as short as it was before it could say more', () => {
  expect(canonicalJson(compiled(TO_A, 'e1'))).toBe(
    '{"backends":[{"address":"10.100.1.2","port":80}],"hostname":"a.hoge.com","limits":{"maxBodyBytes":10485760},"orderer":"e1"}',
  );
});

test.each<[string, Omit<Route, 'hostname'>, Partial<WireRoute>]>([
  ['an order', TO_A, { certificate: '*.hoge.com', orderer: 'e1' }],
  ['a certificate of its own', { ...TO_A, ...OWN }, { ownCertificate: { sealed: sealed('cert for a.hoge.com') } }],
  ['one that is not there yet', { ...TO_A, tls: { certificate: { credential: 'none' } } }, { ownCertificate: {} }],
  [
    'one of a route whose time is over',
    { ...TO_A, ...OWN, expiresAt: '2026-01-01T00:00Z' },
    { ownCertificate: { sealed: sealed('cert for a.hoge.com') } },
  ],
  ['nothing, as it passes through', { ...TO_A, ...OWN, protocol: 'tls', proxyProtocol: true }, {}],
])('of its certificate a route says %s', (_, value, expected) => {
  const { certificate, orderer, ownCertificate } = compiled(value, 'e1', '*.hoge.com')!;
  const said = {
    ...(certificate && { certificate }),
    ...(orderer && { orderer }),
    ...(ownCertificate && { ownCertificate }),
  };
  expect(said).toEqual(expected);
});

test.each<[string, Omit<Route, 'hostname'>, Partial<WireRoute>]>([
  ['what stays at its default', { ...TO_A, sticky: false, protocol: 'http' }, { backends: [A] }],
  [
    'several backends, in their order',
    { backends: [TO_B, { ...TO_A, weight: 3 }, { ...TO_A, port: 81, weight: 1, backup: true }] },
    { backends: [B, { ...A, weight: 3 }, { ...A, port: 81, backup: true }] },
  ],
  ['a list of one, which shares nothing', { backends: [{ ...TO_A, weight: 7 }], sticky: true }, { backends: [A] }],
  ['sticky', { backends: [TO_A, TO_B], sticky: true }, { backends: [A, B], sticky: true }],
  [
    'a service behind the origin',
    { ...TO_A, host: '192.168.1.20' },
    { backends: [{ address: A.address, port: SERVICE_PORT }] },
  ],
  ['h2c', { ...TO_A, protocol: 'h2c' }, { backends: [A], protocol: 'h2c' }],
  [
    'https without verification',
    { ...TO_A, protocol: 'https', originTls: { verify: 'none', serverName: 'NAS.Fritz.BOX.' } },
    { backends: [A], protocol: 'https', originTls: { verify: 'none', serverName: 'nas.fritz.box' } },
  ],
  [
    'an authority, without what stands around its certificates',
    {
      ...TO_A,
      protocol: 'https',
      originTls: {
        verify: 'ca',
        ca: `my CA\r\n${PEM([BODY, 'A'], '\r\n')}\n${PEM(['QUJD'])}`,
      },
    },
    {
      backends: [A],
      protocol: 'https',
      originTls: { verify: 'ca', ca: PEM([BODY.slice(0, 64), 'A'.repeat(13)]) + PEM(['QUJD']) },
    },
  ],
  [
    'networks',
    {
      ...TO_A,
      allow: ['2001:DB8:0:0::1/32', '203.0.113.9/24', '10.0.0.1', '203.0.113.0/24', '::ffff:192.0.2.7', '9.0.0.0/8'],
      deny: ['0.0.0.0/0', '::/0', '10.0.0.0/8', '10.0.0.0/16'],
    },
    {
      backends: [A],
      allow: ['9.0.0.0/8', '10.0.0.1/32', '192.0.2.7/32', '203.0.113.0/24', '2001:db8::/32'],
      deny: ['0.0.0.0/0', '10.0.0.0/8', '10.0.0.0/16', '::/0'],
    },
  ],
  [
    'basic auth',
    { ...TO_A, auth: { basic: { users: { file: 'x' } } } },
    { backends: [A], auth: { kind: 'basic', sealed: sealed('x') } },
  ],
  [
    'forward auth',
    { ...TO_A, auth: { forward: { ...TO_B, path: '/q', signIn: '/in', identityHeaders: ['x-b', 'X-A'] } } },
    { backends: [A], auth: { kind: 'forward', ...B, path: '/q', signIn: '/in', identityHeaders: ['X-A', 'x-b'] } },
  ],
  [
    'forward auth to a service behind an origin',
    { ...TO_B, auth: { forward: { ...TO_A, host: '192.168.1.20', path: '/q', identityHeaders: [] } } },
    { backends: [B], auth: { kind: 'forward', address: A.address, port: SERVICE_PORT, path: '/q' } },
  ],
  [
    'timeouts',
    { ...TO_A, timeouts: { connect: '500ms', read: '24h', send: '2m' } },
    { backends: [A], timeouts: { connectMs: 500, readMs: 86_400_000, sendMs: 120_000 } },
  ],
  [
    'headers, sorted',
    {
      ...TO_A,
      headers: { request: { set: {}, remove: [] }, response: { set: { b: '2', A: '1' }, remove: ['D', 'c'] } },
    },
    {
      backends: [A],
      headers: {
        response: {
          set: [
            { name: 'A', value: '1' },
            { name: 'b', value: '2' },
          ],
          remove: ['c', 'D'],
        },
      },
    },
  ],
  ['headers that change nothing', { ...TO_A, headers: { request: { remove: [] } } }, { backends: [A] }],
  [
    'HSTS',
    { ...TO_A, hsts: { maxAge: 31536000, includeSubDomains: true, preload: true } },
    { backends: [A], hsts: { maxAge: 31536000, includeSubDomains: true, preload: true } },
  ],
  ['HSTS taken back', { ...TO_A, hsts: { maxAge: 0, preload: false } }, { backends: [A], hsts: { maxAge: 0 } }],
  [
    'a redirect',
    { redirect: { to: 'https://www.hoge.com' } },
    { backends: [], redirect: { to: 'https://www.hoge.com', status: 308, keepPath: true } },
  ],
  [
    'a redirect to one place',
    { redirect: { to: 'https://www.hoge.com/a?b=c', status: 302, keepPath: false } },
    { backends: [], redirect: { to: 'https://www.hoge.com/a?b=c', status: 302 } },
  ],
  ['maintenance for all', { ...TO_A, maintenance: { allow: [] } }, { backends: [A], maintenance: { allow: [] } }],
  [
    'maintenance',
    { ...TO_A, maintenance: { allow: ['203.0.113.7'] } },
    { backends: [A], maintenance: { allow: ['203.0.113.7/32'] } },
  ],
  ['error pages', { ...TO_A, errorPages: { '502': '<h1>' } }, { backends: [A], errorPages: { '502': '<h1>' } }],
  ['a route that ends later', { ...TO_A, expiresAt: '2026-11-21T12:01Z' }, { backends: [A] }],
  [
    'TLS that passes through',
    { ...TO_A, protocol: 'tls', proxyProtocol: true, allow: ['10.0.0.1'] },
    { backends: [A], protocol: 'tls', proxyProtocol: true, allow: ['10.0.0.1/32'] },
  ],
  [
    'TLS that passes through to several',
    { backends: [TO_A, { ...TO_B, backup: true }], protocol: 'tls', proxyProtocol: false },
    { backends: [A, { ...B, backup: true }], protocol: 'tls' },
  ],
  [
    'TLS that passed through until its time was over',
    { ...TO_A, protocol: 'tls', proxyProtocol: true, deny: ['10.0.0.1'], expiresAt: '2026-11-21T12:00Z' },
    { backends: [], protocol: 'tls', closed: 'expired' },
  ],
  [
    'a route whose time is over, with nothing but what it says then',
    {
      ...TO_A,
      ...{ auth: { basic: { users: { file: 'x' } } }, allow: ['10.0.0.1'], expiresAt: '2026-11-21T12:00Z' },
      errorPages: { '404': 'gone' },
    },
    { backends: [], closed: 'expired', errorPages: { '404': 'gone' } },
  ],
])('%s', (_, value, expected) => {
  expect(said(value)).toEqual(expected);
});

const INHERITED: [string, Partial<NonNullable<Route['paths']>[number]>, object][] = [
  ['goes where the route goes, by its rules', {}, { backends: [A, B], sticky: true, protocol: 'h2c' }],
  ['of its own goes there, by plain HTTP', TO_B, { backends: [B] }],
  [
    'of its own has its own protocol',
    { ...TO_B, protocol: 'https', originTls: { verify: 'public' } },
    { backends: [B], protocol: 'https', originTls: { verify: 'public' } },
  ],
];
test.each(INHERITED)('a path %s', (_, path, destination) => {
  const route = {
    ...{ backends: [TO_A, TO_B], sticky: true, protocol: 'h2c' as const },
    ...{ allow: ['10.0.0.0/8'], deny: ['10.0.0.1'], auth: { basic: { users: { file: 'x' } } } },
  };
  const rules = { allow: ['10.0.0.0/8'], deny: ['10.0.0.1/32'], auth: { kind: 'basic', sealed: sealed('x') } };
  const pathOf = (more: object) => said({ ...route, paths: [{ prefix: '/p', ...path, ...more }] })?.paths?.[0];
  expect(pathOf({})).toEqual({ prefix: '/p', ...destination, ...rules });
  const { auth: _auth, ...open } = rules;
  expect(pathOf({ public: true })).toEqual({ prefix: '/p', ...destination, ...open });
  expect(pathOf({ allow: ['10.0.0.2'], deny: ['::1'], stripPrefix: true })).toEqual({
    ...{ prefix: '/p', stripPrefix: true, ...destination, ...rules },
    ...{ allow: ['10.0.0.2/32'], deny: ['::1/128'] },
  });
  expect(pathOf({ auth: { basic: { users: { file: 'y' } } } })).toMatchObject({ auth: { sealed: sealed('y') } });
});

test("what passes through has no orderer: its certificate is not the edge's", () => {
  const tls = { ...TO_A, protocol: 'tls', proxyProtocol: false } as const;
  expect(compiled(tls, 'e1')).not.toHaveProperty('orderer');
  expect(compiled({ ...tls, expiresAt: '2026-11-21T12:00Z' }, 'e1')).not.toHaveProperty('orderer');
  expect(compiled(TO_A, 'e1')?.orderer).toBe('e1');
});

test('what takes a public port is no route of a name', () => {
  expect(compiled({ ...TO_A, protocol: 'tcp', publicPort: 1, proxyProtocol: true })).toBeUndefined();
});

test('paths are sorted by prefix', () => {
  const paths = ['/b', '/a/c', '/a'].map((prefix) => ({ prefix }));
  expect(said({ ...TO_A, paths })?.paths?.map(({ prefix }) => prefix)).toEqual(['/a', '/a/c', '/b']);
});

test.each<[string, Omit<Route, 'hostname'>]>([
  ['the only backend', { origin: 'o9', port: 80 }],
  ['one of several backends', { backends: [TO_A, { origin: 'o9', port: 80 }] }],
  ['the backend of a path', { ...TO_A, paths: [{ prefix: '/p', origin: 'o9', port: 80 }] }],
  ['the login service', { ...TO_A, auth: { forward: { origin: 'o9', port: 80, path: '/' } } }],
  [
    'the login service of a path',
    { ...TO_A, paths: [{ prefix: '/p', auth: { forward: { origin: 'o9', port: 80, path: '/' } } }] },
  ],
])('a route is not served by halves, or without its login, when %s has no file', (_, value) => {
  expect(compiled(value)).toBeUndefined();
});
