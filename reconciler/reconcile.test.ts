// What a run publishes, and what it does not: the least that a change needs, all of it or nothing, whatever the order of changes.
import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { signReport } from '../bundle/announcement.ts';
import type { StatusReport } from '../bundle/api.ts';
import type { EdgeConfig } from '../bundle/config.ts';
import { KokoaError } from '../bundle/error.ts';
import { judgeReport } from './core/announcement.ts';
import type { BoundEnrolment } from './ports/store.ts';
import {
  configOf,
  createSite,
  edge,
  type Files,
  FLEET,
  kokoa,
  manyRoutes,
  origin,
  portsOf,
  publishedNodes,
  route,
  sha,
  storedText,
  tokenOf,
} from './site.fixture.ts';

const PROPERTY_RUNS = 40;

it('publishes every node at the first run, under the commit it came from', async () => {
  const site = createSite();
  const { kind, changed, removed } = await site.run();
  expect({ kind, changed, removed }).toEqual({ kind: 'published', changed: ['e1', 'e2', 'o1', 'o2'], removed: [] });
  expect(await site.hosts()).toEqual({ 'app.hoge.com': '10.100.1.1:8080', 'wiki.fuga.com': '10.100.1.2:9000' });
  expect([await portsOf(site.store, 'o1'), await portsOf(site.store, 'o2')]).toEqual([[8080], [9000]]);
  expect(await site.store.head()).toEqual({ sequence: 1, commit: await site.source.fetch() });
});

it.each<[string, Files, string[]]>([
  [
    'a route moves to another port of its origin',
    { 'routes/hoge/app.yaml': route('app.hoge.com', 'o1', 81) },
    ['e1', 'e2', 'o1'],
  ],
  [
    'a route moves to another origin',
    { 'routes/hoge/app.yaml': route('app.hoge.com', 'o2') },
    ['e1', 'e2', 'o1', 'o2'],
  ],
  ['a host is added at a port that is open', { 'routes/hoge/b.yaml': route('b.hoge.com') }, ['e1', 'e2']],
  ['a host is removed', { 'routes/hoge/app.yaml': undefined }, ['e1', 'e2', 'o1']],
  ['an edge joins', { 'edges/e3.yaml': edge('e3') }, ['e3', 'o1', 'o2']],
  ['an origin joins', { 'origins/o3.yaml': origin('o3') }, ['e1', 'e2', 'o3']],
  ['an edge is drained', { 'edges/e2.yaml': edge('e2', { state: 'draining' }) }, []],
])('signs only what changes when %s', async (_, change, expected) => {
  const site = createSite();
  await site.run();
  const before = new Map((await site.store.nodes()).map((node) => [node.node, node]));
  expect((await site.push(change)).changed).toEqual(expected);
  for (const node of await site.store.nodes())
    if (!expected.includes(node.node)) expect(node).toEqual(before.get(node.node));
});

it('tells the whole pool, and nobody else, of another ACME account that an edge signed', async () => {
  const site = createSite();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signingKey = publicKey.export({ format: 'jwk' }).x!;
  // As site.fixture.ts pins it.
  const wireguardPublicKey = createHash('sha256').update('key of e1').digest('base64');
  const slot = { node: 'e1', role: 'edge', generation: 1, tokenSha256: sha(tokenOf('e1')), pins: {} } as const;
  const announced = (letter: string): StatusReport => ({
    ...{ agentVersion: '1.0.0', state: 'applied' },
    enrolment: {
      ...{ wireguardPublicKey, signingKey, formats: [1] },
      ...{ recipient: `age1${'q'.repeat(58)}`, acmeThumbprint: letter.repeat(43) },
    },
  });
  let sequence = 0;
  let bound: BoundEnrolment | undefined;
  const say = async (report: StatusReport) => {
    const judgement = judgeReport(bound, slot, report, sequence - 1);
    bound = judgement.kind === 'older' ? bound : judgement.bound;
    if (bound) await site.store.saveEnrolment(bound);
    const { changed } = await site.run();
    return { kind: judgement.kind, changed };
  };
  const signed = (letter: string) => {
    sequence += 1;
    return signReport(announced(letter), { node: 'e1', sequence, signingKey: privateKey });
  };
  const accounts = async () =>
    Promise.all(
      ['e1', 'e2'].map(async (node) => {
        const { members } = ((await configOf(site.store, node)) as EdgeConfig).edge;
        return members.find((member) => member.node === 'e1')?.acmeThumbprint?.[0];
      }),
    );
  expect(await say(signed('A'))).toMatchObject({ kind: 'bind' });
  expect(await accounts()).toEqual(['A', 'A']);
  expect(await say(announced('E'))).toEqual({ kind: 'refused', changed: [] });
  expect(await say({ ...signed('A'), ...announced('E') })).toEqual({ kind: 'refused', changed: [] });
  expect(await accounts()).toEqual(['A', 'A']);
  expect(await say(signed('E'))).toEqual({ kind: 'update', changed: ['e1', 'e2'] });
  expect(await accounts()).toEqual(['E', 'E']);
  expect(await say(signed('E'))).toMatchObject({ changed: [] });
});

it.each<[string, Files, number]>([
  ['nothing at all', {}, 1],
  ['a comment', { 'routes/hoge/app.yaml': `# a comment\n${route('app.hoge.com')}` }, 1],
  ['a file that is no data', { 'README.md': 'words' }, 1],
])('advances the head alone when a commit changes %s', async (_, change, sequences) => {
  const site = createSite();
  await site.run();
  const nodes = await site.store.nodes();
  const { kind, standing } = await site.push(change);
  expect(kind).toBe('unchanged');
  expect(await site.store.head()).toEqual({ sequence: 1 + sequences, commit: standing.commit });
  expect(await site.store.nodes()).toEqual(nodes);
});

it('writes nothing when there is no new commit', async () => {
  const site = createSite();
  await site.run();
  const text = await storedText(site.store);
  site.store.failNext('publish', new Error('must not be called'));
  expect((await site.run()).kind).toBe('unchanged');
  expect((await site.run(false)).kind).toBe('unchanged');
  expect(await storedText(site.store)).toBe(text);
});

it('reads, compiles and signs what changed, however many routes there are', async () => {
  const site = createSite({ ...FLEET, ...manyRoutes(600) });
  await site.run();
  const before = site.standing;
  const fresh = route('h7.hoge.com', 'o1', 81);
  site.bytes.read = 0;
  await site.push({ 'routes/hoge/h7.yaml': fresh });
  expect(site.bytes.read).toBe(fresh.length);
  const { compiled, newest } = site.standing;
  expect(compiled!.nodes.get('o2')!.config).toBe(before.compiled!.nodes.get('o2')!.config);
  const shared = [...compiled!.blobs.keys()].filter((sha256) => before.compiled!.blobs.has(sha256));
  expect(shared.length).toBe(compiled!.blobs.size - 1);
  expect(newest.fleetFiles).toBe(before.newest.fleetFiles);
  site.bytes.read = 0;
  await site.run();
  expect(site.bytes.read).toBe(0);
  expect(site.standing.compiled!.nodes.get('e1')!.config).toBe(compiled!.nodes.get('e1')!.config);
});

it.each<['fetch' | 'changes' | 'isAncestor', boolean]>([
  ['fetch', true],
  ['changes', false],
  ['isAncestor', false],
])('changes nothing when git fails at %s, and publishes all of it later', async (method, continues) => {
  const site = createSite();
  await site.run();
  const [text, before] = [await storedText(site.store), site.standing];
  site.source.commit({ 'routes/hoge/b.yaml': route('b.hoge.com') });
  site.source.failNext(method, new KokoaError('source_unreachable', 'down'));
  if (continues) expect((await site.run()).unfetched).toMatchObject({ code: 'source_unreachable' });
  else await expect(site.run()).rejects.toMatchObject({ code: 'source_unreachable' });
  expect([await storedText(site.store), site.standing.commit]).toEqual([text, before.commit]);
  await site.run();
  expect(Object.keys(await site.hosts())).toContain('b.hoge.com');
});

it.each(['publish', 'enrolments', 'leases'] as const)(
  'publishes nothing by halves when the store fails at %s',
  async (method) => {
    const site = createSite();
    await site.run();
    const [text, standing] = [await storedText(site.store), site.standing];
    site.source.commit({ 'routes/hoge/b.yaml': route('b.hoge.com'), 'edges/e3.yaml': edge('e3') });
    site.store.failNext(method, new KokoaError('store_failed', 'the disk is full'));
    await expect(site.run()).rejects.toMatchObject({ code: 'store_failed' });
    expect([await storedText(site.store), site.standing]).toEqual([text, standing]);
    await site.run();
    expect(await publishedNodes(site.store)).toContain('e3');
    expect(Object.keys(await site.hosts('e3'))).toContain('b.hoge.com');
  },
);

it('says so when another reconciler published in between, and writes nothing', async () => {
  const site = createSite();
  await site.run();
  const { sequence, commit } = (await site.store.head())!;
  await site.store.publish({ expected: sequence, commit, nodes: [], removed: [], blobs: new Map() });
  const text = await storedText(site.store);
  await expect(site.push({ 'routes/hoge/b.yaml': route('b.hoge.com') })).rejects.toMatchObject({
    code: 'publish_conflict',
  });
  expect(await storedText(site.store)).toBe(text);
  await site.restart();
  await site.run();
  expect(Object.keys(await site.hosts())).toContain('b.hoge.com');
});

it('reads everything again when the commit it compared with was tidied away', async () => {
  const site = createSite();
  await site.run();
  const base = site.standing.commit!;
  const held = site.source.commit({ 'kokoa.yaml': 'broken' });
  expect((await site.run()).kind).toBe('held');
  site.source.commit({ 'routes/hoge/b.yaml': route('b.hoge.com') }, base);
  site.source.prune(held);
  expect((await site.run()).kind).toBe('published');
  expect(Object.keys(await site.hosts())).toEqual(['app.hoge.com', 'b.hoge.com', 'wiki.fuga.com']);
});

it('ends in the same bytes however a set of changes is split into commits', async () => {
  const goal: Files = {
    'routes/hoge/app.yaml': route('moved.hoge.com', 'o3', 81),
    'routes/hoge/b.yaml': route('app.hoge.com', 'o1', 82),
    'routes/fuga/wiki.yaml': undefined,
    'routes/fuga/c.yaml': route('c.fuga.com', 'o3'),
    'routes/fuga/d.yaml': route('wiki.fuga.com', 'o2', 83),
    'routes/fuga/e.yaml': route('x.new.com', 'o2'),
    'origins/o3.yaml': origin('o3', { teams: ['hoge', 'fuga'] }),
    'edges/e2.yaml': edge('e2', { state: 'draining' }),
    'edges/e3.yaml': edge('e3', { token: 'another' }),
    'kokoa.yaml': kokoa().replace("- '*.fuga.com'", "- '*.fuga.com'\n      - '*.new.com'"),
  };
  const configs = async (site: ReturnType<typeof createSite>) =>
    (await site.store.nodes()).map(({ node, config }) => ({ node, config }));
  const straight = createSite();
  await straight.run();
  expect((await straight.push(goal)).standing.quarantined.size).toBe(0);
  const expected = await configs(straight);
  const paths = Object.keys(goal);
  const splits = fc.record({
    order: fc.shuffledSubarray(paths, { minLength: paths.length, maxLength: paths.length }),
    ends: fc.array(fc.boolean(), { minLength: paths.length, maxLength: paths.length }),
    seen: fc.array(fc.boolean(), { minLength: paths.length, maxLength: paths.length }),
    restarts: fc.array(fc.boolean(), { minLength: paths.length, maxLength: paths.length }),
  });
  await fc.assert(
    fc.asyncProperty(splits, async ({ order, ends, seen, restarts }) => {
      const site = createSite();
      await site.run();
      let change: Files = {};
      for (const [at, path] of order.entries()) {
        change[path] = goal[path];
        if (!ends[at]) continue;
        site.source.commit(change);
        change = {};
        if (seen[at]) await site.run();
        if (restarts[at]) await site.restart();
      }
      await site.push(change);
      expect(site.standing.hold).toBeUndefined();
      expect([...site.standing.quarantined.keys()]).toEqual([]);
      expect(await configs(site)).toEqual(expected);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
