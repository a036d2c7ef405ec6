// From the merge until it is live, with a real reconciler and a simulated clock: what is said when, where, and how often.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KokoaError } from '../../bundle/error.ts';
import { ForgeError } from '../ports/forge.ts';
import {
  createSite,
  edge,
  type Files,
  FLEET,
  manyRoutes,
  route,
  type Site,
  START_MS,
  sha,
  tokenOf,
} from '../site.fixture.ts';
import { BEHIND, follow, got, pass, SIMULATED, type Told } from './after-merge.fixture.ts';
import { FOLLOWED_MAX } from './after-merge-followed.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const BLOG: Files = { 'routes/hoge/blog.yaml': route('blog.hoge.com') };
const WIKI: Files = { 'routes/hoge/wiki.yaml': route('wiki.hoge.com') };
const OTHER = 'a commit that changes nothing of the fleet';

let site: Site;
let told: Told;

beforeEach(async () => {
  vi.useFakeTimers({ now: START_MS, toFake: [...SIMULATED] });
  site = createSite();
  await site.run();
  told = await follow(site);
  for (const node of ['e1', 'e2']) await told.report(node);
});
afterEach(async () => {
  await told.stop();
  vi.useRealTimers();
});

it('goes on until every edge answered, and then is silent', async () => {
  const commit = (await told.merge(7, BLOG)).slice(0, 7);
  const ordering = { quarantined: [{ hostname: 'blog.hoge.com', reason: 'being ordered' }] };
  await told.report('e1', ordering);
  expect(told.comment(7)).toContain('waiting for its certificate at `e1`');
  expect(told.story.isFollowed(7)).toBe(true);
  await told.report('e1', got({ 'blog.hoge.com': 200 }));
  expect(told.comment(7)).toContain('200 from `e1`');
  await told.report('e2', got({ 'blog.hoge.com': 200 }));
  expect(told.comment(7)).toContain('- **live** <https://blog.hoge.com>: 200 from `e1`, `e2`');
  expect(told.titles(7)).toEqual([...Array(3).fill('Published: 0 of 1 host live'), 'Live: 1 host added']);
  expect(told.said.statuses.get('kokoa/publish')?.at(-1)).toBe(`${commit} success: published`);
  expect(told.said.statuses.get('kokoa/compile')?.at(-1)).toBe(`${commit} success: 3 hosts`);
  expect(told.said.deployments.get('e2')).toEqual([
    `${commit} in_progress: waiting for the edge`,
    `${commit} success: applied, 1 name live`,
  ]);
  expect([told.seen.following, told.story.isFollowed(7)]).toEqual([0, false]);
  expect(told.seen.live).toHaveLength(1);

  const before = structuredClone(told.said);
  for (let n = 0; n < 5; n += 1) await told.ran();
  await told.report('e1', got({ 'blog.hoge.com': 502 }));
  await pass(2 * HOUR_MS);
  expect(told.said).toEqual(before);
});

it('says of a revert that it is gone', async () => {
  await told.merge(7, BLOG);
  await told.merge(8, { 'routes/hoge/blog.yaml': undefined });
  for (const node of ['e1', 'e2']) await told.report(node);
  expect(told.comment(8)).toContain('- **gone** `https://blog.hoge.com`: gone from `e1`, `e2`');
  expect(told.comment(7)).toContain('a later merge changed it again');
});

it('says nothing on any pull request of what was pushed, and the same of its commit', async () => {
  const commit = (await told.merge(undefined, BLOG)).slice(0, 7);
  for (const node of ['e1', 'e2']) await told.report(node, got({ 'blog.hoge.com': 200 }));
  await pass(MINUTE_MS);
  expect(told.said.comments.size).toBe(0);
  expect(told.said.deployments.get('e1')?.at(-1)).toBe(`${commit} success: applied, 1 name live`);
  expect(told.seen.following).toBe(0);
});

it('asks again whose commit it is, as the forge may know it a little later', async () => {
  const commit = await told.merge(undefined, BLOG);
  await pass(1000);
  told.merges.set(commit, 9);
  await pass(10_000);
  expect(told.titles(9)).toEqual(['Published: 0 of 1 host live']);
});

it('tells several merges of one push apart', async () => {
  for (const [number, files] of [[7, BLOG] as const, [8, WIKI] as const])
    told.merges.set(site.source.commit(files), number);
  await told.ran();
  await pass(1000);
  expect(told.comment(7)).toContain('blog.hoge.com');
  expect(told.comment(7)).not.toContain('wiki.hoge.com');
  expect(told.comment(8)).toContain('wiki.hoge.com');
});

it('takes the commits of one pull request as one merge', async () => {
  for (const files of [BLOG, WIKI, { 'routes/hoge/blog.yaml': route('blog.hoge.com', 'o2') }])
    told.merges.set(site.source.commit(files), 7);
  await told.ran();
  await pass(1000);
  for (const node of ['e1', 'e2']) await told.report(node, got({ 'blog.hoge.com': 200, 'wiki.hoge.com': 302 }));
  expect(told.comment(7)).toMatch(/^### Live: 2 hosts added\n/);
  expect(told.seen.following).toBe(0);
});

it('follows the newest ones of many, and looks at most once a second', async () => {
  for (let n = 0; n < FOLLOWED_MAX + 10; n += 1) await told.merge(100 + n, manyRoutes(n + 1));
  expect(told.seen.following).toBe(FOLLOWED_MAX);
  expect([told.story.isFollowed(109), told.story.isFollowed(110)]).toEqual([false, true]);
  const { looks } = told.seen;
  for (let n = 0; n < 1000; n += 1) {
    told.story.reported();
    told.story.moved();
    await pass(10);
  }
  expect(told.seen.looks - looks).toBeLessThanOrEqual(11);
});

it('takes 20 commits of a push, the newest', async () => {
  for (let n = 0; n < 30; n += 1) told.merges.set(site.source.commit(manyRoutes(n + 1)), 100 + n);
  await told.ran();
  await pass(MINUTE_MS);
  expect([...told.said.comments.keys()].toSorted()).toEqual(Array.from({ length: 20 }, (_, n) => 110 + n));
});

describe('what cannot go on', () => {
  it('is said with place and rule when a file is quarantined', async () => {
    const commit = (await told.merge(7, { 'routes/hoge/bad.yaml': route('bad.hoge.com', 'o9') })).slice(0, 7);
    expect(told.comment(7)).toContain('**left out** `https://bad.hoge.com`: `routes/hoge/bad.yaml:2:9`');
    expect(told.said.statuses.get('kokoa/compile')?.at(-1)).toMatch(`${commit} failure: routes/hoge/bad.yaml:2: `);
  });

  it('is said when it is held back, and goes on when that ends', async () => {
    const bad = (await told.merge(7, { ...BLOG, 'edges/e2.yaml': 'name: [' })).slice(0, 7);
    expect(told.titles(7)).toEqual(['Merged, but held back']);
    expect(told.said.statuses.get('kokoa/publish')?.at(-1)).toMatch(`${bad} failure: held back: edges/e2.yaml:1:`);
    expect(told.said.deployments.size).toBe(0);
    await pass(3 * HOUR_MS);
    expect(told.titles(7)).toHaveLength(1);
    await told.merge(undefined, { 'edges/e2.yaml': edge('e2') });
    for (const node of ['e1', 'e2']) await told.report(node, got({ 'blog.hoge.com': 200 }));
    expect(told.titles(7).at(-1)).toBe('Live: 1 host added, 1 node changed');
  });

  it('is said an hour after it was published, with the edge that did not answer', async () => {
    await told.merge(7, BLOG);
    await told.report('e1', got({ 'blog.hoge.com': 200 }));
    for (let n = 0; n < 61; n += 1) {
      await pass(MINUTE_MS);
      await told.report('e2', BEHIND);
    }
    expect(told.comment(7)).toContain('`e2` did not take it within an hour');
    expect(told.said.deployments.get('e2')?.at(-1)).toContain('failure: ');
    expect([told.seen.following, told.seen.live]).toEqual([0, []]);
  });

  it('is not an edge that falls silent: nobody waits for it', async () => {
    await told.merge(7, BLOG);
    await told.report('e1', got({ 'blog.hoge.com': 200 }));
    await pass(11 * MINUTE_MS);
    expect(told.titles(7).at(-1)).toBe('Live: 1 host added');
    expect(told.comment(7)).toContain('`e2` is away');
  });

  it.each<[string, Files]>([
    ['in git', { 'edges/e2.yaml': edge('e2', { state: 'suspended' }) }],
    ['by an operator here', {}],
  ])('is not an edge that is suspended %s', async (_, files) => {
    const [generation, tokenSha256] = [1, sha(tokenOf('e2'))];
    const local = [{ node: 'e2', state: 'suspended' as const, generation, tokenSha256, sinceMs: START_MS, reason: '' }];
    await told.merge(7, { ...BLOG, ...files });
    if (Object.keys(files).length === 0) site.standing = { ...site.standing, local };
    await told.report('e1', got({ 'blog.hoge.com': 200 }));
    await told.report('e2', BEHIND);
    expect(told.titles(7).at(-1)).toMatch(/^Live: 1 host added/);
  });

  it('is a branch without the merge: that is said, and nothing more', async () => {
    const base = site.standing.commit!;
    await told.merge(7, BLOG);
    site.source.commit(WIKI, base);
    await told.ran();
    expect(told.titles(7).at(-1)).toBe('Merged, and taken back');
    const texts = told.titles(7).length;
    await told.report('e1', got({ 'blog.hoge.com': 200 }));
    expect(told.titles(7)).toHaveLength(texts);
  });
});

it('is for the newest commit when the next one comes before the edges answer', async () => {
  const first = (await told.merge(7, BLOG)).slice(0, 7);
  const second = (await told.merge(8, WIKI)).slice(0, 7);
  expect(told.said.deployments.get('e1')).toEqual([
    `${first} in_progress: waiting for the edge`,
    `${first} inactive: a newer commit took its place`,
    `${second} in_progress: waiting for the edge`,
  ]);
  for (const node of ['e1', 'e2']) await told.report(node, got({ 'blog.hoge.com': 200, 'wiki.hoge.com': 200 }));
  expect([told.titles(7).at(-1), told.titles(8).at(-1)]).toEqual(['Live: 1 host added', 'Live: 1 host added']);
});

it('says that a merge which changes nothing for visitors is published', async () => {
  await told.merge(7, { 'README.md': OTHER });
  expect(told.titles(7)).toEqual(['Live: nothing changes']);
});

it('takes up after a restart what is younger than an hour, once', async () => {
  const numbers = Array.from({ length: 12 }, (_, n) => 100 + n);
  for (const [n, number] of numbers.entries()) told.merges.set(site.source.commit(manyRoutes(n + 1)), number);
  await site.run();
  await told.stop();
  const again = await follow(site, { forge: { mergedBy: async (commit) => told.merges.get(commit) } });
  await pass(10_000);
  expect([...again.said.comments.keys()].toSorted()).toEqual(numbers.slice(2));
  for (const node of ['e1', 'e2']) await again.report(node, { answers: undefined });
  expect(again.seen).toMatchObject({ following: 0, live: [] });
  await again.stop();

  await pass(HOUR_MS);
  const late = await follow(site, { forge: { mergedBy: async (commit) => told.merges.get(commit) } });
  await pass(10_000);
  expect(late.said.comments.size).toBe(0);
  expect(late.said.statuses.get('kokoa/publish')).toHaveLength(1);
  await late.stop();
});

describe('while something is away', () => {
  it('the forge: is asked with growing pauses, not before a limit is over, and the end is said when it is back', async () => {
    await told.stop();
    const asked: number[] = [];
    let isDown = true;
    const mergedBy = async (commit: string) => {
      asked.push(Date.now());
      if (isDown && asked.length === 3) throw new ForgeError('forge_limited', 'limited', { waitMs: 10 * MINUTE_MS });
      if (isDown) throw new ForgeError('forge_down', 'down');
      return told.merges.get(commit);
    };
    const away = await follow(site, { forge: { mergedBy } });
    told.merges.set(site.source.commit(BLOG), 7);
    await away.ran();
    for (const node of ['e1', 'e2']) await away.report(node, got({ 'blog.hoge.com': 200 }));
    await pass(2 * HOUR_MS);
    const pauses = asked.slice(1).map((ms, n) => ms - asked[n]!);
    expect(pauses.slice(0, 6)).toEqual([2000, 4000, 10 * MINUTE_MS, 16_000, 32_000, 64_000]);
    expect(Math.max(...pauses.slice(3))).toBe(5 * MINUTE_MS);
    expect(away.said.deployments.get('e1')?.at(-1)).toContain('success: applied, 1 name live');
    isDown = false;
    await pass(5 * MINUTE_MS);
    expect(away.titles(7)).toEqual(['Live: 1 host added']);
    expect(away.seen.live).toHaveLength(1);
    await away.stop();
  });

  it('the forge, for ever: stopping waits for nothing', async () => {
    await told.stop();
    const hanging = await follow(site, { forge: { mergedBy: () => new Promise(() => undefined) } });
    site.source.commit(BLOG);
    await hanging.ran();
    await expect(hanging.stop()).resolves.toBeUndefined();
  });

  it('git: it is looked at again, and said once that it was', async () => {
    site.source.failNext('firstParents', new KokoaError('git_failed', 'no'), 3);
    await told.merge(7, BLOG);
    await pass(3 * MINUTE_MS);
    expect(told.titles(7)).toEqual(['Published: 0 of 1 host live']);
    expect(told.seen.warnings).toEqual(['merges cannot be followed; tried again']);
  });
});

it('is the first commit of a repository: no merge, and nothing to wait for', async () => {
  const fresh = createSite(FLEET);
  const first = await follow(fresh);
  await first.ran();
  expect([first.seen.following, first.said.deployments.size]).toEqual([0, 0]);
  expect(first.said.statuses.get('kokoa/compile')).toEqual([`${fresh.standing.commit!.slice(0, 7)} success: 2 hosts`]);
  await first.stop();
});
