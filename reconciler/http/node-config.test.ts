// What a node gets: only its own, exact, at once when it changes, and nothing without a good token.
import { afterEach, expect, it } from 'vitest';
import { BUNDLE_MEDIA_TYPE, type BundleResponse } from '../../bundle/api.ts';
import { sha256Hex } from '../../bundle/canonical.ts';
import type { WireStream } from '../../bundle/config.ts';
import { mintToken } from '../adapters/token-mint.ts';
import {
  chunk,
  edgeConfig,
  type Installation,
  install,
  NODE_PATH,
  type NodeName,
  originConfig,
} from './http.fixture.ts';

const CONFIG = `${NODE_PATH}/config`;
const agent = { accept: BUNDLE_MEDIA_TYPE };
let at: Installation;
afterEach(() => at.close());

const one = chunk([
  {
    hostname: 'app.hoge.com',
    backends: [
      { address: '10.100.1.1', port: 8080 },
      { address: '10.100.2.1', port: 81 },
    ],
  },
  { hostname: 'wiki.fuga.com' },
]);
const two = chunk([{ hostname: 'blog.hoge.com' }]);

async function bundle(query: string, as: NodeName = 'a'): Promise<BundleResponse> {
  const response = await at.ask(`${CONFIG}${query}`, { as, headers: agent });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain(BUNDLE_MEDIA_TYPE);
  return (await response.json()) as BundleResponse;
}

it('answers any HTTP client with hostnames and their first backend', async () => {
  at = await install();
  const [node] = await at.publish([edgeConfig('a', [one, two])], [one, two]);
  const response = await at.ask(CONFIG, { as: 'a' });
  expect(await response.json()).toEqual({
    config_hash: node!.configHash,
    routes: {
      'app.hoge.com': '10.100.1.1:8080',
      'wiki.fuga.com': '10.100.1.1:8080',
      'blog.hoge.com': '10.100.1.1:8080',
    },
    hostnames: ['app.hoge.com', 'blog.hoge.com', 'wiki.fuga.com'],
    backends: { 'app.hoge.com': ['10.100.1.1:8080', '10.100.2.1:81'] },
  });
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('vary')).toBe('Accept, Authorization');
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('x-powered-by')).toBeNull();
});

it('names the first backend that is no backup, and hosts without a backend without one', async () => {
  at = await install();
  const to = (port: number) => ({ address: '10.100.1.1', port });
  const text = chunk([
    {
      hostname: 'a.hoge.com',
      backends: [{ ...to(1), backup: true }, to(2)],
      paths: [{ prefix: '/p', backends: [to(3)] }],
    },
    { hostname: 'b.hoge.com', backends: [], redirect: { to: 'https://a.hoge.com', status: 308, keepPath: true } },
    { hostname: 'c.hoge.com', backends: [], closed: 'expired' },
  ]);
  await at.publish([edgeConfig('a', [text])], [text]);
  expect(await (await at.ask(CONFIG, { as: 'a' })).json()).toMatchObject({
    routes: { 'a.hoge.com': '10.100.1.1:2' },
    hostnames: ['a.hoge.com', 'b.hoge.com', 'c.hoge.com'],
    backends: { 'a.hoge.com': ['10.100.1.1:1', '10.100.1.1:2'] },
  });
});

it('names public ports by protocol and number, with their first backend', async () => {
  at = await install();
  const to = (port: number) => ({ address: '10.100.1.1', port });
  const streams: WireStream[] = [
    { protocol: 'tcp', port: 25_565, backends: [{ ...to(1), backup: true }, to(2)] },
    { protocol: 'udp', port: 53, backends: [to(3)] },
  ];
  await at.publish([edgeConfig('a', [one], { streams }), edgeConfig('b', [one])], [one]);
  expect(await (await at.ask(CONFIG, { as: 'a' })).json()).toMatchObject({
    hostnames: ['app.hoge.com', 'wiki.fuga.com'],
    streams: { 'tcp 25565': '10.100.1.1:2', 'udp 53': '10.100.1.1:3' },
    backends: { 'tcp 25565': ['10.100.1.1:1', '10.100.1.1:2'] },
  });
  expect(await (await at.ask(CONFIG, { as: 'b' })).json()).not.toHaveProperty('streams');
});

it('answers an agent with the exact signed texts under the names of their versions', async () => {
  at = await install();
  const [node] = await at.publish([edgeConfig('a', [one])], [one]);
  expect(await bundle('?root=0')).toEqual({
    node: 'a',
    files: {
      '1.root.json': 'root one',
      '2.root.json': 'root two',
      'timestamp.json': node!.timestamp,
      '7.snapshot.json': node!.snapshot,
      '7.targets.json': node!.targets,
      [`${node!.configHash}.config.json`]: node!.config,
    },
    chunks: { [sha256Hex(one)]: one },
  });
  expect(Object.keys((await bundle('?root=1')).files)).toContain('2.root.json');
  expect(Object.keys((await bundle('?root=1')).files)).not.toContain('1.root.json');
  expect(Object.keys((await bundle('?root=2')).files)).not.toContain('2.root.json');
});

it('sends only chunks that the config the agent has did not name, and all when it does not know that config', async () => {
  at = await install();
  const [first] = await at.publish([edgeConfig('a', [one, two])], [one, two]);
  const changed = chunk([{ hostname: 'new.hoge.com' }]);
  const [second] = await at.publish([edgeConfig('a', [one, changed])], [changed]);
  expect(Object.keys((await bundle(`?have=${first!.configHash}`)).chunks)).toEqual([sha256Hex(changed)]);
  expect((await bundle(`?have=${second!.configHash}`)).chunks).toEqual({});
  expect(Object.keys((await bundle(`?have=${'0'.repeat(64)}`)).chunks)).toHaveLength(2);
  for (let i = 0; i < 8; i += 1) await at.publish([edgeConfig('a', [one, changed], { pool: `p${i}` })]);
  expect(Object.keys((await bundle(`?have=${first!.configHash}`)).chunks)).toHaveLength(2);
});

it('gives each token its own node, origins too, whose summary has no routes', async () => {
  at = await install();
  await at.publish([edgeConfig('a', [one]), edgeConfig('b', [two]), originConfig('home')], [one, two]);
  expect((await bundle('', 'b')).node).toBe('b');
  expect((await bundle('', 'home')).chunks).toEqual({});
  expect(await (await at.ask(CONFIG, { as: 'home' })).json()).toMatchObject({
    routes: {},
    hostnames: [],
    backends: {},
  });
});

it('answers 304 while config, timestamp and roots are the ones the client has', async () => {
  at = await install();
  await at.publish([edgeConfig('a', [one])], [one]);
  const etag = (await at.ask(CONFIG, { as: 'a' })).headers.get('etag')!;
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const same = await at.ask(CONFIG, { as: 'a', headers: { 'if-none-match': tag } });
    expect([same.status, same.headers.get('etag'), await same.text()]).toEqual([304, etag, '']);
  }
  const status = async () => (await at.ask(CONFIG, { as: 'a', headers: { 'if-none-match': etag } })).status;
  at.served.update({ roots: ['root one', 'root two', 'root three'] });
  expect(await status()).toBe(200);
  at.served.update({ roots: ['root one', 'root two'] });
  expect(await status()).toBe(304);
  await at.publish([edgeConfig('a', [one])], [], 2);
  expect(await status()).toBe(200);
});

it('holds a long poll until that node changes, and answers the moment it does', async () => {
  at = await install();
  await at.publish([edgeConfig('a', [one]), edgeConfig('b', [one])], [one]);
  const etag = (await at.ask(CONFIG, { as: 'a' })).headers.get('etag')!;
  const waiting = at.ask(`${CONFIG}?wait=20`, { as: 'a', headers: { 'if-none-match': etag } });
  await expect.poll(() => at.served.waiting).toBe(1);
  await at.publish([edgeConfig('b', [two])], [two]);
  expect(at.served.waiting).toBe(1);
  const changedMs = performance.now();
  await at.publish([edgeConfig('a', [two])], [two]);
  const response = await waiting;
  expect(response.status).toBe(200);
  expect(performance.now() - changedMs).toBeLessThan(1000);
  expect(at.served.waiting).toBe(0);
});

it('answers 304 when the wait is over', async () => {
  at = await install();
  await at.publish([edgeConfig('a', [one])], [one]);
  const etag = (await at.ask(CONFIG, { as: 'a' })).headers.get('etag')!;
  const startedMs = performance.now();
  const response = await at.ask(`${CONFIG}?wait=1`, { as: 'a', headers: { 'if-none-match': etag } });
  expect(response.status).toBe(304);
  expect(performance.now() - startedMs).toBeGreaterThan(900);
});

it('ends a long poll at once when the token stops being good', async () => {
  at = await install();
  await at.publish([edgeConfig('a', [one])], [one]);
  const etag = (await at.ask(CONFIG, { as: 'a' })).headers.get('etag')!;
  const poll = () => at.ask(`${CONFIG}?wait=20`, { as: 'a', headers: { 'if-none-match': etag } });
  const suspended = poll();
  await expect.poll(() => at.served.waiting).toBe(1);
  at.setAccess('a', { state: 'suspended' });
  expect((await suspended).status).toBe(403);
  at.setAccess('a', { state: 'active' });
  const revoked = poll();
  await expect.poll(() => at.served.waiting).toBe(1);
  at.setAccess('a', { state: 'revoked' });
  expect((await revoked).status).toBe(401);
});

it('forgets the waiter of a client that left, and ends all waits when the server closes', async () => {
  at = await install();
  await at.publish([edgeConfig('a', [one])], [one]);
  const etag = (await at.ask(CONFIG, { as: 'a' })).headers.get('etag')!;
  const leaving = new AbortController();
  const left = at
    .ask(`${CONFIG}?wait=20`, { as: 'a', headers: { 'if-none-match': etag }, signal: leaving.signal })
    .catch(() => 'left');
  await expect.poll(() => at.served.waiting).toBe(1);
  leaving.abort();
  expect(await left).toBe('left');
  await expect.poll(() => at.served.waiting).toBe(0);
  const waiting = at.ask(`${CONFIG}?wait=20`, { as: 'a', headers: { 'if-none-match': etag } });
  await expect.poll(() => at.served.waiting).toBe(1);
  at.served.close();
  expect((await waiting).status).toBe(503);
});

it('answers 503 with Retry-After before anything is published, and when the store lost a chunk', async () => {
  at = await install();
  const early = await at.ask(CONFIG, { as: 'a' });
  expect([early.status, early.headers.get('retry-after')]).toEqual([503, '1']);
  await at.publish([edgeConfig('b', [one])], [one]);
  expect((await at.ask(CONFIG, { as: 'a' })).status).toBe(503);
  at.store.damageBlob(sha256Hex(one));
  const lost = await at.ask(CONFIG, { as: 'b', headers: agent });
  expect([lost.status, await lost.json()]).toMatchObject([503, { error: 'chunk_missing' }]);
});

it.each<[string, string | undefined, string]>([
  ['no token', undefined, 'token_missing'],
  ['another scheme', 'Basic YTpi', 'token_garbled'],
  ['a token that is none', 'Bearer abc', 'token_garbled'],
  ['an empty bearer', 'Bearer ', 'token_garbled'],
  ['bytes that no token has', 'Bearer a b\u00ff', 'token_garbled'],
  ['a token of 9 KB', `Bearer ${'x'.repeat(9000)}`, 'token_too_large'],
])('answers 401 to %s', async (_, authorization, error) => {
  at = await install();
  await at.publish([edgeConfig('a', [one])], [one]);
  const response = await at.ask(CONFIG, { headers: authorization === undefined ? {} : { authorization } });
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="kokoa"/);
  expect(await response.json()).toMatchObject({ error });
});

it('answers 401 to an unknown token and to one of another generation, 403 to a suspended node', async () => {
  at = await install();
  await at.publish([edgeConfig('a', [one])], [one]);
  const stranger = await mintToken({ node: 'a', generation: 1 });
  expect((await at.ask(CONFIG, { headers: { authorization: `Bearer ${stranger.token}` } })).status).toBe(401);
  at.setAccess('a', { generation: 2 });
  expect(await (await at.ask(CONFIG, { as: 'a' })).json()).toMatchObject({ error: 'token_wrong_generation' });
  at.setAccess('a', { generation: 1, state: 'suspended' });
  const suspended = await at.ask(CONFIG, { as: 'a' });
  expect([suspended.status, suspended.headers.get('www-authenticate')]).toEqual([403, null]);
});

it.each(['wait=0', 'wait=56', 'wait=1e1', 'wait=1&wait=2', 'root=-1', 'root=x', 'have=zz', 'have=1&have=2'])(
  'answers 400 to ?%s',
  async (query) => {
    at = await install();
    await at.publish([edgeConfig('a', [one])], [one]);
    expect((await at.ask(`${CONFIG}?${query}`, { as: 'a' })).status).toBe(400);
  },
);
