// When the loop runs, what it does while git or the store are away, and that it always ends. Time is simulated: an hour takes nothing.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KokoaError } from '../bundle/error.ts';
import { generateOnlineKeys } from '../bundle/keys.ts';
import { createLoop, type Loop, type LoopReport } from './loop.ts';
import type { Outcome } from './reconcile.ts';
import {
  createSite,
  edge,
  type Files,
  FLEET,
  kokoa,
  peersOf,
  publishedNodes,
  route,
  type Site,
  START_MS,
  sha,
  tokenOf,
} from './site.fixture.ts';

const DOWN = new KokoaError('source_unreachable', 'down');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const POLL_MS = MINUTE_MS;
/** ± 10 % of the poll. */
const POLL_MS_MAX = 1.1 * POLL_MS;

interface Running {
  loop: Loop;
  reports: LoopReport[];
  outcomes: Outcome[];
  failures: unknown[];
  stop(): Promise<void>;
}

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
});
const started: Running[] = [];
afterEach(async () => {
  for (const running of started.splice(0)) await running.stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const soon = () => pass(1);
const B = { 'routes/hoge/b.yaml': route('b.hoge.com') };

async function start(site: Site, pollMs = POLL_MS): Promise<Running> {
  const [reports, outcomes, failures] = [[] as LoopReport[], [] as Outcome[], [] as unknown[]];
  const loop = createLoop({
    ...site.deps,
    now: () => new Date(),
    pollMs,
    serve: (report) => void reports.push(report),
    ran(outcome, seconds) {
      expect(seconds).toBeGreaterThanOrEqual(0);
      outcomes.push(outcome);
      if (outcome.unfetched) failures.push(outcome.unfetched);
    },
    failed: (error) => void failures.push(error),
  });
  await loop.restore();
  const stopping = new AbortController();
  const ended = loop.run(stopping.signal);
  const stop = () => {
    stopping.abort();
    return ended;
  };
  const running = { loop, reports, outcomes, failures, stop };
  started.push(running);
  await soon();
  return running;
}

const accessOfToken = ({ reports }: Running, name: string) => reports.at(-1)!.access.get(sha(tokenOf(name)))?.state;

/** Makes fetch wait until it is let go, and counts how many wait at once. */
function gate(site: Site) {
  const { fetch } = site.deps.source;
  const waiting: (() => void)[] = [];
  const seen = { most: 0 };
  site.deps.source.fetch = async () => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      seen.most = Math.max(seen.most, waiting.length);
    });
    return fetch();
  };
  return { seen, open: () => waiting.splice(0).forEach((go) => void go()) };
}

it('makes one run of many calls, which finds the newest commit', async () => {
  const site = createSite();
  const { loop, outcomes } = await start(site);
  expect([outcomes.length, site.source.fetches]).toEqual([1, 1]);
  for (let n = 0; n < 100; n += 1) {
    site.source.commit({ [`routes/hoge/n${n}.yaml`]: route(`n${n}.hoge.com`) });
    loop.dirty('push');
    loop.dirty('announcement');
  }
  await soon();
  expect([outcomes.length, site.source.fetches]).toEqual([2, 2]);
  expect(Object.keys(await site.hosts())).toHaveLength(102);
});

it('makes three runs of a storm of pushes that bring one commit, and takes in a real one no later than by polling', async () => {
  const site = createSite();
  const { loop } = await start(site);
  const { fetches } = site.source;
  site.source.commit(B);
  for (let n = 0; n < 100; n += 1) {
    loop.dirty('push');
    await pass(200);
  }
  expect(site.source.fetches - fetches).toBeLessThanOrEqual(3);
  expect(Object.keys(await site.hosts())).toContain('b.hoge.com');
  site.source.commit({ 'routes/hoge/c.yaml': route('c.hoge.com') });
  loop.dirty('push');
  await pass(POLL_MS_MAX);
  expect(Object.keys(await site.hosts())).toContain('c.hoge.com');
  for (const name of ['d', 'e', 'f']) {
    site.source.commit({ [`routes/hoge/${name}.yaml`]: route(`${name}.hoge.com`) });
    loop.dirty('push');
    await soon();
    expect(Object.keys(await site.hosts())).toContain(`${name}.hoge.com`);
  }
});

it('does nothing about a push that announces the commit that was read last, and looks for any other', async () => {
  const site = createSite();
  const { loop, outcomes } = await start(site);
  const commit = outcomes[0]!.standing.commit!;
  for (let n = 0; n < 10; n += 1) loop.dirty('push', commit);
  await soon();
  expect([site.source.fetches, outcomes.length]).toEqual([1, 1]);
  loop.dirty('push', site.source.commit(B));
  await soon();
  expect(Object.keys(await site.hosts())).toContain('b.hoge.com');
});

it('makes one run at a time, and another one for what comes during it', async () => {
  const site = createSite();
  const { open, seen } = gate(site);
  const { loop, outcomes } = await start(site);
  for (let n = 0; n < 5; n += 1) loop.dirty('push');
  await pass(POLL_MS_MAX);
  expect([outcomes.length, seen.most]).toEqual([0, 1]);
  site.source.commit(B);
  open();
  await soon();
  expect([outcomes.length, seen.most]).toEqual([1, 1]);
  // Came before B was fetched, so somebody looks once more.
  open();
  await soon();
  expect(outcomes.map(({ kind }) => kind)).toEqual(['published', 'unchanged']);
  open();
  await soon();
  expect(outcomes).toHaveLength(2);
});

it('finds a commit by polling when no webhook comes', async () => {
  const site = createSite();
  await start(site);
  site.source.commit(B);
  await pass(POLL_MS_MAX);
  expect(Object.keys(await site.hosts())).toContain('b.hoge.com');
  await pass(10 * POLL_MS_MAX);
  expect(site.source.fetches).toBeGreaterThanOrEqual(11);
  expect(site.source.fetches).toBeLessThanOrEqual(15);
});

it('keeps polling while announcements leave no pause between runs', async () => {
  const site = createSite();
  const { leases } = site.deps.store;
  site.deps.store.leases = async () => {
    await new Promise((resolve) => setTimeout(resolve, MINUTE_MS / 6));
    return leases();
  };
  const { loop, outcomes } = await start(site);
  for (let second = 0; second < 300; second += 1) {
    loop.dirty('announcement');
    await pass(1000);
  }
  expect(outcomes.length).toBeGreaterThan(20);
  expect(site.source.fetches).toBeGreaterThanOrEqual(4);
  site.deps.store.leases = leases;
  await pass(MINUTE_MS);
});

it('compiles an announcement without a fetch', async () => {
  const site = createSite({ ...FLEET, 'edges/e2.yaml': edge('e2').replace(/ {2}publicKey.*\n/, '') });
  const { loop, outcomes } = await start(site);
  site.source.commit(B);
  await announce(site);
  loop.dirty('announcement');
  await soon();
  expect([site.source.fetches, outcomes.at(-1)?.changed]).toEqual([1, ['o1', 'o2']]);
  expect(Object.keys(await site.hosts())).not.toContain('b.hoge.com');
});

const announce = (site: Site) =>
  site.store.saveEnrolment({
    ...{ node: 'e2', tokenSha256: sha(tokenOf('e2')), generation: 1 },
    enrolment: { wireguardPublicKey: Buffer.alloc(32, 2).toString('base64'), signingKey: 'k', formats: [1] },
  });

it('tries again in ever longer pauses, up to the poll, while git is away, and lets announcements through', async () => {
  const site = createSite({ ...FLEET, 'edges/e2.yaml': edge('e2').replace(/ {2}publicKey.*\n/, '') });
  const { loop, failures } = await start(site);
  site.source.failNext('fetch', DOWN, 1000);
  loop.dirty('push');
  await pass(10 * MINUTE_MS);
  expect(failures.every((error) => error === DOWN)).toBe(true);
  // 1, 2, 4, 8, 16, 32 s, then every minute.
  expect(failures.length).toBeGreaterThan(12);
  expect(failures.length).toBeLessThan(20);
  const { fetches } = site.source;
  await announce(site);
  loop.dirty('announcement');
  await soon();
  // What the push asked for is still due.
  expect(site.source.fetches).toBe(fetches + 1);
  expect(await peersOf(site.store, 'o1')).toEqual(['e1', 'e2']);
});

it('goes on by itself when git comes back', async () => {
  const site = createSite();
  const { failures, outcomes } = await start(site);
  site.source.failNext('fetch', DOWN, 3);
  site.source.commit(B);
  await pass(4 * POLL_MS_MAX);
  expect([failures.length, outcomes.at(-1)?.unfetched]).toEqual([3, undefined]);
  expect(Object.keys(await site.hosts())).toContain('b.hoge.com');
});

it.each([
  ['git is away', POLL_MS, true],
  ['nothing happens', POLL_MS, false],
  ['the poll is longer than a timestamp lives', 3 * HOUR_MS, false],
])('keeps timestamps alive while %s', async (_, pollMs, isDown) => {
  const site = createSite();
  const { reports } = await start(site, pollMs);
  if (isDown) site.source.failNext('fetch', DOWN, 10_000);
  for (let step = 0; step < 20; step += 1) {
    await pass(10 * MINUTE_MS);
    for (const { timestampExpiresMs } of await site.store.nodes())
      expect(timestampExpiresMs).toBeGreaterThan(Date.now());
  }
  const served = new Map(reports.flatMap(({ changed }) => changed).map((node) => [node.node, node]));
  expect([...served.values()]).toEqual(await site.store.nodes());
});

it('keeps out who is revoked while the store fails, and publishes when it works again', async () => {
  const site = createSite();
  const running = await start(site);
  site.source.commit({ 'edges/e2.yaml': edge('e2', { state: 'revoked' }), ...B });
  site.store.failNext('publish', new KokoaError('store_failed', 'the disk is full'), 5);
  running.loop.dirty('push');
  await soon();
  expect([running.failures.length, accessOfToken(running, 'e2')]).toEqual([1, 'revoked']);
  expect(Object.keys(await site.hosts())).not.toContain('b.hoge.com');
  await pass(HOUR_MS);
  expect([running.failures.length, accessOfToken(running, 'e2')]).toEqual([5, 'revoked']);
  expect(Object.keys(await site.hosts('e1'))).toContain('b.hoge.com');
  expect(running.reports.flatMap(({ removed }) => removed)).toEqual(['e2']);
});

it('takes over what another reconciler published, serves it, and goes on from there', async () => {
  const site = createSite();
  const running = await start(site);
  const other = createSite(FLEET, site.store);
  Object.assign(other.deps, { source: site.deps.source, signing: site.signing });
  await other.restart();
  other.clock.ms = Date.now();
  site.source.commit({ 'edges/e2.yaml': edge('e2', { state: 'revoked' }), 'edges/e3.yaml': edge('e3') });
  await other.run();
  site.source.commit(B);
  running.reports.splice(0);
  running.loop.dirty('push');
  await pass(POLL_MS_MAX);
  expect(running.failures).toMatchObject([{ code: 'publish_conflict' }]);
  expect(Object.keys(await site.hosts('e3'))).toContain('b.hoge.com');
  expect(running.reports.flatMap(({ removed }) => removed)).toEqual(['e2']);
  const served = new Map(running.reports.flatMap(({ changed }) => changed).map((node) => [node.node, node]));
  expect([...served.values()].sort((a, b) => (a.node < b.node ? -1 : 1))).toEqual(await site.store.nodes());
  expect([accessOfToken(running, 'e2'), accessOfToken(running, 'e3')]).toEqual(['revoked', 'active']);
});

it('serves what is stored before anything is fetched, and nobody who was revoked', async () => {
  const site = createSite();
  await site.run();
  await site.push({ 'kokoa.yaml': '', 'edges/e2.yaml': edge('e2', { state: 'revoked' }) });
  const fetches = site.source.fetches;
  const { open } = gate(site);
  const running = await start(site);
  expect(site.source.fetches).toBe(fetches);
  expect(running.reports).toHaveLength(1);
  expect(running.reports[0]!.changed.map(({ node }) => node)).toEqual(['e1', 'o1', 'o2']);
  expect([accessOfToken(running, 'e1'), accessOfToken(running, 'e2')]).toEqual(['active', 'revoked']);
  open();
});

it('lets nobody in while the mirror cannot be read, says so, and recovers with the next fetch', async () => {
  const site = createSite();
  await site.run();
  site.source.failNext('changes', new KokoaError('object_missing', 'damaged'));
  const { open } = gate(site);
  const running = await start(site);
  expect(running.failures).toMatchObject([{ code: 'object_missing' }]);
  expect(running.reports[0]!.access.size).toBe(0);
  open();
  await soon();
  expect([running.failures.length, accessOfToken(running, 'e1')]).toEqual([1, 'active']);
});

it('signs everything again after the keys were replaced, also while git is away and data is held', async () => {
  const site = createSite();
  await site.run();
  await site.push({ 'kokoa.yaml': '' });
  const before = await site.store.nodes();
  site.signing.keys = generateOnlineKeys();
  site.source.failNext('fetch', DOWN, 1000);
  const { reports } = await start(site);
  const { targets, snapshot, timestamp } = site.signing.keys;
  const told = reports.flatMap(({ changed }) => changed.map((node) => node.targets.includes(targets.keyId)));
  expect(new Set(told)).toEqual(new Set([true]));
  for (const [at, node] of (await site.store.nodes()).entries()) {
    expect(node.configHash).toBe(before[at]!.configHash);
    for (const [text, { keyId }] of [
      [node.targets, targets],
      [node.snapshot, snapshot],
      [node.timestamp, timestamp],
    ] as const)
      expect(text).toContain(keyId);
  }
});

it('asks for a renewal that fails again and again ever more rarely, whatever runs succeed in between', async () => {
  const site = createSite();
  const running = await start(site);
  site.store.failNext('publish', DOWN, 10_000);
  await pass(HOUR_MS);
  const { length } = running.failures;
  expect(length).toBeGreaterThan(5);
  expect(length).toBeLessThan(100);
});

const NEW_SETTINGS = { 'kokoa.yaml': kokoa().replace('control.hoge', 'other.hoge') };
const toldOf = async ({ store }: Site) =>
  (await store.nodes()).filter(({ config }) => config.includes('other.hoge')).map(({ node }) => node);

/** Both edges are there, and new settings have reached the first wave: the first of them, unless the files say otherwise. */
async function firstWave(files?: Files, wave = ['e1']) {
  const site = createSite(files);
  const running = await start(site);
  site.clock.ms = Date.now();
  await site.hear(['e1', 'e2']);
  site.source.commit(NEW_SETTINGS);
  running.loop.dirty('push');
  await soon();
  expect(await toldOf(site)).toEqual(wave);
  return { site, ...running };
}

it('brings settings to the next wave when the soak ends, without asking git', async () => {
  const { site, loop, outcomes } = await firstWave();
  const runs = outcomes.length;
  loop.reported();
  await soon();
  expect(outcomes.length).toBe(runs);
  await pass(1000);
  site.clock.ms = Date.now();
  await site.hear(['e1']);
  loop.reported();
  await soon();
  expect(outcomes.at(-1)!.rollout?.kind).toBe('soaks');
  const { fetches } = site.source;
  site.source.failNext('fetch', DOWN, 1000);
  await pass(50_000);
  expect(await toldOf(site)).toEqual(['e1']);
  await pass(11_000);
  expect(await toldOf(site)).toEqual(['e1']);
  site.clock.ms = Date.now();
  await site.hear(['e1']);
  loop.reported();
  await soon();
  expect(await toldOf(site)).toEqual(['e1', 'e2', 'o1', 'o2']);
  expect(site.source.fetches - fetches).toBeLessThanOrEqual(9);
});

it('goes on without an edge that has been silent for ten minutes', async () => {
  const canaries = ['e1', 'e2'].map((name) => [`edges/${name}.yaml`, `${edge(name)}canary: true\n`]);
  const { site, loop } = await firstWave({ ...FLEET, ...Object.fromEntries(canaries) }, ['e1', 'e2']);
  await pass(9 * MINUTE_MS);
  site.clock.ms = Date.now();
  await site.hear(['e2']);
  expect(await toldOf(site)).toEqual(['e1', 'e2']);
  await pass(2 * MINUTE_MS + 5000);
  site.clock.ms = Date.now();
  await site.hear(['e2']);
  loop.reported();
  await soon();
  expect(await toldOf(site)).toEqual(['e1', 'e2', 'o1', 'o2']);
});

it('ends a soak after a restart, and does not run in circles when the store is away then', async () => {
  const { site, loop, stop } = await firstWave();
  site.clock.ms = Date.now();
  await site.hear(['e1']);
  loop.reported();
  await soon();
  await stop();
  await pass(2 * MINUTE_MS);
  site.clock.ms = Date.now();
  await site.hear(['e1']);
  site.store.failNext('publish', new KokoaError('store_failed', 'away'), 20);
  const { failures, loop: again } = await start(site);
  await pass(4000);
  expect(failures.length).toBeGreaterThan(1);
  expect(failures.length).toBeLessThan(10);
  await pass(60 * MINUTE_MS);
  site.clock.ms = Date.now();
  await site.hear(['e1']);
  again.reported();
  await soon();
  expect(await toldOf(site)).toEqual(['e1', 'e2', 'o1', 'o2']);
});

it('refuses to start on a store that cannot be read', async () => {
  const site = createSite();
  site.store.failNext('head', new KokoaError('store_failed', 'gone'));
  await expect(start(site)).rejects.toMatchObject({ code: 'store_failed' });
});

it('ends at once when it waits, and after the run under way when it runs', async () => {
  const site = createSite();
  const idle = await start(site);
  await idle.stop();
  const { open } = gate(site);
  const busy = await start(site);
  const ended = vi.fn();
  const stopped = busy.stop().then(ended);
  await pass(POLL_MS);
  expect(ended).not.toHaveBeenCalled();
  open();
  await stopped;
  expect(vi.getTimerCount()).toBe(0);
  expect(await publishedNodes(site.store)).toEqual(['e1', 'e2', 'o1', 'o2']);
});
