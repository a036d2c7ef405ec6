// What edges would refuse is a problem before it is published.
import { expect, test } from 'vitest';
import type { Route, SecretReference } from '../../schemas/types.ts';
import type { LoadedFile } from './files.ts';
import { checkWire } from './wire-size.ts';
import { portRoute, route } from './world.fixture.ts';

const said = (file: unknown) => checkWire(file as LoadedFile<'route'>).map(({ rule, message }) => `${rule} ${message}`);
const networks = (count: number) =>
  Array.from({ length: count }, (_, n) => `2001:db8:1111:2222:3333:4444:5555:${1000 + n}`);
const TO = { origin: 'o1', port: 80 };

test.each<[string, Partial<Route>, RegExp | undefined]>([
  ['nothing long', {}, undefined],
  ['as much as there may be', { allow: networks(150), deny: networks(150) }, undefined],
  [
    'more than there may be',
    { allow: networks(200), deny: networks(200) },
    /^KK343 found a route of 1[0-9]{4} bytes, .* at most 16384$/,
  ],
  [
    'more backends than edges take',
    { backends: Array.from({ length: 17 }, () => TO) },
    /^KK343 found what edges refuse: route\/backends/,
  ],
  ['no network', { allow: ['10.0.0.0/99'] }, /^KK343 found what cannot be compiled: /],
])('a route with %s', (_, more, expected) => {
  const hosts = route('a.hoge.com', 'o1', 80, { protocol: 'tls', proxyProtocol: true, ...more });
  for (const file of [portRoute('p', 1000, more), portRoute('p', 1000, { protocol: 'udp', ...more }), hosts]) {
    expect(said(file)).toEqual(expected === undefined ? [] : [expect.stringMatching(expected)]);
  }
});

const PATHS = Array.from({ length: 32 }, (_, n) => ({ prefix: `/p${n}` }));
const basic = (users: SecretReference) => ({ auth: { basic: { users } } });
/** Of the length that edges take at most; `n` tells one from another. */
const sealed = (n: number) => ({ sealed: `${10 + n}${'A'.repeat(5998)}` });
const AUTHORITY = `-----BEGIN CERTIFICATE-----\n${`${'A'.repeat(64)}\n`.repeat(60)}-----END CERTIFICATE-----\n`;

test.each<[string, Partial<Route>, boolean]>([
  ['that all of its paths take over', { ...basic(sealed(0)), paths: PATHS }, true],
  ['beside another one that a path has', { ...basic(sealed(0)), paths: [{ prefix: '/a', ...basic(sealed(1)) }] }, true],
  [
    'beside two others',
    { ...basic(sealed(0)), paths: [1, 2].map((n) => ({ prefix: `/p${n}`, ...basic(sealed(n)) })) },
    false,
  ],
  [
    'that the reconciler reads, of which each is another one',
    { paths: PATHS.slice(0, 8).map((path, n) => ({ ...path, ...basic({ file: `users${n}` }) })) },
    false,
  ],
  [
    'that the reconciler reads, of which each is the same one',
    { paths: PATHS.map((path) => ({ ...path, ...basic({ file: 'users' }) })) },
    true,
  ],
  [
    'and an authority, both of which all of its paths take over',
    { protocol: 'https', originTls: { verify: 'ca', ca: AUTHORITY }, ...basic(sealed(0)), paths: PATHS },
    true,
  ],
])('a route with a list of users %s: it fits = %3$s', (_, more, fits) => {
  const problems = said(route('a.hoge.com', 'o1', 80, more));
  expect(problems).toEqual(fits ? [] : [expect.stringMatching(/^KK343 found a route of 1[0-9]{4} bytes/)]);
});
