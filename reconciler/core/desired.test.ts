// The index of what git says: any history of updates leads to the index of its last files, and older versions stay as they were.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { claimOf, type Desired, emptyDesired, hostCount, portsOf, updateDesired } from './desired.ts';
import { entriesOf, lookup, type PersistentMap } from './persistent-map.ts';
import { anyWorld, changesBetween, desiredOf, edge, kokoa, loaded, origin, route } from './world.fixture.ts';

function dump(desired: Desired): unknown {
  const flat = (map: PersistentMap<unknown>): unknown =>
    [...entriesOf(map)]
      .map(([key, value]): [string, unknown] => {
        const inner = value as PersistentMap<unknown> & { path?: string; blob?: string };
        if (typeof value === 'number') return [key, value];
        return [key, inner.path ? `${inner.path} ${inner.blob}` : flat(inner)];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1));
  const { kokoa: file, ...maps } = desired;
  return [file?.blob, ...Object.values(maps).map((map) => flat(map as PersistentMap<unknown>))];
}

test('an update is the index of the resulting files, and leaves the earlier index alone', () => {
  fc.assert(
    fc.property(anyWorld, anyWorld, (a, b) => {
      const first = desiredOf(a.files);
      const dumped = dump(first);
      const second = updateDesired(first, changesBetween(a.files, b.files));
      expect(dump(second)).toEqual(dump(desiredOf(b.files)));
      expect(dump(first)).toEqual(dumped);
    }),
    { numRuns: 60 },
  );
});

test('removing every file leads back to the empty index', () => {
  fc.assert(
    fc.property(anyWorld, ({ files }) => {
      const emptied = updateDesired(
        desiredOf(files),
        files.map(({ path }) => ({ path })),
      );
      expect(dump(emptied)).toEqual(dump(emptyDesired()));
    }),
    { numRuns: 30 },
  );
});

test('hosts, ports and names are found; a file without a value is only known by its path', () => {
  const desired = desiredOf([
    kokoa(),
    edge('e1'),
    origin('o1'),
    route('a.hoge.com', 'o1', 9000),
    route('b.hoge.com', 'o1', 80),
    route('c.hoge.com', 'o1', 80),
    loaded('route', 'routes/hoge/broken.yaml', undefined),
  ]);
  expect(hostCount(desired)).toBe(3);
  expect(portsOf(desired, 'o1')).toEqual([80, 9000]);
  expect(claimOf(desired.edges, 'e1')?.path).toBe('edges/e1.yaml');
  expect(lookup(desired.files, 'routes/hoge/broken.yaml')?.kind).toBe('route');
  const fewer = updateDesired(desired, [{ path: 'routes/hoge/b.hoge.com.yaml' }]);
  expect(portsOf(fewer, 'o1')).toEqual([80, 9000]);
  expect(portsOf(updateDesired(fewer, [{ path: 'routes/hoge/c.hoge.com.yaml' }]), 'o1')).toEqual([9000]);
});

test('two files that claim one host are both kept, and the first path by code unit answers', () => {
  const claim = (path: string) => loaded('route', path, { hostname: 'a.hoge.com', origin: 'o1', port: 80 });
  const desired = desiredOf([claim('routes/hoge/b.yaml'), claim('routes/hoge/a.yaml'), claim('routes/hoge/Z.yaml')]);
  expect(claimOf(desired.routesByHost, 'a.hoge.com')?.path).toBe('routes/hoge/Z.yaml');
  expect(lookup(desired.routesByHost, 'a.hoge.com')?.size).toBe(3);
});
