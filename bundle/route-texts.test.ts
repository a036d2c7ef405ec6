// Long texts of a route stand in a chunk once, and what is read back is the route that was meant; anything else is refused.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, sha256Hex } from './canonical.ts';
import { readChunk } from './check-config.ts';
import type { WireAuth, WireOriginTls, WirePath, WireRoute } from './config.ts';
import { type PackedRoute, packRoute, textsProblem, unpackRoute } from './route-texts.ts';

const PEM = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
const BACKENDS = [{ address: '10.100.1.1', port: 8080 }];
const ROUTE: WireRoute = { hostname: 'a.hoge.com', backends: BACKENDS, limits: { maxBodyBytes: 1 } };
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const anyAuth: fc.Arbitrary<WireAuth> = fc.oneof(
  fc.constantFrom('QUJD', 'QUJE', 'QUJF').map((sealed) => ({ kind: 'basic' as const, sealed })),
  fc.constantFrom<WireAuth>({ kind: 'basic' }, { kind: 'forward', ...BACKENDS[0]!, path: '/q' }),
);
const anyTls: fc.Arbitrary<WireOriginTls> = fc.oneof(
  fc.constantFrom('QUJD', 'QUJE').map((body) => ({ verify: 'ca' as const, ca: PEM(body), serverName: 'nas.lan' })),
  fc.constant({ verify: 'none' as const }),
);
const anyPlace = fc
  .record({ auth: maybe(anyAuth), originTls: maybe(anyTls) })
  .map(({ auth, originTls }) => ({ backends: BACKENDS, ...(auth && { auth }), ...(originTls && { originTls }) }));
const anyRoute: fc.Arbitrary<WireRoute> = fc
  .record({
    place: anyPlace,
    places: fc.array(anyPlace, { maxLength: 32 }),
    own: fc.constantFrom(undefined, {}, { sealed: 'QUJG' }, { sealed: 'A'.repeat(24_000) }),
  })
  .map(({ place, places, own }) => {
    const paths = places.map((one, n): WirePath => ({ prefix: `/p${n}`, ...one }));
    return { ...ROUTE, ...place, ...(own && { ownCertificate: own }), ...(paths.length > 0 && { paths }) };
  });

function read(routes: unknown[]): unknown {
  const text = JSON.stringify({ routes });
  return readChunk({ bucket: '', sha256: sha256Hex(text), bytes: Buffer.byteLength(text) }, text);
}

test('what is packed is read as the same route, each text stands there once, and no text stands where it is used', () => {
  fc.assert(
    fc.property(anyRoute, (route) => {
      const packed = packRoute(route);
      expect(unpackRoute(packed)).toEqual(route);
      expect(textsProblem(packed)).toBeUndefined();
      expect(read([packed])).toEqual({ routes: [route] });
      const { texts = {}, ...rest } = packed;
      for (const list of Object.values(texts)) {
        for (const text of list) {
          expect(canonicalJson(route)).toContain(JSON.stringify(text));
          expect(canonicalJson(rest)).not.toContain(JSON.stringify(text));
        }
        expect(new Set(list).size).toBe(list.length);
      }
      expect(canonicalJson(packRoute(unpackRoute(packed)))).toBe(canonicalJson(packed));
    }),
  );
});

test('the order of places does not say in which order texts stand', () => {
  const basic = (sealed: string) => ({ auth: { kind: 'basic' as const, sealed }, backends: BACKENDS });
  const texts = (first: string, second: string) =>
    packRoute({ ...ROUTE, ...basic(first), paths: [{ prefix: '/p', ...basic(second) }] }).texts;
  expect(texts('QUJE', 'QUJD')).toEqual({ sealed: ['QUJD', 'QUJE'] });
  expect(texts('QUJD', 'QUJE')).toEqual({ sealed: ['QUJD', 'QUJE'] });
});

test('a route without long texts is written as it was', () => {
  const route: WireRoute = { ...ROUTE, auth: { kind: 'basic' }, paths: [{ prefix: '/p', backends: BACKENDS }] };
  expect(canonicalJson(packRoute(route))).toBe(canonicalJson(route));
});

describe('an agent refuses a route', () => {
  const sealed = (at: unknown) => ({ auth: { kind: 'basic', sealed: at } });
  const ca = (at: unknown) => ({ protocol: 'https', originTls: { verify: 'ca', ca: at } });
  const path = (more: object) => ({ paths: [{ prefix: '/p', backends: BACKENDS, ...more }] });
  const all = (kind: string, count: number) =>
    Array.from({ length: count }, (_, n) => (kind === 'ca' ? PEM(`QUJ${n}`) : `QUJ${10 + n}`));

  test.each<[string, object]>([
    ['with a number where it has no texts', sealed(0)],
    ['with a number that its path has no text for', { ...sealed(0), ...path(sealed(1)), texts: { sealed: ['QUJD'] } }],
    ['with the number of another kind of text', { ...sealed(0), ...path(ca(0)), texts: { sealed: ['QUJD'] } }],
    ['with a text that nothing means', { texts: { sealed: ['QUJD'] } }],
    ['with a certificate of its own that it has no text for', { ownCertificate: { sealed: 0 } }],
    ['with a certificate of its own among users', { ownCertificate: { sealed: 0 }, texts: { sealed: ['QUJD'] } }],
    ['with a second certificate', { ownCertificate: { sealed: 0 }, texts: { certificate: ['QUJD', 'QUJE'] } }],
    ['with too long a certificate', { ownCertificate: { sealed: 0 }, texts: { certificate: ['A'.repeat(24_001)] } }],
    ['with a certificate that is not sealed', { ownCertificate: { sealed: 0 }, texts: { certificate: [PEM('QUJD')] } }],
    ['with a text more than is meant', { ...ca(0), texts: { ca: all('ca', 2) } }],
    ['with a text twice', { ...sealed(0), ...path(sealed(1)), texts: { sealed: ['QUJD', 'QUJD'] } }],
    ['with texts in another order', { ...sealed(0), ...path(sealed(1)), texts: { sealed: ['QUJE', 'QUJD'] } }],
    ['with the text itself in its place', sealed('QUJD')],
    ['with certificates in their place', ca(PEM('QUJD'))],
    ['with a negative number', { ...sealed(-1), texts: { sealed: ['QUJD'] } }],
    ['with half a number', { ...sealed(0.5), texts: { sealed: ['QUJD'] } }],
    ['with an empty list of texts', { texts: { sealed: [] } }],
    ['with texts of no kind', { texts: {} }],
    ['with texts of another kind', { texts: { other: ['QUJD'] } }],
    ['with a sealed text of other characters', { ...sealed(0), texts: { sealed: ['a b'] } }],
    ['with certificates and more', { ...ca(0), texts: { ca: [`${PEM('QUJD')}x`] } }],
    ['with a text that is too long', { ...sealed(0), texts: { sealed: ['Q'.repeat(6001)] } }],
    ['with more texts than places', { ...sealed(0), texts: { sealed: all('sealed', 34) } }],
    ['with texts for a path of its own', { ...path({ ...sealed(0), texts: { sealed: ['QUJD'] } }) }],
  ])('%s', (_, more) => {
    expect(read([{ ...ROUTE, ...more } as unknown as PackedRoute])).toMatchObject({ code: 'malformed' });
  });

  test('whose texts stand in another route', () => {
    const [one, other] = [
      { ...ROUTE, ...sealed(0), texts: { sealed: ['QUJD'] } },
      { ...ROUTE, ...sealed(0) },
    ];
    expect(read([one])).not.toHaveProperty('code');
    expect(read([one, { ...other, hostname: 'b.hoge.com' }])).toMatchObject({
      code: 'malformed',
      detail: expect.stringContaining('b.hoge.com a number without a text of sealed'),
    });
  });
});
