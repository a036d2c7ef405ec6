// Routes that end by themselves: at their minute, without a commit, whatever else is wrong; and no way around the guard.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KokoaError } from '../bundle/error.ts';
import { createLoop } from './loop.ts';
import type { Outcome } from './reconcile.ts';
import {
  createSite,
  type Files,
  FLEET,
  granting,
  kokoa,
  manyRoutes,
  portRoute,
  publishedHosts,
  route,
  type Site,
  START_MS,
} from './site.fixture.ts';

const MINUTE_MS = 60_000;
const DOWN = new KokoaError('source_unreachable', 'down');
const time = (afterMs: number) => `${new Date(START_MS + afterMs).toISOString().slice(0, 19)}Z`;
const until = (hostname: string, afterMs: number) => `${route(hostname)}expiresAt: ${time(afterMs)}\n`;
const ending = (count: number, afterMs: number): Files =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`routes/hoge/h${n}.yaml`, until(`h${n}.hoge.com`, afterMs)]),
  );
const closedHosts = async (site: Site) =>
  Object.entries(await site.hosts()).flatMap(([hostname, to]) => (to === 'expired' ? [hostname] : []));

beforeEach(() => {
  // What looks every half second for an operator's word (restriction-watch.ts) would be played for months.
  const toFake = ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date', 'performance'] as const;
  vi.useFakeTimers({ now: START_MS, toFake: [...toFake] });
});
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  vi.useRealTimers();
});

async function start(site: Site, pollMs: number) {
  const [outcomes, failures] = [[] as Outcome[], [] as unknown[]];
  const loop = createLoop({
    ...site.deps,
    ...{ now: () => new Date(), pollMs, serve: () => undefined },
    ran: (outcome) => void outcomes.push(outcome),
    failed: (error) => void failures.push(error),
  });
  await loop.restore();
  const stopping = new AbortController();
  const ended = loop.run(stopping.signal);
  stops.push(() => {
    stopping.abort();
    return ended;
  });
  await vi.advanceTimersByTimeAsync(1);
  return { outcomes, failures };
}

it.each([
  ['is there', false],
  ['is away', true],
])('closes a route at its minute, without a commit, while git %s', async (_, isDown) => {
  const site = createSite({ ...FLEET, 'routes/hoge/a.yaml': until('a.hoge.com', 5 * MINUTE_MS) });
  const { outcomes } = await start(site, 24 * 60 * MINUTE_MS);
  if (isDown) site.source.failNext('fetch', DOWN, 10_000);
  const commit = (await site.store.head())!.commit;
  await vi.advanceTimersByTimeAsync(5 * MINUTE_MS - 1000);
  expect(await closedHosts(site)).toEqual([]);
  const { fetches } = site.source;
  await vi.advanceTimersByTimeAsync(1100);
  expect(await closedHosts(site)).toEqual(['a.hoge.com']);
  expect((await site.store.head())?.commit).toBe(commit);
  expect(site.source.fetches).toBe(fetches);
  expect(outcomes.at(-1)).toMatchObject({
    kind: 'published',
    plan: { hosts: { removed: [{ hostname: 'a.hoge.com' }] } },
  });
  // One run did it, and nothing spins before or after.
  expect(outcomes.length).toBeLessThan(5);
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(outcomes.length).toBeLessThan(6);
});

it('closes a public port at its minute, and tells nobody but the edges of its pool', async () => {
  const site = createSite({
    ...{ ...FLEET, 'kokoa.yaml': granting("'25565'") },
    'routes/hoge/a.yaml': portRoute(25_565, 1, `expiresAt: ${time(5 * MINUTE_MS)}\n`),
  });
  const { outcomes } = await start(site, 24 * 60 * MINUTE_MS);
  await vi.advanceTimersByTimeAsync(5 * MINUTE_MS - 1000);
  expect(await site.ports()).toEqual({ 'tcp 25565': '10.100.1.1:1' });
  await vi.advanceTimersByTimeAsync(1100);
  expect(await site.ports()).toEqual({});
  expect(outcomes.at(-1)).toMatchObject({
    ...{ kind: 'published', changed: ['e1', 'e2'] },
    plan: { streams: { removed: [{ name: 'tcp 25565' }] }, hosts: { removed: [] } },
  });
});

it('waits for an end that no timer could wait for in one piece, and for none at all', async () => {
  const site = createSite({ ...FLEET, 'routes/hoge/a.yaml': until('a.hoge.com', 60 * 24 * 60 * MINUTE_MS) });
  site.signing.lifetimes = { timestampMs: 400 * 24 * 60 * MINUTE_MS };
  const { outcomes } = await start(site, 300 * 24 * 60 * MINUTE_MS);
  await vi.advanceTimersByTimeAsync(60 * 24 * 60 * MINUTE_MS + 1000);
  expect(await closedHosts(site)).toEqual(['a.hoge.com']);
  expect(outcomes.length).toBeLessThan(8);
});

it('keeps looking for commits while routes end more often than it looks', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [`routes/hoge/h${n}.yaml`, until(`h${n}.hoge.com`, (n + 1) * 10_000)]),
  );
  const site = createSite({ ...FLEET, ...files });
  await start(site, MINUTE_MS);
  await vi.advanceTimersByTimeAsync(5 * MINUTE_MS);
  expect(await closedHosts(site)).toHaveLength(30);
  expect(site.source.fetches).toBeGreaterThanOrEqual(5);
  expect(site.source.fetches).toBeLessThanOrEqual(8);
});

it('tries again in ever longer pauses when an end cannot be published', async () => {
  const site = createSite({ ...FLEET, 'routes/hoge/a.yaml': until('a.hoge.com', MINUTE_MS) });
  const { failures } = await start(site, 10 * MINUTE_MS);
  site.store.failNext('publish', new KokoaError('store_failed', 'full'), 4);
  await vi.advanceTimersByTimeAsync(MINUTE_MS + 100);
  expect(failures).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(failures).toHaveLength(4);
  expect(await closedHosts(site)).toEqual(['a.hoge.com']);
});

it('closes after a restart what ended while nobody ran', async () => {
  const site = createSite({ ...FLEET, 'routes/hoge/a.yaml': until('a.hoge.com', MINUTE_MS) });
  await site.run();
  site.clock.ms += 5 * MINUTE_MS;
  site.source.failNext('fetch', DOWN, 10);
  await site.restart();
  expect(await closedHosts(site)).toEqual([]);
  expect(await site.run()).toMatchObject({ kind: 'published', changed: ['e1', 'e2'], unfetched: DOWN });
  expect(await closedHosts(site)).toEqual(['a.hoge.com']);
  expect(await site.run()).toMatchObject({ kind: 'unchanged' });
});

it('opens a route again when a commit gives it more time', async () => {
  const site = createSite({ ...FLEET, 'routes/hoge/a.yaml': until('a.hoge.com', -MINUTE_MS) });
  await site.run();
  expect(await closedHosts(site)).toEqual(['a.hoge.com']);
  const { plan } = await site.push({ 'routes/hoge/a.yaml': until('a.hoge.com', MINUTE_MS) });
  expect(plan?.hosts).toMatchObject({ added: [{ hostname: 'a.hoge.com' }], removed: [], moved: [] });
  expect(await closedHosts(site)).toEqual([]);
});

it('lets any number of routes end at the time that was published for them, also all of them, and while a commit is held', async () => {
  const site = createSite({
    ...ending(20, MINUTE_MS),
    'kokoa.yaml': kokoa(),
    'edges/e1.yaml': FLEET['edges/e1.yaml'],
    'origins/o1.yaml': FLEET['origins/o1.yaml'],
  });
  await site.run();
  expect((await site.push({ 'kokoa.yaml': 'broken' })).kind).toBe('held');
  site.clock.ms += 2 * MINUTE_MS;
  expect((await site.run()).kind).toBe('held');
  expect(await closedHosts(site)).toHaveLength(20);
  // Nothing was open any more: taking the files away empties nothing.
  const gone = Object.fromEntries(Object.keys(ending(20, 0)).map((path) => [path, undefined]));
  expect(await site.push({ ...gone, 'kokoa.yaml': kokoa() })).toMatchObject({ kind: 'published' });
  expect(await publishedHosts(site.store, 'e1')).toEqual({});
});

it('does not count routes that end among those that a commit removes', async () => {
  const site = createSite({ ...FLEET, ...ending(20, MINUTE_MS), 'routes/hoge/stays.yaml': route('stays.hoge.com') });
  await site.run();
  site.clock.ms += 2 * MINUTE_MS;
  expect(await site.push({ 'routes/hoge/stays.yaml': undefined })).toMatchObject({ kind: 'published' });
  expect(await closedHosts(site)).toHaveLength(20);
});

it('takes an end that a commit sets for a removal, also when the commit comes after the time', async () => {
  const site = createSite({ ...FLEET, ...manyRoutes(20) });
  await site.run();
  const { standing } = await site.push(ending(20, -MINUTE_MS));
  expect(standing.hold).toMatchObject({ reason: 'guard', message: expect.stringContaining('20 removed') });
  expect(await closedHosts(site)).toEqual([]);
});

it('takes an end that is published late for what it is: the published files say that nothing ends', async () => {
  const site = createSite({ ...FLEET, ...manyRoutes(20) });
  await site.run();
  site.source.commit(ending(20, MINUTE_MS));
  site.clock.ms += 2 * MINUTE_MS;
  expect((await site.run()).standing.hold?.reason).toBe('guard');
});
