// Whether a file says what is published: with its secrets unknown, and after its time.
import { expect, it } from 'vitest';
import { canonicalJson } from '../bundle/canonical.ts';
import type { WireRoute } from '../bundle/config.ts';
import type { Route } from '../schemas/types.ts';
import { compile } from './core/compile.ts';
import type { LoadedFile } from './core/files.ts';
import { wireRouteOf } from './core/wire-route.ts';
import { wireStreamOf } from './core/wire-stream.ts';
import { desiredOf, edge, inputOf, kokoa, loaded, NOW, origin } from './core/world.fixture.ts';
import type { PublishedNode } from './ports/store.ts';
import { isPublished, type PublishedRoutes, publishedRoutes } from './published-routes.ts';

const byName = (nodes: PublishedNode[]) => new Map(nodes.map((node) => [node.node, node]));
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
    { orderer: 'e1' },
  ) as WireRoute;
  expect(await isPublished(fileOf(file), desired, { ...NOTHING, host: async () => route })).toBe(expected);
});

it('finds a route in its chunk as it was meant, whatever texts it holds', async () => {
  const desired = desiredOf([kokoa(), origin('o1')]);
  const body = 'QUJD';
  const ca = `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
  const more = { ...USERS, protocol: 'https', originTls: { verify: 'ca', ca } } as const;
  const { nodes, blobs } = compile(
    inputOf([kokoa(), edge('e1'), origin('o1'), fileOf(more)], { sealed: { of: () => 'QUJD' } }),
  );
  const published = [...nodes].map(([node, { config }]) => ({ node, config: canonicalJson(config) }) as PublishedNode);
  const routes = publishedRoutes(
    { nodes: byName(published), damaged: new Map() },
    { blob: async (sha256) => blobs.get(sha256) },
    () => undefined,
  );
  expect((await routes.host('default', 'a.hoge.com'))?.paths?.[0]?.originTls).toEqual({ verify: 'ca', ca });
  expect(await isPublished(fileOf(more), desired, routes)).toBe(true);
  const other = { ...more, originTls: { ...more.originTls, ca: ca.replace(body, 'QUJE') } };
  expect(await isPublished(fileOf(other), desired, routes)).toBe(false);
  expect(await routes.host('default', 'b.hoge.com')).toBeUndefined();
});

const TCP: Partial<Route> = { hostname: undefined, protocol: 'tcp', publicPort: 25_565 } as never;
const LISTED = { ...TCP, allow: ['10.0.0.1', '::1'], limits: { connections: 5 } };

it.each<[string, Partial<Route>, Partial<Route>, boolean]>([
  ['the same', TCP, TCP, true],
  ['the same lists in another order', LISTED, { ...LISTED, allow: ['::1', '10.0.0.1'] }, true],
  ['another port behind it', TCP, { ...TCP, port: 81 }, false],
  ['PROXY protocol', TCP, { ...TCP, proxyProtocol: true }, false],
  ['another number', TCP, { ...TCP, publicPort: 1000 }, false],
  ['the other protocol', TCP, { ...TCP, protocol: 'udp' }, false],
  ['another pool', TCP, { ...TCP, pool: 'spare' }, false],
  ['an end to come', TCP, { ...TCP, ...ENDING }, true],
  ['a port that was closed at its end', { ...TCP, ...ENDING }, { ...TCP, ...ENDING }, false],
])('%s of a public port: %4$s', async (_, published, file, expected) => {
  const desired = desiredOf([kokoa(), origin('o1')]);
  const stream = wireStreamOf(fileOf(published), { desired, limits: {}, nowMs: NOW.getTime() });
  const routes: PublishedRoutes = {
    ...NOTHING,
    stream: (pool, protocol, port) =>
      pool === 'default' && protocol === stream?.protocol && port === stream.port ? stream : undefined,
  };
  expect(await isPublished(fileOf(file), desired, routes)).toBe(expected);
});

it('finds the public ports of a pool in what its edges were told', () => {
  const edgeOf = (node: string, pool: string, streams: object[] | undefined) =>
    ({ node, config: JSON.stringify({ role: 'edge', edge: { pool, chunks: [], streams } }) }) as PublishedNode;
  const tcp = { protocol: 'tcp', port: 1000, backends: [] };
  const nodes = [edgeOf('e1', 'default', [tcp]), edgeOf('e2', 'spare', undefined)];
  const { stream } = publishedRoutes(
    { nodes: byName(nodes), damaged: new Map() },
    { blob: async () => undefined },
    () => undefined,
  );
  expect(stream('default', 'tcp', 1000)).toEqual(tcp);
  expect([
    stream('default', 'udp', 1000),
    stream('default', 'tcp', 1001),
    stream('spare', 'tcp', 1000),
    stream('no', 'tcp', 1000),
  ]).toEqual(new Array(4).fill(undefined));
});

it('is false for a hostname of which nothing is published', async () => {
  expect(await isPublished(fileOf({}), desiredOf([kokoa(), origin('o1')]), NOTHING)).toBe(false);
});
