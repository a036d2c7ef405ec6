// History that goes wrong, in a real repository under the whole reconciler: what is live stays until git says something that continues it, and
// a webhook that is lost, late, doubled or out of order changes nothing but when it is seen.
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { generateOnlineKeys } from '../bundle/keys.ts';
import { createMemoryStore } from '../test/fakes/memory-store.ts';
import { openGitSource } from './adapters/git.ts';
import { NOTHING_SEALED } from './core/sealed.ts';
import { renew } from './publish.ts';
import { type Outcome, type Reconciler, reconcile } from './reconcile.ts';
import { announcePush, configOver, createRunningSite, type RunningSite } from './running-site.fixture.ts';
import { publishedHosts, route, START_MS } from './site.fixture.ts';
import { NOTHING_YET, type Standing } from './standing.ts';
import type { RunningReconciler } from './wiring.ts';

const SOON = { timeout: 20_000, interval: 20 };
const MINUTE_MS = 60_000;
const NO_COMMIT = '0'.repeat(40);
const APP = ['app.hoge.com', 'wiki.fuga.com'];
const adding = (name: string) => ({ [`routes/hoge/${name}.yaml`]: route(`${name}.hoge.com`) });

let site: RunningSite;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  site = await createRunningSite();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await site.end();
});

const head = () => site.git('rev-parse', 'HEAD');
const hosts = async (one: RunningReconciler) => Object.keys(await configOver(one, site.tokens.e1.token)).sort();
const live = (one: RunningReconciler, ...expected: string[]) =>
  expect.poll(() => hosts(one), SOON).toEqual([...APP, ...expected.map((name) => `${name}.hoge.com`)].sort());
const said = (text: string) => expect.poll(() => site.lines.join(''), SOON).toContain(text);

/** Started, with routes a and b live, of which b came last. */
async function started(): Promise<RunningReconciler> {
  const one = await site.start();
  await live(one);
  for (const name of ['a', 'b']) await announcePush(one, await site.commit(adding(name)));
  await live(one, 'a', 'b');
  return one;
}

it.each<[string, () => Promise<unknown>]>([
  ['a force push', () => site.git('reset', '--quiet', '--hard', 'HEAD~1')],
  ['an unrelated root', () => site.git('checkout', '--quiet', '--orphan', 'other')],
])('holds what %s brings, and goes on when the history comes back', async (_, rewrite) => {
  const one = await started();
  const published = await head();
  await rewrite();
  await site.commit(adding('c'));
  await site.git('branch', '--quiet', '-f', 'kept', published);
  await site.git('checkout', '--quiet', '-B', 'main');
  await announcePush(one, await head());
  await said('why=history_rewritten');
  await live(one, 'a', 'b');
  await site.git('checkout', '--quiet', '-f', '-B', 'main', 'kept');
  await announcePush(one, await site.commit(adding('d')));
  await said('nothing is held back any more');
  await live(one, 'a', 'b', 'd');
});

it('serves on while the branch is gone, and follows it when it returns', async () => {
  const one = await started();
  await site.git('checkout', '--quiet', '--detach');
  await site.git('branch', '--quiet', '-D', 'main');
  // A deletion is no reason to look; the next look finds nothing.
  expect(await announcePush(one, NO_COMMIT)).toBeLessThan(300);
  expect(await announcePush(one, 'a'.repeat(40))).toBeLessThan(300);
  await said('code=branch_missing');
  await live(one, 'a', 'b');
  await site.git('checkout', '--quiet', '-b', 'main');
  await announcePush(one, await site.commit(adding('c')));
  await live(one, 'a', 'b', 'c');
  await said('runs succeed again');
});

it('finds by polling what a lost webhook did not announce', async () => {
  const one = await site.start({ pollMs: 300 });
  await live(one);
  await site.commit(adding('a'));
  await live(one, 'a');
});

it('comes to the newest commit by webhooks that are late, doubled, out of order or delivered again', async () => {
  const one = await site.start();
  await live(one);
  const [first, second] = [await site.commit(adding('a')), await site.commit(adding('b'))];
  // The later one first, and the earlier one twice.
  for (const [after, id] of [
    [second, '2'],
    [first, '1'],
    [first, '1'],
    [NO_COMMIT, '3'],
  ] as const)
    expect(await announcePush(one, after, id)).toBeLessThan(300);
  await live(one, 'a', 'b');
  const third = await site.commit(adding('c'));
  // Its own delivery was lost; somebody delivers an old one again, under the id that was seen.
  expect(await announcePush(one, first, '1')).toBeLessThan(300);
  await live(one, 'a', 'b', 'c');
  expect(await announcePush(one, third, '4')).toBeLessThan(300);
  await live(one, 'a', 'b', 'c');
});

interface RealRun {
  deps: Reconciler;
  clock: { ms: number };
  standing: Standing;
  run(): Promise<Outcome>;
}

/** The shell over the real repository, run by hand and by a clock that is set by hand. */
async function realRun(): Promise<RealRun> {
  const source = await openGitSource({ url: site.repository, branch: 'main', mirrorDir: join(site.top, 'mirror') });
  closing.push(() => source.close());
  const clock = { ms: START_MS };
  const real: RealRun = {
    deps: {
      ...{ source, store: createMemoryStore(), signing: { keys: generateOnlineKeys() } },
      secrets: { prepare: async () => ({ ...NOTHING_SEALED, complete: true }) },
      heard: { report: () => undefined, lastSeenMs: () => undefined },
      now: () => new Date(clock.ms),
      timed: () => undefined,
    },
    clock,
    standing: NOTHING_YET,
    async run() {
      clock.ms += 1000;
      const outcome = await reconcile(real.standing, real.deps);
      real.standing = outcome.standing;
      return outcome;
    },
  };
  return real;
}

it('renews every timestamp while the repository is gone for an hour, and publishes with the first look after it', async () => {
  const real = await realRun();
  const { store, signing } = real.deps;
  await real.run();
  await rename(site.repository, `${site.repository}-gone`);
  for (let minute = 0; minute < 60; minute += 5) {
    real.clock.ms += 5 * MINUTE_MS;
    expect((await real.run()).unfetched).toMatchObject({ code: 'source_unreachable' });
    const renewed = await renew(
      { ...real.standing, head: real.standing.head! },
      store,
      signing,
      new Date(real.clock.ms),
    );
    if (renewed === 'conflict') throw new Error('nobody else publishes');
    if (renewed) real.standing = { ...real.standing, head: renewed.head, nodes: renewed.nodes };
    const nodes = await store.nodes();
    expect(nodes).toHaveLength(4);
    for (const { timestampExpiresMs } of nodes)
      expect(timestampExpiresMs).toBeGreaterThan(real.clock.ms + 5 * MINUTE_MS);
  }
  await rename(`${site.repository}-gone`, site.repository);
  await site.commit(adding('a'));
  expect(await real.run()).toMatchObject({ kind: 'published', unfetched: undefined });
  expect(Object.keys(await publishedHosts(store, 'e1'))).toContain('a.hoge.com');
});

it('leaves to the next run what is merged while it publishes, and loses nothing', async () => {
  const real = await realRun();
  const { store } = real.deps;
  await real.run();
  const { publish } = store;
  const a = await site.commit(adding('a'));
  store.publish = async (publication) => {
    await site.commit(adding('b'));
    return publish(publication);
  };
  expect((await real.run()).standing.head!.commit).toBe(a);
  expect(Object.keys(await publishedHosts(store, 'e1'))).not.toContain('b.hoge.com');
  store.publish = publish;
  expect((await real.run()).standing.head!.commit).toBe(await head());
  expect(Object.keys(await publishedHosts(store, 'e1'))).toEqual(expect.arrayContaining(['a.hoge.com', 'b.hoge.com']));
});

it('a revert of a merge brings back every config exactly, under later versions', async () => {
  const real = await realRun();
  const { store } = real.deps;
  await real.run();
  const before = await store.nodes();
  await site.git('checkout', '--quiet', '-b', 'topic');
  await site.commit(adding('a'));
  await site.commit({
    ...adding('b'),
    'routes/hoge/app.yaml': route('app.hoge.com', 'o2', 9090),
    'edges/e2.yaml': undefined,
  });
  await site.git('checkout', '--quiet', 'main');
  await site.git('merge', '--quiet', '--no-ff', '-m', 'merge', 'topic');
  // e2 went without being drained: held. So it is put back, and only the routes go live.
  expect(await real.run()).toMatchObject({ kind: 'held' });
  await site.git('checkout', '--quiet', 'HEAD~1', '--', 'edges/e2.yaml');
  expect(await real.run()).toMatchObject({ kind: 'held' });
  const put = await site.commit({});
  expect(await real.run()).toMatchObject({ kind: 'published', standing: { head: { commit: put } } });
  const changed = await store.nodes();
  expect(changed.map(({ configHash }) => configHash)).not.toEqual(before.map(({ configHash }) => configHash));
  await site.git('revert', '--no-edit', put);
  await site.git('revert', '--no-edit', '-m', '1', `${put}~1`);
  expect(await real.run()).toMatchObject({ kind: 'published', standing: { hold: undefined } });
  const after = await store.nodes();
  expect(after.map(({ node, configHash }) => [node, configHash])).toEqual(
    before.map(({ node, configHash }) => [node, configHash]),
  );
  for (const [at, { version }] of after.entries()) expect(version).toBeGreaterThanOrEqual(changed[at]!.version);
});
