// After a restart everything is as it was, without network; and nobody comes in whom the newest known commit keeps out.
import { expect, it } from 'vitest';
import { KokoaError } from '../bundle/error.ts';
import {
  createSite,
  edge,
  type Files,
  FLEET,
  kokoa,
  manyRoutes,
  peersOf,
  publishedNodes,
  route,
  type Site,
  sha,
  stateOfToken,
  storedText,
  tokenOf,
} from './site.fixture.ts';

const DOWN = new KokoaError('source_unreachable', 'down');
const MANY = manyRoutes(12);
const gone = (files: Files): Files => Object.fromEntries(Object.keys(files).map((path) => [path, undefined]));
const revoked = { 'edges/e2.yaml': edge('e2', { state: 'revoked' }) };
const stateOf = (site: Site, name: string) => stateOfToken(site.standing, tokenOf(name));

it.each<[string, Files]>([
  ['plain data', {}],
  ['a broken route', { 'routes/hoge/app.yaml': 'port: [' }],
  ['a claimed host', { 'routes/fuga/app.yaml': route('app.hoge.com') }],
  ['a suspended edge', { 'edges/e2.yaml': edge('e2', { state: 'suspended' }) }],
  ['invalid data', { 'kokoa.yaml': '', ...revoked }],
  ['a refused plan', { ...gone(MANY), ...revoked }],
])('finds again what was live under %s, and publishes nothing for it', async (_, change) => {
  const site = createSite({ ...FLEET, ...MANY });
  await site.run();
  await site.push(change);
  const [text, before, fetches] = [await storedText(site.store), site.standing, site.source.fetches];
  await site.restart();
  expect(site.source.fetches).toBe(fetches);
  for (const name of ['e1', 'e2', 'o1']) expect(stateOf(site, name)).toBe(stateOfToken(before, tokenOf(name)));
  expect([...site.standing.compiled!.nodes.keys()]).toEqual([...before.compiled!.nodes.keys()]);
  expect([...site.standing.quarantined.keys()]).toEqual([...before.quarantined.keys()]);
  const { kind, standing } = await site.run();
  expect([kind, standing.hold?.reason]).toEqual([before.hold ? 'held' : 'unchanged', before.hold?.reason]);
  expect(await storedText(site.store)).toBe(text);
});

it.each<[string, Files]>([
  ['in a commit that is held for invalid data', { 'kokoa.yaml': '', ...revoked }],
  ['in a commit that is held by a guard', { ...gone(MANY), ...revoked }],
  ['in a commit that is published', revoked],
])('does not let a node in again that was revoked %s, while git is away', async (_, change) => {
  const site = createSite({ ...FLEET, ...MANY });
  await site.run();
  await site.push(change);
  site.source.failNext('fetch', DOWN, 2);
  await site.restart();
  expect(stateOf(site, 'e2')).toBe('revoked');
  expect(stateOf(site, 'e1')).toBe('active');
  expect((await site.run()).unfetched).toBe(DOWN);
  expect(stateOf(site, 'e2')).toBe('revoked');
  expect(await publishedNodes(site.store)).not.toContain('e2');
});

it('carries out, while git is away, what was fetched before the process died', async () => {
  const site = createSite();
  await site.run();
  site.source.commit({ ...revoked, 'routes/hoge/b.yaml': route('b.hoge.com') });
  await site.source.fetch();
  site.source.failNext('fetch', DOWN);
  await site.restart();
  expect(stateOf(site, 'e2')).toBe('revoked');
  expect(await site.run()).toMatchObject({ kind: 'published', unfetched: DOWN, removed: ['e2'] });
  expect(Object.keys(await site.hosts())).toContain('b.hoge.com');
  expect(await peersOf(site.store, 'o1')).toEqual(['e1']);
});

const CLAIMED = { 'routes/hoge/x.yaml': route('x.both.com') };
it.each<[string, string[], 'timestamp' | 'config', string | undefined]>([
  ['one of two edges is damaged', ['e1'], 'config', undefined],
  ['only the signatures of all edges are', ['e1', 'e2'], 'timestamp', undefined],
  ['the configs of all edges are', ['e1', 'e2'], 'config', 'published_unreadable'],
])('leaves a contested hostname to who had it when %s', async (_, nodes, document, code) => {
  const site = createSite({ ...FLEET, ...CLAIMED });
  await site.run();
  await site.push({ 'routes/fuga/a.yaml': route('x.both.com', 'o2') });
  for (const node of nodes) site.store.damageNode(node, { [document]: '{' });
  if (code !== undefined) return expect(site.restart()).rejects.toMatchObject({ code });
  await site.restart();
  await site.run();
  for (const node of ['e1', 'e2']) expect((await site.hosts(node))['x.both.com']).toBe('10.100.1.1:8080');
});

it('publishes what a node announced just before the process died', async () => {
  const site = createSite({ ...FLEET, 'edges/e2.yaml': edge('e2').replace(/ {2}publicKey.*\n/, '') });
  await site.run();
  expect(await peersOf(site.store, 'o1')).toEqual(['e1']);
  const enrolment = { wireguardPublicKey: Buffer.alloc(32, 2).toString('base64'), signingKey: 'k', formats: [1] };
  await site.store.saveEnrolment({ node: 'e2', tokenSha256: sha(tokenOf('e2')), generation: 1, enrolment });
  await site.restart();
  expect(await site.run()).toMatchObject({ kind: 'published', changed: ['o1', 'o2'] });
  expect(await peersOf(site.store, 'o1')).toEqual(['e1', 'e2']);
});

it('lets nobody in, and changes nothing, until a lost mirror was fetched again; then the guard still knows what was live', async () => {
  const site = createSite({ ...FLEET, ...MANY });
  await site.run();
  const text = await storedText(site.store);
  site.source.commit({ ...gone(MANY), ...revoked });
  const { newestKnown, isAncestor } = site.deps.source;
  site.deps.source.newestKnown = async () => undefined;
  site.deps.source.isAncestor = async () => false;
  await site.restart();
  expect(['e1', 'e2', 'o1'].map((name) => stateOf(site, name))).toEqual(['unknown', 'unknown', 'unknown']);
  expect(site.standing.nodes.size).toBe(4);
  site.source.failNext('fetch', DOWN);
  await expect(site.run()).rejects.toBe(DOWN);
  expect(await storedText(site.store)).toBe(text);
  Object.assign(site.deps.source, { newestKnown, isAncestor });
  const { standing, removed } = await site.run();
  expect([standing.hold?.reason, removed]).toEqual(['guard', ['e2']]);
  expect(Object.keys(await site.hosts('e1'))).toHaveLength(14);
});

it('holds when git no longer has the published commit, keeps its documents, and goes on after an override', async () => {
  const site = createSite();
  const base = (await site.run()).standing.commit!;
  const text = await storedText(site.store);
  const override = `guards:\n  override:\n    plan: ${'f'.repeat(64)}\n    base: ${base}\n    reason: moved\n`;
  site.source.commit({ ...FLEET, 'routes/hoge/b.yaml': route('b.hoge.com') }, null);
  site.source.prune(base);
  await site.source.fetch();
  await site.restart();
  expect(await site.run()).toMatchObject({ kind: 'held', standing: { hold: { reason: 'history_rewritten' } } });
  expect(await storedText(site.store)).toBe(text);
  expect(await site.push({ 'kokoa.yaml': kokoa(override) })).toMatchObject({ kind: 'published' });
  expect(Object.keys(await site.hosts())).toContain('b.hoge.com');
});

it('takes nothing from a node whose published file the rules of today refuse', async () => {
  const site = createSite();
  await site.run();
  // As if a newer version of the program had stricter rules: the published commit has a file it does not take.
  const commit = site.source.commit({ 'edges/e1.yaml': 'name: [' });
  await site.store.publish({ expected: 1, commit, nodes: [], removed: [], blobs: new Map() });
  await site.source.fetch();
  const text = await storedText(site.store);
  await site.restart();
  expect([stateOf(site, 'e2'), stateOf(site, 'o1')]).toEqual(['active', 'active']);
  expect(await site.run()).toMatchObject({ kind: 'held', standing: { hold: { reason: 'invalid' } } });
  expect(await storedText(site.store)).toBe(text);
  expect(await site.push({ 'edges/e1.yaml': edge('e1') })).toMatchObject({ standing: { hold: undefined } });
  expect(stateOf(site, 'e1')).toBe('active');
});

it('writes a chunk again that the store lost, though nothing else changed', async () => {
  const site = createSite();
  await site.run();
  const [sha256] = site.standing.compiled!.blobs.keys();
  site.store.damageBlob(sha256!);
  expect(await site.store.blob(sha256!)).toBeUndefined();
  await site.restart();
  expect((await site.run()).kind).toBe('unchanged');
  expect(await site.store.blob(sha256!)).toBe(site.standing.compiled!.blobs.get(sha256!));
});

it.each(['newestKnown', 'isAncestor', 'changes'] as const)(
  'says so when the mirror fails at %s, so that nothing is taken for known',
  async (method) => {
    const site = createSite();
    await site.run();
    site.source.failNext(method, new KokoaError('object_missing', 'damaged'));
    await expect(site.restart()).rejects.toMatchObject({ code: 'object_missing' });
  },
);
