// Every published document verifies as an agent would verify it, versions never go back under the same keys, and what nears its end
// or was signed by other keys is signed again.
import { expect, it } from 'vitest';
import { type Installation, installation } from '../bundle/installation.fixture.ts';
import { isRefusal } from '../bundle/refusal.ts';
import { verifyFiles } from '../bundle/verify.ts';
import type { PublishedNode } from './ports/store.ts';
import { type Renewed, renew } from './publish.ts';
import { createSite, edge, publishedNodes, route, type Site, storedText } from './site.fixture.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const FAR_FUTURE = Number.MAX_SAFE_INTEGER - 1;

async function published(): Promise<{ site: Site; made: Installation }> {
  const [site, made] = [createSite(), installation()];
  site.signing.keys = made.keys;
  await site.run();
  return { site, made };
}

/** What an agent that pins the first root makes of every node's documents: name → commit, or the refusal's code. */
async function verdicts({ store }: Site, { roots, fingerprint }: Installation): Promise<Record<string, string>> {
  const verdict: Record<string, string> = {};
  for (const node of await store.nodes()) {
    const files = { roots: new Map(roots.map((text, index) => [index + 1, text])), ...node };
    const verified = await verifyFiles(files, { node: node.node, fingerprint, roots: [] });
    verdict[node.node] = isRefusal(verified) ? verified.code : `${verified.commit}`;
  }
  return verdict;
}

async function renewed(site: Site) {
  const { standing, store, deps } = site;
  const result = await renew({ ...standing, head: standing.head! }, store, site.signing, deps.now());
  if (result && result !== 'conflict') site.standing = { ...standing, head: result.head, nodes: result.nodes };
  return result && (result === 'conflict' ? result : result.changed);
}

async function nodesOf({ store }: Site): Promise<Map<string, PublishedNode>> {
  return new Map((await store.nodes()).map((node) => [node.node, node]));
}

const ALL = ['e1', 'e2', 'o1', 'o2'];
const all = <T>(value: T) => Object.fromEntries(ALL.map((node) => [node, value]));

it('publishes documents that verify from the pinned root down, and name their commit', async () => {
  const { site, made } = await published();
  expect(await verdicts(site, made)).toEqual(all(site.standing.commit));
});

it.each<[string, number, string[] | undefined, { timestamp: boolean; targets: boolean }]>([
  ['nothing before half the life of a timestamp', 29 * MINUTE_MS, undefined, { timestamp: false, targets: false }],
  ['timestamps alone after it', 31 * MINUTE_MS, ALL, { timestamp: true, targets: false }],
  ['timestamps alone also long after they expired', 14 * DAY_MS, ALL, { timestamp: true, targets: false }],
  ['everything at half the life of the others', 16 * DAY_MS, ALL, { timestamp: true, targets: true }],
])('renews %s', async (_, passedMs, expected, differs) => {
  const { site, made } = await published();
  const before = await nodesOf(site);
  site.clock.ms += passedMs;
  expect(await renewed(site)).toEqual(expected);
  for (const [name, node] of await nodesOf(site)) {
    const old = before.get(name)!;
    expect(node.timestamp !== old.timestamp).toBe(differs.timestamp);
    expect([node.targets !== old.targets, node.snapshot !== old.snapshot]).toEqual([differs.targets, differs.targets]);
    expect([node.configHash, node.config]).toEqual([old.configHash, old.config]);
    expect(node.timestampVersion > old.timestampVersion).toBe(differs.timestamp);
  }
  expect(await verdicts(site, made)).toEqual(all(site.standing.commit));
  expect(await renewed(site)).toBeUndefined();
});

it('counts on when the clock goes back', async () => {
  const { site, made } = await published();
  for (const back of [DAY_MS, 2 * DAY_MS, 0]) {
    const before = await nodesOf(site);
    site.clock.ms -= back;
    await site.push({ 'routes/hoge/app.yaml': route('app.hoge.com', 'o1', 81 + (back % 7)) });
    for (const node of ['e1', 'o1'])
      expect((await nodesOf(site)).get(node)!.version).toBeGreaterThanOrEqual(before.get(node)!.version);
  }
  expect(Object.keys(await verdicts(site, made))).toEqual(ALL);
});

it('signs everything again under replaced keys, and leaves a far-future version of a thief behind', async () => {
  const { site, made } = await published();
  // The thief had the keys and the store: one node is at the last version that can be counted.
  const thief = site.standing.nodes.get('e2')!;
  const planted = { ...thief, timestampVersion: FAR_FUTURE };
  const { sequence, commit } = site.standing.head!;
  await site.store.publish({ expected: sequence, commit, nodes: [planted], removed: [], blobs: new Map() });
  made.rotate();
  site.signing.keys = made.keys;
  await site.restart();
  // e1 and o1 are signed because they change, e2 too; o2 because the keys did.
  await site.push({ 'routes/hoge/app.yaml': route('app.hoge.com', 'o1', 81) });
  expect(await renewed(site)).toEqual(['o2']);
  const now = await nodesOf(site);
  for (const { version, timestampVersion } of now.values())
    expect([version, timestampVersion]).toEqual([site.clock.ms, site.clock.ms]);
  expect(await verdicts(site, made)).toEqual(all(site.standing.commit));
  site.clock.ms += 31 * MINUTE_MS;
  expect(await renewed(site)).toEqual(ALL);
});

it('goes on counting when only some keys are replaced, because agents then do', async () => {
  const { site, made } = await published();
  const before = await nodesOf(site);
  site.clock.ms -= DAY_MS;
  made.rotate(['timestamp']);
  site.signing.keys = made.keys;
  expect(await renewed(site)).toEqual(ALL);
  for (const [name, { version }] of await nodesOf(site)) expect(version).toBe(before.get(name)!.timestampVersion + 1);
  expect(await verdicts(site, made)).toEqual(all(site.standing.commit));
});

it('never signs a config that was not compiled here', async () => {
  const { site } = await published();
  const node = site.standing.nodes.get('e1')!;
  const planted = { ...node, config: node.config.replace('10.100.1.1', '10.100.9.9'), configHash: 'f'.repeat(64) };
  site.standing = { ...site.standing, nodes: new Map([['e1', planted]]) };
  site.clock.ms += 16 * DAY_MS;
  expect(await renewed(site)).toBeUndefined();
  // The next run puts the right one in its place.
  await site.run();
  expect((await nodesOf(site)).get('e1')!.config).toBe(node.config);
});

it('renews every other node when the documents or the version of one are of no use, and says why', async () => {
  const { site } = await published();
  const { e1, e2, ...rest } = Object.fromEntries(site.standing.nodes);
  const broken = { ...e1!, snapshot: e1!.snapshot.slice(0, 100) };
  const last = { ...e2!, timestampVersion: Number.MAX_SAFE_INTEGER };
  site.clock.ms += 31 * MINUTE_MS;
  const { deps, store, signing } = site;
  const before = { ...site.standing, head: site.standing.head! };
  const nodes = new Map(Object.entries({ e1: broken, e2: last, ...rest }));
  const result = await renew({ ...before, nodes }, store, signing, deps.now());
  expect(result).toMatchObject({ changed: ['o1', 'o2'] });
  const failed = (result as Renewed).failed.map(String);
  expect(failed).toEqual([expect.stringContaining('JSON'), expect.stringContaining('no version follows')]);
  const none = new Map(Object.entries({ e2: last }));
  await expect(renew({ ...before, nodes: none }, store, signing, deps.now())).rejects.toMatchObject({
    code: 'version_exhausted',
  });
});

it.each(['timestamp', 'snapshot', 'targets', 'config'] as const)(
  'signs a node anew whose %s was damaged in the store, above what it knows, and nobody else',
  async (document) => {
    const { site, made } = await published();
    const { timestampVersion, [document]: text } = site.standing.nodes.get('e1')!;
    site.store.damageNode('e1', { [document]: text.slice(0, 20) });
    const others = (await nodesOf(site)).get('o1')!;
    // The version is ahead of the clock: only the row knows it.
    site.clock.ms -= DAY_MS;
    await site.restart();
    expect([...site.standing.nodes.keys()]).toEqual(['e2', 'o1', 'o2']);
    expect(await site.run()).toMatchObject({ kind: 'published', changed: ['e1'], removed: [] });
    expect((await nodesOf(site)).get('e1')!.version).toBe(timestampVersion + 1);
    expect((await nodesOf(site)).get('o1')).toEqual(others);
    expect(await verdicts(site, made)).toEqual(all(site.standing.commit));
    expect([site.standing.damaged.size, (await site.run()).kind]).toEqual([0, 'unchanged']);
  },
);

it('forgets a damaged node that is no longer served', async () => {
  const { site } = await published();
  site.store.damageNode('e2', { config: '' });
  await site.restart();
  expect(await site.push({ 'edges/e2.yaml': edge('e2', { state: 'revoked' }) })).toMatchObject({ removed: ['e2'] });
  expect([await site.store.damagedNodes(), site.standing.damaged.size]).toEqual([[], 0]);
});

it('renews nothing by halves: not when the store fails, not when somebody else published', async () => {
  const { site } = await published();
  site.clock.ms += 31 * MINUTE_MS;
  const text = await storedText(site.store);
  site.store.failNext('publish', new Error('disk full'));
  await expect(renewed(site)).rejects.toThrow('disk full');
  expect(await storedText(site.store)).toBe(text);
  const { sequence, commit } = site.standing.head!;
  await site.store.publish({ expected: sequence, commit, nodes: [], removed: ['o2'], blobs: new Map() });
  expect(await renewed(site)).toBe('conflict');
  expect(await publishedNodes(site.store)).toEqual(['e1', 'e2', 'o1']);
});
