// Which routes share a class, and which lists of backends are one.
import { expect, test } from 'vitest';
import type { Route } from '../../schemas/types.ts';
import { policyPlaces, upstreamPlaces } from './bounded-places.ts';
import type { LoadedFile } from './files.ts';
import { policyOf, upstreamsOf } from './policy-class.ts';
import { portRoute } from './world.fixture.ts';

const TO_A = { origin: 'o1', port: 80 };
const LIST = [TO_A, { origin: 'o2', port: 80 }];
const route = (more: Partial<Route>): Route => ({ hostname: 'a.hoge.com', ...TO_A, ...more });
const TLS = { protocol: 'https', originTls: { verify: 'public' } } as const;
const login = (path: string, identityHeaders?: string[]) => ({
  forward: { ...TO_A, path, ...(identityHeaders && { identityHeaders }) },
});

test.each<[string, Partial<Route>, Partial<Route>]>([
  ['another backend', {}, { origin: 'o2', port: 90, host: '192.168.1.20' }],
  ['several backends', {}, { backends: LIST, sticky: true }],
  ['pages', {}, { errorPages: { '404': 'x' } }],
  ['the default, written out', {}, { limits: { maxBody: '10m' }, protocol: 'http', headers: { request: { set: {} } } }],
  ['the same limit in another unit', { limits: { maxBody: '1m' } }, { limits: { maxBody: '1024k' } }],
  ['other networks', { allow: ['10.0.0.1'] }, { deny: ['10.0.0.2'], maintenance: { allow: [] } }],
  [
    'other paths',
    { paths: [{ prefix: '/a' }] },
    { paths: [{ prefix: '/b', ...TO_A }], expiresAt: '2027-01-01T00:00Z' },
  ],
  ['users of its own', { allow: ['::1'] }, { auth: { basic: { users: { file: 'x' } } } }],
  ['another name on the certificate', TLS, { ...TLS, originTls: { verify: 'public', serverName: 'b.hoge.com' } }],
  ['another login service', { auth: login('/q') }, { auth: { forward: { origin: 'o2', port: 1, path: '/q' } } }],
  [
    'another redirect target',
    { redirect: { to: 'https://a.com' } },
    { redirect: { to: 'https://b.com', status: 308 } },
  ],
])('%s is the same class', (_, a, b) => {
  expect(policyOf(route(a))).toBe(policyOf(route(b)));
});

const OWN: [string, Partial<Route>][] = [
  ['a limit', { limits: { connections: 5 } }],
  ['a burst, which the fleet may have a rate for', { limits: { burst: 5 } }],
  ['a timeout', { timeouts: { read: '5s' } }],
  ['a header', { headers: { response: { remove: ['X-A'] } } }],
  ['HSTS', { hsts: { maxAge: 5 } }],
  ['a list of addresses', { allow: ['10.0.0.1'] }],
  ['a path', { paths: [{ prefix: '/a' }] }],
  ['a login', { auth: login('/q') }],
  ['another way to ask for it', { auth: login('/r') }],
  ['headers of a login', { auth: login('/q', ['X-A']) }],
  ['users', { auth: { basic: { users: { file: 'x' } } }, hsts: { maxAge: 6 } }],
  ['h2c', { protocol: 'h2c' }],
  ['h2c on a path', { paths: [{ prefix: '/a', ...TO_A, protocol: 'h2c' }] }],
  ['https', TLS],
  ['https that nobody verifies', { ...TLS, originTls: { verify: 'none' } }],
  ['a redirect', { redirect: { to: 'https://a.com' } }],
  ['a redirect for now', { redirect: { to: 'https://a.com', status: 302 } }],
  ['a redirect to one place', { redirect: { to: 'https://a.com', keepPath: false } }],
];

test('each of these is a class of its own, but lists of addresses and paths, which are only looked up', () => {
  const names = new Map<string, string[]>([[policyOf(route({})), ['plain']]]);
  for (const [name, value] of OWN) {
    const policy = policyOf(route(value));
    names.set(policy, [...(names.get(policy) ?? []), name]);
  }
  expect([...names.values()].filter((shared) => shared.length > 1)).toEqual([['a list of addresses', 'a path']]);
});

test.each<[string, Partial<Route>, number]>([
  ['a single backend', {}, 0],
  ['a list of one', { backends: [TO_A] }, 0],
  ['a list', { backends: LIST }, 1],
  ['a path that goes where the route goes', { backends: LIST, paths: [{ prefix: '/a' }] }, 1],
  ['a path with a list of its own', { backends: LIST, paths: [{ prefix: '/a', backends: LIST.toReversed() }] }, 2],
  ['a path with the same list', { backends: LIST, paths: [{ prefix: '/a', backends: LIST }] }, 1],
  ['shares', { backends: LIST, paths: [{ prefix: '/a', backends: [{ ...TO_A, weight: 2 }, LIST[1]!] }] }, 2],
  ['a backup', { backends: LIST, paths: [{ prefix: '/a', backends: [TO_A, { ...LIST[1]!, backup: true }] }] }, 2],
  ['sticky', { backends: LIST, paths: [{ prefix: '/a', backends: LIST, sticky: true }] }, 2],
  ['layer 4', { backends: LIST, protocol: 'tcp' }, 1],
  ['layer 4 to one', { protocol: 'udp' }, 0],
  ['a protocol', { backends: LIST, paths: [{ prefix: '/a', backends: LIST, protocol: 'h2c' }] }, 2],
])('%s: %3$i lists', (_, value, count) => {
  const { origin: _o, port: _p, ...rest } = route({});
  const typed = 'backends' in value ? { ...rest, ...value } : route(value);
  expect(new Set(upstreamsOf(typed, 'a.hoge.com').map(({ key }) => key)).size).toBe(count);
});

test('a list counts for each protocol by itself: names are of different halves of the web server', () => {
  const keys = (['http', 'tls', 'tcp', 'udp'] as const).map(
    (protocol) => upstreamsOf({ backends: LIST, protocol }, '')[0]?.key,
  );
  expect(new Set(keys).size).toBe(4);
});

test('what passes through unopened is of no class, and counts for its lists', () => {
  const tcp = portRoute('p', 1000, { backends: LIST, limits: { connections: 5 } }) as LoadedFile<'route'>;
  const tls = { ...tcp, value: { ...tcp.value, protocol: 'tls' } } as LoadedFile<'route'>;
  for (const file of [tcp, tls]) {
    expect(policyPlaces(file)).toEqual([]);
    expect(upstreamPlaces(file)).toMatchObject([{ group: 'hoge', pointer: '/backends' }]);
  }
});

test('an https list is another one for every hostname, unless it says which name it asks for', () => {
  const keys = (more: object) =>
    new Set(
      ['a', 'b'].map((host) => upstreamsOf({ ...route({}), backends: LIST, ...TLS, ...more }, `${host}.com`)[0]?.key),
    );
  expect(keys({}).size).toBe(2);
  expect(keys({ originTls: { verify: 'public', serverName: 'x.com' } }).size).toBe(1);
});
