// A program with stricter rules takes over while files that it refuses are published: settings still go out in waves, guards still hold.
import { expect, it } from 'vitest';
import { lostRollout } from './core/rollout/stored-rollout.ts';
import { isRolloutDue, rolloutDueMs } from './roll-out.ts';
import { createSite, edge, type Files, FLEET, kokoa, manyRoutes, publishedNodes, type Site } from './site.fixture.ts';

const [OLD, NEW] = ['https://control.hoge.com:8443', 'https://new.hoge.com'];
const NAMES = ['e1', 'e2', 'e3', 'e4'];
const SITE: Files = { ...FLEET, ...manyRoutes(12), 'edges/e3.yaml': edge('e3'), 'edges/e4.yaml': edge('e4') };

/** kokoa.yaml with this control plane and this account. */
const settings = (url: string, email: string, more = '') =>
  kokoa(more).replace(OLD, url).replace('  server:', `  email: ${email}\n  server:`);
const FIXED = settings(NEW, 'new@hoge.com');

/** The rules of today, from the next restart on: what they refuse, the files say in their words. */
function refuse({ deps, source }: Site, broken: (text: string) => string): void {
  const stricter = <T extends { bytes?: Uint8Array }>(one: T): T =>
    one.bytes === undefined ? one : { ...one, bytes: Buffer.from(broken(`${Buffer.from(one.bytes)}`)) };
  deps.source = {
    ...source,
    changes: async (from, to) => (await source.changes(from, to)).map(stricter),
    async contents(blob) {
      const bytes = await source.contents(blob);
      return bytes && stricter({ bytes }).bytes;
    },
    async *history(path, commit, limit) {
      for await (const one of source.history(path, commit, limit)) yield stricter(one);
    },
  };
}

/** Two dots were fine once. */
const noDots = (text: string) => text.replace('old@', 'o..ld@');
/** What no rule of spelling explains, in every file that says `part`. */
const noShape = (part: string) => (text: string) =>
  text.includes(part) && !text.includes('# again') ? text.replace('name: ', 'name: [') : text;

async function published(): Promise<Site> {
  const site = createSite({ ...SITE, 'kokoa.yaml': settings(OLD, 'old@hoge.com') });
  await site.run();
  await site.hear(NAMES);
  return site;
}

/** e1 refuses the new control plane. */
async function stopped(): Promise<Site> {
  const site = await published();
  await site.push({ 'kokoa.yaml': settings(NEW, 'mid@hoge.com', 'rollout:\n  soak: 60\n') });
  const error = { stage: 'probe', code: 'probe_failed', detail: 'no way' };
  await site.hear(['e1'], { state: 'rolled_back', applied: 'something older', error });
  expect((await site.run(false)).rollout?.kind).toBe('stops');
  return site;
}

async function having({ store }: Site, url: string): Promise<string> {
  const nodes = await store.nodes();
  return nodes.flatMap(({ node, config }) => (config.includes(url) ? [node] : [])).join(' ');
}

/** As the new program starts. */
async function upgrade(site: Site, broken: Parameters<typeof refuse>[1]): Promise<void> {
  refuse(site, broken);
  await site.restart();
}

it('begins at the canary where kokoa.yaml as it was published is refused now', async () => {
  const site = await published();
  await upgrade(site, noDots);
  const text = JSON.stringify((await site.store.nodes()).map(({ node }) => node));
  expect(await site.run()).toMatchObject({ kind: 'held', standing: { hold: { reason: 'invalid' } } });
  expect(JSON.stringify(await publishedNodes(site.store))).toBe(text);
  expect((await site.push({ 'kokoa.yaml': FIXED })).rollout?.kind).toBe('begins');
  expect([await having(site, NEW), await having(site, 'o..ld@')]).toEqual(['e1', 'e2 e3 e4']);
});

it('holds what a guard refuses, as if nothing had been upgraded', async () => {
  const site = await published();
  await upgrade(site, noDots);
  const gone = Object.fromEntries(Object.keys(manyRoutes(12)).map((path) => [path, undefined]));
  const { standing } = await site.push({ 'kokoa.yaml': FIXED, ...gone });
  expect([standing.hold?.reason, await having(site, NEW)]).toEqual(['guard', '']);
  expect(Object.keys(await site.hosts('e1'))).toHaveLength(14);
});

it.each<[string, (text: string) => string]>([
  ['the settings of the others', noDots],
  ['the newest and those of the others', (text) => noDots(text).replace('soak: 60', 'soak: 99999999')],
])('stays stopped where today refuses %s, and begins anew with a correction', async (_, broken) => {
  const site = await stopped();
  await upgrade(site, broken);
  await site.run();
  await site.hear(NAMES);
  await site.run(false);
  expect([site.standing.rolling?.state.stopped?.node, await having(site, NEW)]).toEqual(['e1', 'e1']);
  expect((await site.push({ 'kokoa.yaml': FIXED })).rollout?.kind).toBe('begins');
  expect([await having(site, NEW), await having(site, 'new@')]).toEqual(['e1', 'e1']);
});

it('begins a lost rollout anew where the settings of the others are refused now', async () => {
  const site = await published();
  await site.push({ 'kokoa.yaml': FIXED });
  const { sequence: expected, commit } = (await site.store.head())!;
  const lost = { expected, commit, rollout: lostRollout(commit) };
  await site.store.publish({ ...lost, nodes: [], removed: [], blobs: new Map() });
  // Of what is told, only the origins' part says nothing of the account.
  await upgrade(site, noDots);
  expect((await site.run()).rollout?.kind).toBe('begins');
  expect(await having(site, NEW)).toBe('e1');
});

/** So that nothing compiled is what nodes were told. */
const moved = (text: string) => text.replace(/(address: 10\.100\.[01])\.1$/m, '$1.99');

it.each<[string, (text: string) => string]>([
  ['', (text) => text],
  [', also where nothing explains what is told', moved],
])('never takes for settled what was refused at its own time%s', async (_, broken) => {
  const site = await published();
  await site.push({ 'kokoa.yaml': settings('https://held.hoge.com', 'he..ld@hoge.com') });
  expect(site.standing.hold?.reason).toBe('invalid');
  await site.push({ 'kokoa.yaml': FIXED });
  const { sequence: expected, commit } = (await site.store.head())!;
  await site.store.publish({
    ...{ expected, commit, rollout: lostRollout(commit) },
    ...{ nodes: [], removed: [], blobs: new Map() },
  });
  await upgrade(site, broken);
  expect((await site.run()).rollout?.kind).toBe('begins');
  expect([await having(site, 'held.hoge.com'), await having(site, OLD)]).toEqual(['', 'e2 e3 e4 o1 o2']);
});

it('goes in waves where the file of a machine cannot be read at all, once it is corrected', async () => {
  const site = await published();
  await upgrade(site, noShape('name: e3\n'));
  expect([(await site.run()).kind, site.standing.compiled]).toEqual(['held', undefined]);
  const outcome = await site.push({ 'kokoa.yaml': FIXED, 'edges/e3.yaml': `${edge('e3')}# again\n` });
  expect([outcome.rollout?.kind, await having(site, NEW)]).toEqual(['begins', 'e1']);
});

it('remembers a stop, and asks for no run, while the file of a machine cannot be read', async () => {
  const site = await stopped();
  await upgrade(site, noShape('name: e3\n'));
  const due = () => [
    isRolloutDue(site.standing, site.deps.heard, site.deps.now()),
    rolloutDueMs(site.standing, site.deps.heard, site.deps.now()),
  ];
  expect([(await site.run()).kind, ...due()]).toEqual(['held', false, undefined]);
  const outcome = await site.push({ 'edges/e3.yaml': `${edge('e3')}# again\n` });
  expect([outcome.rollout, await having(site, NEW)]).toEqual([undefined, 'e1']);
  expect(site.standing.rolling?.state.stopped?.node).toBe('e1');
});

it('takes nobody for reached while a rollout that was under way waits for a file of a machine', async () => {
  const site = await published();
  await site.push({ 'kokoa.yaml': FIXED });
  await upgrade(site, noShape('name: e3\n'));
  await site.run();
  expect(isRolloutDue(site.standing, site.deps.heard, site.deps.now())).toBe(false);
  const outcome = await site.push({ 'edges/e3.yaml': `${edge('e3')}# again\n` });
  expect([outcome.rollout, await having(site, NEW)]).toEqual([undefined, 'e1']);
});

it.each<[string, (text: string) => string, RegExp]>([
  ['without a shape', noShape(OLD), /the edges have is not in git any more, or this version cannot read it/],
  [
    'of no network',
    (text) => (text.includes(OLD) ? text.replace('10.100.0.0/16', 'ten') : text),
    /do not fit|cannot read/,
  ],
])('says that settings go to all at once where the old ones are %s', async (_, broken, reason) => {
  const site = await published();
  await upgrade(site, broken);
  expect((await site.run()).kind).toBe('held');
  const { rollout } = await site.push({ 'kokoa.yaml': FIXED });
  expect(rollout).toEqual({ kind: 'at_once', reason: expect.stringMatching(reason) });
  expect(await having(site, OLD)).toBe('');
});
