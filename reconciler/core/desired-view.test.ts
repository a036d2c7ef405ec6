// The view of an index shows what a view of the plain list shows.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { viewOfDesired } from './desired-view.ts';
import type { AnyLoadedFile, LoadedFile } from './files.ts';
import { type DesiredView, viewOf } from './view.ts';
import { anyWorld, desiredOf, kokoa, loaded, route } from './world.fixture.ts';

const paths = (files: Iterable<LoadedFile>) => [...files].map(({ path }) => path).sort();

const PORT = { protocol: 'tcp', publicPort: 25_565, origin: 'o1', port: 1 } as const;

function shown(view: DesiredView, files: readonly AnyLoadedFile[]): unknown {
  return {
    lists: [view.kokoa?.path, paths(view.edges), paths(view.origins), paths(view.routes)],
    routes: files.map(({ path }) => view.route(path)?.blob),
    origins: ['o0', 'o1', 'o2', 'broken', 'nobody'].map((name) => view.origin(name)?.path),
    hosts: files.map((file) => [...view.routesByHost((file as LoadedFile<'route'>).hostname ?? '')].sort()),
    ports: ['default', 'spare', 'other'].map((pool) => view.routesByPublicPort(`${pool}\ntcp\n25565`)),
  };
}

test('both views show the same, broken files and rival claims included', () => {
  const rival = loaded('route', 'routes/fuga/rival.yaml', { hostname: 'h1.hoge.com', origin: 'o1', port: 1 });
  const broken = [
    loaded('route', 'routes/hoge/broken.yaml', undefined),
    loaded('origin', 'origins/broken.yaml', undefined),
    loaded('kokoa', 'kokoa.yml', undefined),
    route('h1.hoge.com', 'nobody'),
    rival,
    ...[undefined, 'default', 'spare'].map((pool) =>
      loaded('route', `routes/hoge/port-${pool}.yaml`, { ...PORT, ...(pool !== undefined && { pool }) }),
    ),
  ];
  fc.assert(
    fc.property(anyWorld, ({ files }) => {
      const all = [...new Map([...files, ...broken].map((file) => [file.path, file])).values()];
      expect(shown(viewOfDesired(desiredOf(all)), all)).toEqual(shown(viewOf(all), all));
    }),
    { numRuns: 30 },
  );
});

test('without kokoa.yaml, a file that looks meant to be it is shown', () => {
  const misnamed = loaded('kokoa', 'kokoa.yml', undefined);
  expect(viewOfDesired(desiredOf([misnamed])).kokoa?.path).toBe('kokoa.yml');
  expect(viewOfDesired(desiredOf([misnamed, kokoa()])).kokoa?.path).toBe('kokoa.yaml');
});

test('a public port is asked of all who claim it, also of those who name the default pool', () => {
  const files = ['a', 'b', 'c'].map((name, index) =>
    loaded('route', `routes/hoge/${name}.yaml`, {
      ...PORT,
      ...(index > 0 && { pool: index > 1 ? 'spare' : 'default' }),
    }),
  );
  for (const view of [viewOfDesired(desiredOf([kokoa(), ...files])), viewOf([kokoa(), ...files])]) {
    expect(view.routesByPublicPort('default\ntcp\n25565')).toEqual(['routes/hoge/a.yaml', 'routes/hoge/b.yaml']);
    expect(view.routesByPublicPort('spare\ntcp\n25565')).toEqual(['routes/hoge/c.yaml']);
    expect(view.routesByPublicPort('default\nudp\n25565')).toEqual([]);
  }
});
