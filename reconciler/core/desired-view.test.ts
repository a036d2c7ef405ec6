// The view of an index shows what a view of the plain list shows.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { viewOfDesired } from './desired-view.ts';
import type { AnyLoadedFile, LoadedFile } from './files.ts';
import { type DesiredView, viewOf } from './view.ts';
import { anyWorld, desiredOf, kokoa, loaded, route } from './world.fixture.ts';

const paths = (files: Iterable<LoadedFile>) => [...files].map(({ path }) => path).sort();

function shown(view: DesiredView, files: readonly AnyLoadedFile[]): unknown {
  return {
    lists: [view.kokoa?.path, paths(view.edges), paths(view.origins), paths(view.routes)],
    routes: files.map(({ path }) => view.route(path)?.blob),
    origins: ['o0', 'o1', 'o2', 'broken', 'nobody'].map((name) => view.origin(name)?.path),
    hosts: files.map((file) => [...view.routesByHost((file as LoadedFile<'route'>).hostname ?? '')].sort()),
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
