import { describe, expect, test } from 'vitest';
import { desiredOf, kokoa, route } from '../world.fixture.ts';
import { addressNames, allNames, touchedNames, type WantedContext, wantedAt } from './wanted-records.ts';

const KOKOA = kokoa({
  zones: [
    { name: 'hoge.com', provider: 'rfc2136' },
    { name: 'deep.hoge.com', provider: 'rfc2136' },
    { name: 'fuga.com', provider: 'manual' },
  ],
  pools: [
    { name: 'default', hostname: 'Edges.Hoge.com' },
    { name: 'spare', hostname: 'spare.fuga.com', ttl: 60 },
    { name: 'nameless' },
  ],
});
const ADDRESSES: Record<string, string[]> = { default: ['198.51.100.12', '2001:DB8::1', '198.51.100.11'], spare: [] };

function world(...routes: ReturnType<typeof route>[]): WantedContext {
  return { desired: desiredOf([KOKOA, ...routes]), addressesOf: (pool) => ADDRESSES[pool] ?? [] };
}

describe('what git wants in DNS', () => {
  const context = world(
    route('app.hoge.com', 'home'),
    route('*.hoge.com', 'home'),
    route('hoge.com', 'home'),
    route('a.deep.hoge.com', 'home'),
    route('wiki.fuga.com', 'home', 8080, { pool: 'spare' }),
    route('fuga.com', 'home', 8080, { pool: 'spare' }),
    route('b.hoge.com', 'home', 8080, { pool: 'nameless' }),
    route('app.elsewhere.com', 'home'),
  );
  const A = { type: 'A', ttl: 30, values: ['198.51.100.11', '198.51.100.12'] };
  const AAAA = { type: 'AAAA', ttl: 30, values: ['2001:db8::1'] };
  const alias = (target: string, ttl = 30) => [{ type: 'CNAME', ttl, values: [target] }];

  test.each<[name: string, zone: string | undefined, sets: unknown]>([
    ['edges.hoge.com', 'hoge.com', [A, AAAA]],
    ['app.hoge.com', 'hoge.com', alias('edges.hoge.com')],
    ['*.hoge.com', 'hoge.com', alias('edges.hoge.com')],
    ['hoge.com', 'hoge.com', [A, AAAA]],
    ['a.deep.hoge.com', 'deep.hoge.com', alias('edges.hoge.com')],
    ['wiki.fuga.com', 'fuga.com', alias('spare.fuga.com', 60)],
    // Of a pool without addresses nothing better is known than what stands there.
    ['spare.fuga.com', 'fuga.com', undefined],
    ['fuga.com', 'fuga.com', undefined],
    ['b.hoge.com', undefined, undefined],
    ['app.elsewhere.com', undefined, undefined],
    ['nobody.hoge.com', undefined, undefined],
  ])('%s', (name, zone, sets) => {
    expect(wantedAt(name, context)).toEqual(zone === undefined ? undefined : { name, zone, sets });
  });

  test('only the names of pools and apexes hold addresses, whatever the number of hostnames', () => {
    const many = Array.from({ length: 2000 }, (_, index) => route(`h${index}.hoge.com`, 'home'));
    expect(addressNames(world(...many, route('hoge.com', 'home')).desired).sort()).toEqual([
      'edges.hoge.com',
      'hoge.com',
      'spare.fuga.com',
    ]);
  });

  test('a commit touches the names of its routes, and all names where kokoa.yaml differs', () => {
    const before = world(route('a.hoge.com', 'home'), route('b.hoge.com', 'home')).desired;
    const b = before.files;
    expect(b.size).toBe(3);
    const after = world(route('a.hoge.com', 'home', 8081), route('c.hoge.com', 'home')).desired;
    expect([...touchedNames(before, after)].sort()).toEqual(['a.hoge.com', 'b.hoge.com', 'c.hoge.com']);
    const other = desiredOf([
      kokoa({ pools: [{ name: 'default', hostname: 'e.hoge.com' }] }),
      route('a.hoge.com', 'home'),
    ]);
    expect([...touchedNames(before, other)].sort()).toEqual(
      [...new Set([...allNames(before), ...allNames(other)])].sort(),
    );
  });
});
