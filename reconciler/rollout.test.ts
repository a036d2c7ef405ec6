// Settings on their way through a fleet: real runs over a repository and a store in memory.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { generateOnlineKeys } from '../bundle/keys.ts';
import { lostRollout } from './core/rollout/stored-rollout.ts';
import { renew } from './publish.ts';
import { isRolloutDue, rolloutDueMs, viewOfRollout } from './roll-out.ts';
import {
  configOf,
  createSite,
  edge,
  type Files,
  FLEET,
  kokoa,
  origin,
  peersOf,
  route,
  type Site,
} from './site.fixture.ts';
import { NOTHING_YET } from './standing.ts';
import { createOperatorsTold } from './tell-operators.ts';

const SOAK_MS = 60_000;
const MINUTE_MS = 60_000;

/** kokoa.yaml with another control plane. */
const at = (url: string, more = '') => kokoa(more).replace('https://control.hoge.com:8443', url);
const OLD = 'https://control.hoge.com:8443';
const NEW = 'https://new.hoge.com';
const NEWER = 'https://newer.hoge.com';
const setting = (url: string, more = ''): Files => ({ 'kokoa.yaml': at(url, more) });

/** e1 … e6; five of them are one canary, one more, three. */
const SIX: Files = {
  ...FLEET,
  ...Object.fromEntries([3, 4, 5, 6].map((n) => [`edges/e${n}.yaml`, edge(`e${n}`)])),
};
const NAMES = ['e1', 'e2', 'e3', 'e4', 'e5', 'e6'];

/** Everybody is there, and took what was published first. */
async function fleet(files: Files = SIX): Promise<Site> {
  const site = createSite(files);
  await site.run();
  await site.hear(NAMES);
  return site;
}

/** Node → the control plane that it is told. */
async function told({ store }: Site): Promise<Record<string, string>> {
  const nodes = await store.nodes();
  return Object.fromEntries(nodes.map(({ node, config }) => [node, JSON.parse(config).controlPlane.urls[0]]));
}

/** Names of those who are told `url`. */
async function having(site: Site, url: string): Promise<string> {
  const all = Object.entries(await told(site)).filter(([, found]) => found === url);
  return all.map(([node]) => node).join(' ');
}

const passed = (site: Site, ms: number) => {
  site.clock.ms += ms;
};
const eventOf = ({ rollout }: { rollout: { kind: string } | undefined }) => rollout?.kind;

/** All who are there take what they are told, the soak passes, and they say that all is well. */
async function wave(site: Site, except: string[] = []): Promise<(string | undefined)[]> {
  const there = NAMES.filter((name) => !except.includes(name));
  await site.hear(there);
  const soaks = eventOf(await site.run(false));
  passed(site, SOAK_MS);
  await site.hear(there);
  return [soaks, eventOf(await site.run(false))];
}

it('goes from the canary to a quarter to everybody, origins last', async () => {
  const site = await fleet();
  expect(eventOf(await site.push(setting(NEW)))).toBe('begins');
  expect(await having(site, NEW)).toBe('e1');
  expect(await wave(site)).toEqual(['soaks', 'advances']);
  expect(await having(site, NEW)).toBe('e1 e2');
  expect(await wave(site)).toEqual(['soaks', 'ends']);
  expect(await having(site, NEW)).toBe('e1 e2 e3 e4 e5 e6 o1 o2');
  expect((await site.store.head())!.rollout).toBeUndefined();
});

it('begins with the edges that are marked', async () => {
  const site = await fleet({ ...SIX, 'edges/e4.yaml': `${edge('e4')}canary: true\n` });
  await site.push(setting(NEW));
  expect(await having(site, NEW)).toBe('e4');
});

it('waits for the edges of the wave, and no longer than ten minutes for one that is silent', async () => {
  const canary = (name: string) => ({ [`edges/${name}.yaml`]: `${edge(name)}canary: true\n` });
  const site = await fleet({ ...SIX, ...canary('e1'), ...canary('e2') });
  await site.push(setting(NEW));
  passed(site, 9 * MINUTE_MS);
  await site.hear(NAMES.slice(1));
  expect(eventOf(await site.run(false))).toBeUndefined();
  expect(await having(site, NEW)).toBe('e1 e2');
  passed(site, 2 * MINUTE_MS);
  await site.hear(NAMES.slice(1));
  expect(eventOf(await site.run(false))).toBe('soaks');
});

it('stays with a wave that fell silent as a whole, without a run after the other, until it speaks or is suspended', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  const dueMs = () => rolloutDueMs(site.standing, site.deps.heard, site.deps.now());
  expect(dueMs()! - site.clock.ms).toBeGreaterThan(9 * MINUTE_MS);
  passed(site, 60 * MINUTE_MS);
  await site.hear(NAMES.slice(1));
  expect([eventOf(await site.run(false)), dueMs(), await having(site, NEW)]).toEqual([undefined, undefined, 'e1']);
  await site.push({ 'edges/e1.yaml': edge('e1', { state: 'suspended' }) });
  expect(eventOf(await site.run(false))).toBe('soaks');
});

it.each<[string, string, number]>([
  ['as long as kokoa.yaml says', 'rollout:\n  soak: 5\n', 5000],
  ['not at all where it says 0', 'rollout:\n  soak: 0\n', 0],
])('soaks %s', async (_, more, soakMs) => {
  const site = await fleet();
  await site.push(setting(NEW, more));
  await site.hear(NAMES);
  const first = eventOf(await site.run(false));
  if (soakMs > 0) {
    passed(site, soakMs - 1001);
    expect([first, eventOf(await site.run(false)), await having(site, NEW)]).toEqual(['soaks', undefined, 'e1']);
    passed(site, 1);
    await site.hear(NAMES);
    expect(eventOf(await site.run(false))).toBe('advances');
  } else expect(first).toBe('advances');
});

it('asks everybody again after a soak, and runs no circles while nobody answers', async () => {
  const site = await fleet();
  const dueMs = () => rolloutDueMs(site.standing, site.deps.heard, site.deps.now());
  await site.push(setting(NEW));
  await wave(site);
  await site.hear(NAMES);
  expect(eventOf(await site.run(false))).toBe('soaks');
  expect(dueMs()! - site.clock.ms).toBe(SOAK_MS);
  passed(site, SOAK_MS);
  await site.hear(NAMES.slice(1));
  expect(eventOf(await site.run(false))).toBeUndefined();
  expect(viewOfRollout(site.standing, site.deps.heard, site.deps.now())).toMatchObject({
    ...{ state: 'waiting', waitsFor: [{ node: 'e1' }] },
  });
  expect(dueMs()! - site.clock.ms).toBeGreaterThan(8 * MINUTE_MS);
  expect(await having(site, NEW)).toBe('e1 e2');
  await site.hear(['e1']);
  expect([isRolloutDue(site.standing, site.deps.heard, site.deps.now()), eventOf(await site.run(false))]).toEqual([
    true,
    'ends',
  ]);
});

it.each<[string, Files]>([
  ['of a single edge', { ...FLEET, 'edges/e2.yaml': undefined }],
  ['whose kokoa.yaml wants no waves', { ...FLEET, 'kokoa.yaml': kokoa('rollout:\n  waves: false\n') }],
])('reaches a fleet at once %s', async (_, files) => {
  const site = await fleet(files);
  await site.push({ 'kokoa.yaml': files['kokoa.yaml']!.replace(OLD, NEW) });
  expect(await having(site, OLD)).toBe('');
});

it.each<[string, Files, (config: Record<string, unknown>) => unknown]>([
  ['teams', { 'kokoa.yaml': kokoa().replace("'*.fuga.com'", "'*.fuga.com'\n      - '*.more.com'") }, () => undefined],
  ['a new pool', { 'kokoa.yaml': kokoa('  - name: far\n    tlsPassthrough: true\n') }, () => undefined],
  ['a route', { 'routes/hoge/b.yaml': route('b.hoge.com') }, () => undefined],
  ['an origin', { 'origins/o3.yaml': origin('o3') }, () => undefined],
  ['a setting that says the same', { 'kokoa.yaml': kokoa('    tlsPassthrough: false\n') }, () => undefined],
])('never waits for %s', async (_, change) => {
  const site = await fleet();
  const outcome = await site.push(change);
  expect([outcome.rollout, outcome.standing.rolling]).toEqual([undefined, undefined]);
});

it.each<[string, string]>([
  ['the control plane', at(NEW)],
  ['the certificate authority', kokoa().replace('https://ca.example/dir', 'https://other.example/dir')],
  ['the network', kokoa().replace('10.100.0.0/16', '10.0.0.0/8')],
  ['the defaults', kokoa('defaults:\n  limits:\n    maxBody: 1m\n')],
  ['what a pool says of its edges', kokoa('    tlsPassthrough: true\n')],
])('sends %s through waves', async (_, text) => {
  const site = await fleet();
  const before = new Map((await site.store.nodes()).map(({ node, configHash }) => [node, configHash]));
  const { rollout, changed } = await site.push({ 'kokoa.yaml': text });
  expect([rollout?.kind, changed]).toEqual(['begins', ['e1']]);
  for (const { node, configHash } of await site.store.nodes())
    expect(configHash === before.get(node)).toBe(node !== 'e1');
});

it('asks the edges of a pool alone when only that pool changes', async () => {
  const far = (n: number) => ({ [`edges/e${n}.yaml`]: `${edge(`e${n}`)}pool: far\n` });
  const site = await fleet({ ...SIX, ...far(4), ...far(5), 'kokoa.yaml': kokoa('  - name: far\n') });
  const { changed } = await site.push({
    'kokoa.yaml': kokoa('  - name: far\n    proxyProtocolFrom: [203.0.113.0/24]\n'),
  });
  expect(changed).toEqual(['e4']);
  expect(site.standing.rolling!.state.waves).toEqual([['e4']]);
});

it('brings routes to everybody at once while settings wait', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  const { changed } = await site.push({ 'routes/hoge/b.yaml': route('b.hoge.com') });
  expect(changed).toEqual(NAMES);
  for (const name of NAMES) expect(Object.keys(await site.hosts(name))).toContain('b.hoge.com');
  expect(await having(site, NEW)).toBe('e1');
});

it('keeps new limits from routes of edges that were not reached', async () => {
  const site = await fleet();
  await site.push({ 'kokoa.yaml': kokoa('defaults:\n  limits:\n    maxBody: 1m\n') });
  await site.push({ 'routes/hoge/b.yaml': route('b.hoge.com') });
  const limitOf = async (name: string) => {
    const config = (await configOf(site.store, name)) as { edge: { chunks: { sha256: string }[] } };
    const text = (await site.store.blob(config.edge.chunks[0]!.sha256))!;
    return [...text.matchAll(/"maxBodyBytes":(\d+)/g)].map(([, bytes]) => bytes).join(' ');
  };
  expect(await limitOf('e1')).toBe('1048576 1048576 1048576');
  expect(await limitOf('e2')).toBe('10485760 10485760 10485760');
  expect(await site.hosts('e1')).toEqual(await site.hosts('e2'));
});

const REFUSAL = { state: 'rolled_back', error: { stage: 'probe', code: 'probe_failed', detail: 'no way' } } as const;

/** e1 does not take the new settings. */
async function stopped(): Promise<Site> {
  const site = await fleet();
  await site.push(setting(NEW));
  await site.hear(['e1'], { ...REFUSAL, applied: 'something older' });
  expect(eventOf(await site.run(false))).toBe('stops');
  return site;
}

it('stops at a refusal for good, with its words; routes still flow', async () => {
  const site = await stopped();
  expect((await site.store.head())!.rollout!.stopped).toMatchObject({ node: 'e1', error: REFUSAL.error });
  passed(site, 60 * MINUTE_MS);
  await site.hear(NAMES);
  expect(eventOf(await site.run(false))).toBeUndefined();
  await site.push({ 'routes/hoge/b.yaml': route('b.hoge.com') });
  expect(Object.keys(await site.hosts('e6'))).toContain('b.hoge.com');
  expect(await having(site, NEW)).toBe('e1');
});

it.each<[string, Files]>([
  ['a fix', setting(NEWER)],
  ['a revert', setting(OLD)],
  ['no waves', setting(NEW, 'rollout:\n  waves: false\n')],
])('operators are told of a stop, and of its end by %s', async (_, change) => {
  const heard: string[] = [];
  const operators = createOperatorsTold(
    { tell: ({ kind, state, reason }) => kind === 'rollout-stopped' && heard.push(`${state} ${reason}`.trim()) },
    () => 0,
  );
  const site = await stopped();
  // A comment, a route and a restart of the reconciler end nothing.
  operators.ran(await site.push({ 'kokoa.yaml': `# words\n${at(NEW)}` }));
  operators.ran(await site.push({ 'routes/hoge/b.yaml': route('b.hoge.com') }));
  await site.restart();
  operators.ran(await site.run());
  operators.ran(await site.push(change));
  expect(heard).toEqual([...Array(3).fill('trouble e1 refuses them: probe_failed (probe): no way'), 'well']);
});

it.each<[string, Files, string | undefined, string]>([
  ['a fix starts over at the canary', setting(NEWER), 'begins', 'e1'],
  ['a revert gives back what everybody else has', setting(OLD), 'reverts', ''],
  ['a comment changes nothing', { 'kokoa.yaml': `# words\n${at(NEW)}` }, undefined, 'e1'],
])('after a stop %s', async (_, change, event, news) => {
  const site = await stopped();
  const outcome = await site.push(change);
  expect(eventOf(outcome)).toBe(event);
  const others = Object.entries(await told(site)).filter(([, url]) => url !== OLD);
  expect(others.map(([node]) => node).join(' ')).toBe(news);
  expect(outcome.standing.rolling?.state.stopped?.node).toBe(event === undefined ? 'e1' : undefined);
});

it('after a stop rollout.waves: false sends it to everybody', async () => {
  const site = await stopped();
  expect(eventOf(await site.push(setting(NEW, 'rollout:\n  waves: false\n')))).toBe('at_once');
  expect(await having(site, OLD)).toBe('');
});

it('takes nobody beyond two variants: another change starts over from what went through last', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  await wave(site);
  expect(await having(site, NEW)).toBe('e1 e2');
  expect(eventOf(await site.push(setting(NEWER)))).toBe('begins');
  expect([await having(site, NEW), await having(site, NEWER)]).toEqual(['', 'e1']);
  expect(await told(site)).toMatchObject({ e2: OLD, e3: OLD, o1: OLD });
});

it('revokes at once while settings wait, in either variant', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  const { removed } = await site.push({ 'edges/e3.yaml': edge('e3', { state: 'revoked' }) });
  expect(removed).toEqual(['e3']);
  expect(await peersOf(site.store, 'o1')).not.toContain('e3');
  expect(await having(site, NEW)).toBe('e1');
});

it('does not wait for a canary that is suspended or gone', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  await site.push({ 'edges/e1.yaml': edge('e1', { state: 'suspended' }) });
  expect(site.standing.rolling!.state.soakSinceMs).toBeUndefined();
  expect(eventOf(await site.run(false))).toBe('soaks');
});

it('gives an edge that joins in the middle what is settled', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  await site.push({ 'edges/e7.yaml': edge('e7') });
  expect((await told(site)).e7).toBe(OLD);
});

it('goes to all at once where the old settings do not fit the new machines, and says why', async () => {
  const site = await fleet();
  const moved = edge('e7').replace('10.100.0.7', '10.200.0.7');
  const outcome = await site.push({
    'kokoa.yaml': kokoa().replace('10.100.0.0/16', '10.0.0.0/8'),
    'edges/e7.yaml': moved,
  });
  expect(outcome.rollout).toEqual({
    kind: 'at_once',
    reason: expect.stringMatching(/do not fit: edges\/e7\.yaml:\d+:\d+: found the address 10\.200\.0\.7/),
  });
  for (const name of NAMES) expect((await configOf(site.store, name)).network.wireguard).toBe('10.0.0.0/8');
});

it('goes to all at once where a service would lie in the old tunnels', async () => {
  const site = await fleet({ ...SIX, 'kokoa.yaml': kokoa().replace('10.100.0.0/16', '10.0.0.0/8') });
  const outcome = await site.push({
    'kokoa.yaml': kokoa(),
    'routes/hoge/lan.yaml': 'hostname: lan.hoge.com\nbackends:\n  - origin: o1\n    host: 10.9.0.7\n    port: 80\n',
  });
  expect(outcome.rollout).toMatchObject({
    kind: 'at_once',
    reason: expect.stringContaining('a service of o1, 10.9.0.7'),
  });
});

it('goes on after a restart where it was, signing nothing again', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  await wave(site);
  const before = JSON.stringify(await site.store.nodes());
  await site.restart();
  const { changed, rollout } = await site.run();
  expect([changed, rollout]).toEqual([[], undefined]);
  expect(JSON.stringify(await site.store.nodes())).toBe(before);
  await site.push({ 'routes/hoge/b.yaml': route('b.hoge.com') });
  expect(await having(site, NEW)).toBe('e1 e2');
  expect(await wave(site)).toEqual(['soaks', 'ends']);
});

it('stays stopped over a restart', async () => {
  const site = await stopped();
  await site.restart();
  passed(site, 60 * MINUTE_MS);
  await site.hear(NAMES);
  await site.run();
  expect([await having(site, NEW), site.standing.rolling!.state.stopped?.node]).toEqual(['e1', 'e1']);
});

it('goes to all at once when git has lost what the others have', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  site.deps.source.history = async function* () {};
  await site.restart();
  const { rollout } = await site.run();
  expect(rollout).toEqual({ kind: 'at_once', reason: expect.stringContaining('not in git any more') });
  expect(await having(site, OLD)).toBe('');
});

it('takes no other content of the repository for the settled settings, whoever wrote its id into the store', async () => {
  const site = await fleet();
  const theirs = 'https://theirs.example';
  await site.push({ 'routes/hoge/notes.yaml': at(theirs) });
  await site.push(setting(NEW));
  const head = (await site.store.head())!;
  const settledBlob = (await site.source.changes(undefined, head.commit)).find(({ path }) => path.includes('notes'))!
    .blob!;
  const forged = { expected: head.sequence, commit: head.commit, rollout: { ...head.rollout!, settledBlob } };
  await site.store.publish({ ...forged, nodes: [], removed: [], blobs: new Map() });
  await site.restart();
  const { rollout } = await site.run();
  expect(rollout?.kind).toBe('at_once');
  expect([await having(site, theirs), await having(site, OLD)]).toEqual(['', '']);
});

/** The store has lost how far the settings came. */
async function lose(site: Site): Promise<void> {
  const { sequence, commit } = (await site.store.head())!;
  const lost = { expected: sequence, commit, rollout: lostRollout(commit) };
  await site.store.publish({ ...lost, nodes: [], removed: [], blobs: new Map() });
  await site.restart();
}

it.each<[string, number]>([
  ['at the first wave', 0],
  ['at a later one', 1],
])('begins anew at the canary when the store lost how far settings came, %s', async (_, waves) => {
  const site = await fleet();
  await site.push(setting(NEW));
  for (let n = 0; n < waves; n += 1) await wave(site);
  await lose(site);
  expect(eventOf(await site.run())).toBe('begins');
  expect(await having(site, NEW)).toBe('e1');
  expect(await having(site, OLD)).toBe('e2 e3 e4 e5 e6 o1 o2');
  expect(await wave(site)).toEqual(['soaks', 'advances']);
  expect(await wave(site)).toEqual(['soaks', 'ends']);
  expect((await site.store.head())!.rollout).toBeUndefined();
});

it('finds what the others are told among several settings, not what was refused in between', async () => {
  const site = await stopped();
  await site.push(setting(NEWER));
  await lose(site);
  expect(eventOf(await site.run())).toBe('begins');
  expect([await having(site, NEWER), await having(site, NEW)]).toEqual(['e1', '']);
});

it('takes nothing from anybody where a rollout is lost that never was', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  await wave(site);
  await wave(site);
  const before = JSON.stringify(await site.store.nodes());
  await lose(site);
  expect(eventOf(await site.run())).toBeUndefined();
  expect(JSON.stringify(await site.store.nodes())).toBe(before);
  expect((await site.store.head())!.rollout).toBeUndefined();
});

it('after a lost store gives everybody what git says', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  const other = createSite(SIX);
  site.deps.store = other.store;
  site.standing = NOTHING_YET;
  const { rollout, standing } = await site.run();
  expect([rollout, standing.rolling]).toEqual([undefined, undefined]);
  const nodes = await other.store.nodes();
  expect(nodes.every(({ config }) => config.includes(NEW))).toBe(true);
});

it('signs what is offered, not what is newest, when the keys are others', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  const before = await told(site);
  const head = (await site.store.head())!;
  const signing = { keys: generateOnlineKeys() };
  const renewed = await renew({ ...site.standing, head }, site.store, signing, site.deps.now());
  expect(renewed).toMatchObject({ changed: ['e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'o1', 'o2'] });
  expect(await told(site)).toEqual(before);
  expect((await site.store.head())!.rollout).toEqual(head.rollout);
});

it('forgets nothing when another reconciler publishes in between', async () => {
  const site = await fleet();
  await site.push(setting(NEW));
  const stale = site.standing;
  await site.push({ 'routes/hoge/b.yaml': route('b.hoge.com') });
  site.standing = stale;
  site.source.commit({ 'routes/hoge/c.yaml': route('c.hoge.com') });
  await expect(site.run()).rejects.toMatchObject({ code: 'publish_conflict' });
  await site.restart();
  await site.run();
  expect(await having(site, NEW)).toBe('e1');
});

/** What may happen to a fleet while settings are on their way. */
const happening = fc.oneof(
  fc.record({ what: fc.constant('setting' as const), to: fc.constantFrom(OLD, NEW, NEWER) }),
  fc.record({ what: fc.constant('route' as const), port: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ what: fc.constant('take' as const), who: fc.subarray(NAMES) }),
  fc.record({ what: fc.constant('refuse' as const), who: fc.constantFrom(...NAMES) }),
  fc.record({ what: fc.constant('pass' as const), ms: fc.constantFrom(1000, SOAK_MS, 11 * MINUTE_MS) }),
  fc.record({ what: fc.constant('restart' as const) }),
);

it('never shows settings before their wave, nor different routes, and comes to an end', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 14 }), async (story) => {
      const site = await fleet();
      let settled = OLD;
      let wanted = OLD;
      for (const one of story) {
        if (one.what === 'setting') {
          wanted = one.to;
          await site.push(setting(wanted));
        } else if (one.what === 'route')
          await site.push({ 'routes/hoge/app.yaml': route('app.hoge.com', 'o1', one.port) });
        else if (one.what === 'take') await site.hear(one.who);
        else if (one.what === 'refuse') await site.hear([one.who], { ...REFUSAL, applied: 'older' });
        else if (one.what === 'pass') passed(site, one.ms);
        else await site.restart();
        await site.run();
        const { rolling } = site.standing;
        if (rolling === undefined) settled = wanted;
        const reached = new Set(rolling?.state.waves.slice(0, rolling.state.wave + 1).flat());
        for (const [node, url] of Object.entries(await told(site)))
          expect([node, url]).toEqual([node, rolling && !reached.has(node) ? settled : wanted]);
        const hosts = await Promise.all(NAMES.map((name) => site.hosts(name)));
        for (const one of hosts) expect(one).toEqual(hosts[0]);
      }
      // A revert, or everybody taking it, ends every story.
      if (site.standing.rolling?.state.stopped) await site.push(setting(settled));
      for (let rounds = 0; rounds < 3; rounds += 1) await wave(site);
      expect(site.standing.rolling).toBeUndefined();
    }),
    { numRuns: 25 },
  );
});
