// What an operator takes from a node beside the loop, in simulated time: noticed while anything hangs or fails, and free while nothing changes.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KokoaError } from '../bundle/error.ts';
import { createLoop, type Loop, type LoopReport } from './loop.ts';
import type { LocalRestriction } from './ports/restrictions.ts';
import type { Outcome } from './reconcile.ts';
import {
  createSite,
  edge,
  type Files,
  FLEET,
  manyRoutes,
  peersOf,
  publishedNodes,
  route,
  type Site,
  START_MS,
  sha,
  tokenOf,
} from './site.fixture.ts';

const DOWN = new KokoaError('source_unreachable', 'down');
const SECOND_MS = 1000;
const POLL_MS = 60 * SECOND_MS;
const B = { 'routes/hoge/b.yaml': route('b.hoge.com') };

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
});
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

interface Running {
  loop: Loop;
  reports: LoopReport[];
  outcomes: Outcome[];
  failures: unknown[];
}

async function start(site: Site): Promise<Running> {
  const [reports, outcomes, failures] = [[] as LoopReport[], [] as Outcome[], [] as unknown[]];
  const loop = createLoop({
    ...site.deps,
    ...{ now: () => new Date(), pollMs: POLL_MS },
    serve: (report) => void reports.push(report),
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
  await pass(1);
  return { loop, reports, outcomes, failures };
}

const restriction = (state: LocalRestriction['state'], node = 'e2'): LocalRestriction => ({
  ...{ node, state, reason: '', sinceMs: START_MS, generation: 1, tokenSha256: sha(tokenOf(node)) },
});
const take = ({ store }: Site, state: LocalRestriction['state']) => store.putRestriction(restriction(state));
const stateOf = ({ reports }: Running, name: string) => reports.at(-1)!.access.get(sha(tokenOf(name)))?.state;

it('makes no run, and tells nobody anything, while nothing changes', async () => {
  const site = createSite();
  await take(site, 'suspended');
  const { reports, outcomes } = await start(site);
  const before = [reports.length, outcomes.length, site.source.fetches];
  await pass(POLL_MS / 2);
  expect([reports.length, outcomes.length, site.source.fetches]).toEqual(before);
});

it.each<[LocalRestriction['state'], string[]]>([
  ['suspended', ['e1', 'e2']],
  ['revoked', ['e1']],
])('takes in within a second, and without a fetch, that a node is %s', async (state, peers) => {
  const site = createSite();
  const running = await start(site);
  const { fetches } = site.source;
  site.source.commit(B);
  await take(site, state);
  await pass(SECOND_MS);
  expect([stateOf(running, 'e1'), stateOf(running, 'e2')]).toEqual(['active', state]);
  expect([site.source.fetches, await peersOf(site.store, 'o1')]).toEqual([fetches, peers]);
  // A commit changes nothing of it, and takes nothing else along.
  running.loop.dirty('push');
  await pass(1);
  expect(Object.keys(await site.hosts())).toContain('b.hoge.com');
  expect([stateOf(running, 'e2'), await peersOf(site.store, 'o1')]).toEqual([state, peers]);
  await site.store.dropRestriction('e2', state);
  await pass(SECOND_MS);
  expect([stateOf(running, 'e2'), await peersOf(site.store, 'o1')]).toEqual(['active', ['e1', 'e2']]);
});

it('keeps a node out that is revoked while a fetch hangs, and still when that run ends', async () => {
  const site = createSite();
  const running = await start(site);
  const { fetch } = site.deps.source;
  let go = () => {};
  site.deps.source.fetch = async () => {
    await new Promise<void>((resolve) => {
      go = resolve;
    });
    return fetch();
  };
  site.source.commit(B);
  running.loop.dirty('push');
  await pass(10 * SECOND_MS);
  await take(site, 'revoked');
  await pass(SECOND_MS);
  expect(stateOf(running, 'e2')).toBe('revoked');
  const told = running.reports.length;
  go();
  await pass(1);
  expect(running.reports.slice(told).map(({ access }) => access.get(sha(tokenOf('e2')))?.state)).not.toContain(
    'active',
  );
  expect(await publishedNodes(site.store)).toEqual(['e1', 'o1', 'o2']);
});

it('lets nobody in again by a run that had read what was restricted before', async () => {
  const site = createSite();
  const running = await start(site);
  const { publish } = site.deps.store;
  let go = () => {};
  site.deps.store.publish = async (publication) => {
    await new Promise<void>((resolve) => {
      go = resolve;
    });
    return publish(publication);
  };
  site.source.commit(B);
  running.loop.dirty('push');
  await pass(SECOND_MS);
  await take(site, 'revoked');
  await pass(SECOND_MS);
  expect(stateOf(running, 'e2')).toBe('revoked');
  const told = running.reports.length;
  site.deps.store.publish = publish;
  go();
  await pass(1);
  const states = running.reports.slice(told).map(({ access }) => access.get(sha(tokenOf('e2')))?.state);
  expect([states.length > 0, new Set(states)]).toEqual([true, new Set(['revoked'])]);
  expect(await publishedNodes(site.store)).toEqual(['e1', 'o1', 'o2']);
});

it('says nothing better of git because of a run that did not ask it, and goes on trying', async () => {
  const site = createSite();
  const { outcomes } = await start(site);
  site.source.failNext('fetch', DOWN, 1000);
  await pass(2 * POLL_MS);
  const { fetches } = site.source;
  await take(site, 'revoked');
  await pass(SECOND_MS);
  expect(await publishedNodes(site.store)).toEqual(['e1', 'o1', 'o2']);
  expect(outcomes.slice(-2).map(({ unfetched }) => unfetched)).toEqual([DOWN, DOWN]);
  expect(site.source.fetches).toBe(fetches + 1);
  await pass(10 * POLL_MS);
  expect(site.source.fetches).toBeGreaterThan(fetches + 8);
});

it('keeps what is restricted while the store fails, and takes in what it missed', async () => {
  const site = createSite();
  await take(site, 'suspended');
  const running = await start(site);
  site.store.failNext('restrictions', new KokoaError('store_failed', 'gone'), 4);
  await pass(2 * SECOND_MS);
  expect([stateOf(running, 'e2'), running.failures]).toEqual(['suspended', []]);
  await take(site, 'revoked');
  await pass(SECOND_MS);
  expect(stateOf(running, 'e2')).toBe('revoked');
});

const MANY = manyRoutes(12);
const gone = (files: Files): Files => Object.fromEntries(Object.keys(files).map((path) => [path, undefined]));

it.each<[string, Files]>([
  ['invalid', { 'kokoa.yaml': 'acme: [' }],
  ['guard', gone(MANY)],
])('is taken and given back while the newest commit is held: %s', async (reason, change) => {
  const site = createSite({ ...FLEET, ...MANY });
  await site.run();
  await take(site, 'suspended');
  const { standing } = await site.push(change);
  expect(standing.hold?.reason).toBe(reason);
  const { plan } = standing.hold!.refused ?? {};
  await take(site, 'revoked');
  expect((await site.run(false)).removed).toEqual(['e2']);
  // It is no part of what is refused: the override that was printed stays good.
  expect(site.standing.hold!.refused?.plan).toBe(plan);
  expect(Object.keys(await site.hosts('e1'))).toHaveLength(14);
  await site.store.dropRestriction('e2', 'revoked');
  await site.store.dropRestriction('e2', 'suspended');
  expect((await site.run(false)).changed).toContain('e2');
  expect(site.standing.hold?.reason).toBe(reason);
  expect(await peersOf(site.store, 'o1')).toEqual(['e1', 'e2']);
});

it('leaves a node file that is revoked here alone may go: nothing serves under it', async () => {
  const site = createSite();
  await site.run();
  await take(site, 'revoked');
  await site.run(false);
  expect(await site.push({ 'edges/e2.yaml': undefined })).toMatchObject({
    kind: 'unchanged',
    standing: { hold: undefined },
  });
});

it('leaves in the store which slots there are, and forgets none while the mirror is lost', async () => {
  const site = createSite();
  const { loop } = await start(site);
  const slot = (node: string, role: string) => ({
    node,
    role,
    state: 'active',
    generation: 1,
    tokenSha256: sha(tokenOf(node)),
  });
  const all = [slot('e1', 'edge'), slot('e2', 'edge'), slot('o1', 'origin'), slot('o2', 'origin')];
  expect(await site.store.slots()).toEqual(all);
  site.source.commit({ 'edges/e2.yaml': edge('e2', { state: 'suspended' }) });
  loop.dirty('push');
  await pass(1);
  expect((await site.store.slots())[1]).toEqual({ ...slot('e2', 'edge'), state: 'suspended' });
  for (const stop of stops.splice(0)) await stop();
  site.deps.source.newestKnown = async () => undefined;
  site.source.failNext('fetch', DOWN, 1000);
  await start(site);
  expect(await site.store.slots()).toHaveLength(4);
});

it('leaves the token there that is let in, also when the run that learned it fails', async () => {
  const site = createSite();
  const { loop, failures } = await start(site);
  site.store.failNext('publish', new KokoaError('store_failed', 'the disk is full'), 1000);
  site.source.commit({ ...B, 'edges/e2.yaml': edge('e2', { token: 'another', generation: 2 }) });
  loop.dirty('push');
  await pass(1);
  expect(failures.length).toBeGreaterThan(0);
  // What is revoked now has to be this one: a revocation of the older one would be over already.
  expect((await site.store.slots())[1]).toMatchObject({ node: 'e2', generation: 2, tokenSha256: sha('another') });
});
