// The room that public ports take: never less than what they fill of a config.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../bundle/canonical.ts';
import { STREAMS_MAX } from '../../bundle/config-schema.ts';
import { CONFIG_BYTES_MAX } from '../../bundle/limits.ts';
import type { Route } from '../../schemas/types.ts';
import type { LoadedFile } from './files.ts';
import { PLACE_BYTES, publicPortPlaces } from './public-port-places.ts';
import { openStream } from './wire-stream.ts';
import { portRoute, route } from './world.fixture.ts';

const placesOf = (more: Partial<Route>, defaultPool?: string) =>
  publicPortPlaces(portRoute('p', 25_565, more) as LoadedFile<'route'>, defaultPool);
const networks = (count: number) => Array.from({ length: count }, (_, n) => `10.0.0.${n}`);
const backends = (count: number) => Array.from({ length: count }, () => ({ origin: 'o1', port: 80 }));

test.each<[string, Partial<Route>, number, string]>([
  ['nothing more', {}, 1, '/publicPort'],
  ['three backends', { backends: backends(3) }, 1, '/publicPort'],
  ['four networks', { allow: networks(2), deny: networks(2) }, 1, '/publicPort'],
  ['sixteen backends', { backends: backends(16) }, 3, '/publicPort'],
  ['a long list', { allow: networks(9), deny: networks(8) }, 3, '/allow'],
  ['another long list', { deny: networks(200) }, 21, '/deny'],
])('with %s: %3$i places, said of %4$s', (_, more, count, pointer) => {
  const places = placesOf(more, 'default');
  expect(places).toHaveLength(count);
  expect(new Set(places.map(({ key }) => key)).size).toBe(count);
  expect(new Set(places.map((place) => `${place.group} ${place.pointer}`))).toEqual(new Set([`default ${pointer}`]));
});

test('it is taken in the pool that the route names, or the default one; a hostname takes none', () => {
  expect([placesOf({ pool: 'spare' }, 'default')[0]?.group, placesOf({})[0]?.group]).toEqual(['spare', '']);
  expect(publicPortPlaces(route('a.hoge.com', 'o1') as LoadedFile<'route'>, 'default')).toEqual([]);
});

test('places have room for what edges are told, and all of them for half of a config', () => {
  expect(STREAMS_MAX * PLACE_BYTES * 2).toBeLessThanOrEqual(CONFIG_BYTES_MAX);
  const target = fc.record({ weight: fc.constantFrom(1, 100), backup: fc.boolean() });
  const anyRoute = fc.record({
    ...{ protocol: fc.constantFrom('tcp', 'udp'), proxyProtocol: fc.boolean(), sticky: fc.boolean() },
    backends: fc.array(target, { minLength: 1, maxLength: 16 }),
    allow: fc.option(fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 40 }), { nil: undefined }),
    deny: fc.option(fc.array(fc.ipV6(), { minLength: 1, maxLength: 40 }), { nil: undefined }),
  } as const);
  const at = () => ({ address: '255.255.255.255', port: 65_535 });
  fc.assert(
    fc.property(anyRoute, ({ backends: shares, allow, deny, ...rest }) => {
      const value: Route = {
        ...{ ...rest, publicPort: 65_535, limits: { connections: 100_000 }, timeouts: { connect: '1m', read: '24h' } },
        backends: shares.map((share) => ({ origin: 'o1', port: 1, ...share })),
        ...(allow && { allow }),
        ...(deny && { deny }),
      };
      const wire = openStream(value, {}, { at, sealed: () => undefined });
      const bytes = Buffer.byteLength(`${canonicalJson(wire)},`);
      const { length } = publicPortPlaces({ value } as LoadedFile<'route'>, 'default');
      expect(bytes).toBeLessThanOrEqual(length * PLACE_BYTES);
    }),
  );
});
