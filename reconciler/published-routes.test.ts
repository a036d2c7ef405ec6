// Whether a file says what is published: with its secrets unknown, and after its time.
import { expect, it } from 'vitest';
import type { WireRoute } from '../bundle/config.ts';
import type { Route } from '../schemas/types.ts';
import type { LoadedFile } from './core/files.ts';
import { wireRouteOf } from './core/wire-route.ts';
import { desiredOf, kokoa, loaded, NOW, origin } from './core/world.fixture.ts';
import { isPublished, type PublishedRoutes } from './published-routes.ts';

const USERS = { auth: { basic: { users: { file: 'x' } } }, paths: [{ prefix: '/p' }] };
const ENDING = { expiresAt: '2026-11-21T11:00Z' };
const NOTHING: PublishedRoutes = { host: async () => undefined, stream: () => undefined };
const fileOf = (more: Partial<Route>) =>
  loaded('route', 'routes/hoge/a.yaml', {
    ...{ hostname: 'a.hoge.com', origin: 'o1', port: 80 },
    ...more,
  }) as LoadedFile<'route'>;

it.each<[string, Partial<Route>, Partial<Route>, boolean]>([
  ['the same', {}, {}, true],
  ['another port', {}, { port: 81 }, false],
  ['the same user list, sealed meanwhile', USERS, USERS, true],
  ['a user list where there was none', {}, USERS, false],
  ['a route that is over by now', ENDING, ENDING, true],
  ['a route that is over, without its end', ENDING, {}, false],
  ['a route that is over, with other pages', ENDING, { ...ENDING, errorPages: { '404': 'x' } }, false],
])('%s: %4$s', async (_, published, file, expected) => {
  const desired = desiredOf([kokoa(), origin('o1')]);
  const sealed = { of: () => 'QUJD' };
  const route = wireRouteOf(
    fileOf(published),
    { desired, limits: {}, sealed, nowMs: NOW.getTime(), pool: 'default' },
    'e1',
  ) as WireRoute;
  expect(await isPublished(fileOf(file), desired, { ...NOTHING, host: async () => route })).toBe(expected);
});

it('is false for a hostname of which nothing is published', async () => {
  expect(await isPublished(fileOf({}), desiredOf([kokoa(), origin('o1')]), NOTHING)).toBe(false);
});
