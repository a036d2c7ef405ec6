// What is held back, what ends it, and that restrictions never wait for that.
import { expect, it } from 'vitest';
import {
  createSite,
  edge,
  type Files,
  FLEET,
  kokoa,
  manyRoutes,
  type NodeText,
  origin,
  peersOf,
  publishedNodes,
  route,
  type Site,
  sha,
  stateOfToken,
  storedText,
  tokenOf,
} from './site.fixture.ts';

const BROKEN = 'name: [';
const overriding = (plan: string, base: string) =>
  kokoa(`guards:\n  override:\n    plan: ${plan}\n    base: ${base}\n    reason: it is meant\n`);

it.each<[string, Files, RegExp]>([
  ['kokoa.yaml is broken', { 'kokoa.yaml': 'acme: [' }, /^kokoa\.yaml:\d+:\d+: /],
  ['kokoa.yaml is gone', { 'kokoa.yaml': undefined }, /^kokoa\.yaml:1:1: /],
  ['kokoa.yaml is empty', { 'kokoa.yaml': '' }, /^kokoa\.yaml:\d+:\d+: /],
  ['an edge file is broken', { 'edges/e1.yaml': BROKEN }, /^edges\/e1\.yaml:1:\d+: /],
  [
    'an origin has an address outside the network',
    { 'origins/o3.yaml': origin('o3').replace('10.100.1.3', '10.9.9.9') },
    /^origins\/o3\.yaml:6:/,
  ],
  ['two nodes share a token', { 'edges/e3.yaml': edge('e3', { token: tokenOf('e1') }) }, /^edges\/e1\.yaml:7:/],
])('holds everything when %s, and publishes what waited when that is mended', async (_, bad, place) => {
  const site = createSite();
  await site.run();
  const text = await storedText(site.store);
  const { kind, standing } = await site.push({ ...bad, 'routes/hoge/b.yaml': route('b.hoge.com') });
  expect([kind, standing.hold?.reason, standing.hold?.commit]).toEqual(['held', 'invalid', standing.commit]);
  expect(standing.hold!.message).toMatch(place);
  expect(standing.hold!.problems[0]).toMatchObject({ severity: 'error', hint: expect.stringMatching(/./) });
  await site.push({ 'routes/hoge/c.yaml': route('c.hoge.com') });
  await site.run();
  expect(await storedText(site.store)).toBe(text);
  const mended = Object.fromEntries(Object.keys(bad).map((path) => [path, FLEET[path]]));
  expect(await site.push(mended)).toMatchObject({ kind: 'published', standing: { hold: undefined } });
  expect(Object.keys(await site.hosts())).toEqual(['app.hoge.com', 'b.hoge.com', 'c.hoge.com', 'wiki.fuga.com']);
});

it('publishes nothing while the very first commit is invalid', async () => {
  const site = createSite({ ...FLEET, 'edges/e1.yaml': BROKEN });
  expect(await site.run()).toMatchObject({ kind: 'held', standing: { hold: { reason: 'invalid' }, head: undefined } });
  expect(await site.store.head()).toBeUndefined();
  await site.push({ 'edges/e1.yaml': edge('e1') });
  expect(await publishedNodes(site.store)).toEqual(['e1', 'e2', 'o1', 'o2']);
});

it('lets announcements take effect during a hold, without what is held back', async () => {
  const site = createSite({ ...FLEET, 'edges/e2.yaml': edge('e2').replace(/ {2}publicKey.*\n/, '') });
  await site.run();
  expect(await peersOf(site.store, 'o1')).toEqual(['e1']);
  await site.push({ 'kokoa.yaml': '', 'routes/hoge/b.yaml': route('b.hoge.com') });
  const enrolment = { wireguardPublicKey: Buffer.alloc(32, 2).toString('base64'), signingKey: 'k', formats: [1] };
  await site.store.saveEnrolment({ node: 'e2', tokenSha256: sha(tokenOf('e2')), generation: 1, enrolment });
  expect(await site.run(false)).toMatchObject({ kind: 'held', changed: ['o1', 'o2'] });
  expect(await peersOf(site.store, 'o1')).toEqual(['e1', 'e2']);
  expect(Object.keys(await site.hosts())).not.toContain('b.hoge.com');
});

const MANY = manyRoutes(12);
const gone = (files: Files): Files => Object.fromEntries(Object.keys(files).map((path) => [path, undefined]));

/** Every kind of hold: how it comes about, together with another change of the data. */
const HOLDS: [string, (site: Site, change: Files) => void][] = [
  ['invalid', ({ source }, change) => source.commit({ ...change, 'kokoa.yaml': '' })],
  ['guard', ({ source }, change) => source.commit({ ...gone(MANY), ...change })],
  ['guard', ({ source }, change) => source.commit({ ...change, 'edges/e1.yaml': undefined })],
  ['history_rewritten', ({ source }, change) => source.commit({ ...FLEET, ...MANY, ...change }, null)],
];

const e2 = (more: NodeText) => ({ 'edges/e2.yaml': edge('e2', more) });
const RESTRICTIONS: [string, Files, { state: string; served: boolean }][] = [
  ['suspended', e2({ state: 'suspended' }), { state: 'suspended', served: true }],
  ['revoked', e2({ state: 'revoked' }), { state: 'revoked', served: false }],
  ['compromised', e2({ state: 'compromised' }), { state: 'compromised', served: false }],
  ['given another token', e2({ token: 'new', generation: 2 }), { state: 'unknown', served: true }],
  ['left without a token', e2({ token: undefined }), { state: 'revoked', served: false }],
];
const TABLE = HOLDS.flatMap(([reason, hold], at) =>
  RESTRICTIONS.map(([name, change, expected]) => ({ at, reason, hold, name, change, expected })),
);

it.each(TABLE)('$name takes effect during a hold for $reason ($at)', async ({ reason, hold, change, expected }) => {
  const site = createSite({ ...FLEET, ...MANY });
  await site.run();
  const [hosts, head] = [await site.hosts('e1'), site.standing.head];
  hold(site, { ...change, 'routes/hoge/new.yaml': route('new.hoge.com') });
  for (let runs = 0; runs < 2; runs += 1) {
    const { kind, standing } = await site.run();
    expect([kind, standing.hold?.reason, standing.head?.commit]).toEqual(['held', reason, head?.commit]);
    expect(stateOfToken(standing, tokenOf('e2'))).toBe(expected.state);
    expect(stateOfToken(standing, tokenOf('e1'))).toBe('active');
    expect(await publishedNodes(site.store)).toEqual(expected.served ? ['e1', 'e2', 'o1', 'o2'] : ['e1', 'o1', 'o2']);
    expect(await peersOf(site.store, 'o1')).toEqual(expected.served ? ['e1', 'e2'] : ['e1']);
    expect(await site.hosts('e1')).toEqual(hosts);
  }
});

it('gives the new token its rights during a hold', async () => {
  const site = createSite();
  await site.run();
  await site.push({ 'kokoa.yaml': '', ...e2({ token: 'new', generation: 2 }) });
  expect(stateOfToken(site.standing, 'new')).toBe('active');
});

it.each<[string, Files, string]>([
  ['removed', { 'edges/e2.yaml': undefined }, 'guard'],
  ['broken', { 'edges/e2.yaml': BROKEN }, 'invalid'],
  [
    'moved to another name',
    { 'edges/e2.yaml': undefined, 'edges/e3.yaml': edge('e3', { token: tokenOf('e2') }) },
    'guard',
  ],
])('a node file that is %s revokes nothing', async (_, change, reason) => {
  const site = createSite();
  await site.run();
  const text = await storedText(site.store);
  expect((await site.push(change)).standing.hold).toMatchObject({
    reason,
    message: expect.stringContaining('edges/e2.yaml'),
  });
  expect(stateOfToken(site.standing, tokenOf('e2'))).toBe('active');
  expect(await storedText(site.store)).toBe(text);
});

it('takes a token of a team away even while nothing can be published', async () => {
  const hash = 'a'.repeat(64);
  const withToken = kokoa().replace('  - name: hoge\n', `$&    tokens:\n      - name: ci\n        sha256: ${hash}\n`);
  const site = createSite({ ...FLEET, 'kokoa.yaml': withToken });
  await site.run();
  site.store.failNext('publish', new Error('full'));
  await expect(site.push({ 'kokoa.yaml': kokoa() })).rejects.toThrow('full');
  const [standing, ...others] = site.restricted;
  expect(others).toEqual([]);
  expect(standing!.newest.kokoa!.value!.teams[0]!.tokens).toBeUndefined();
});

it('keeps out who is restricted even while nothing can be published', async () => {
  const site = createSite();
  await site.run();
  site.source.commit(e2({ state: 'revoked' }));
  site.store.failNext('publish', new Error('disk full'));
  await expect(site.run()).rejects.toThrow('disk full');
  expect(site.restricted.map((standing) => stateOfToken(standing, tokenOf('e2')))).toEqual(['revoked']);
  expect(await site.run()).toMatchObject({ kind: 'published', removed: ['e2'] });
});

it('says every step when a plan is refused for several reasons', async () => {
  const site = createSite({ ...FLEET, ...MANY });
  await site.run();
  const { hold } = (await site.push({ ...gone(MANY), 'edges/e2.yaml': undefined })).standing;
  expect(hold?.message).toMatch(/12 of 14 hosts.*; edges\/e2\.yaml is gone/);
  expect(hold?.hint.split('\n')[0]).toMatch(/^\(1\) put it back and set state: .* \(2\) split the change/);
});

it('lets a removed slot go once it was drained or revoked', async () => {
  const site = createSite();
  await site.run();
  await site.push(e2({ state: 'draining' }));
  expect(await site.push({ 'edges/e2.yaml': undefined })).toMatchObject({ kind: 'published', removed: ['e2'] });
});

it('holds a plan that would take too much down, and lets it pass once, by an override for that plan and base', async () => {
  const site = createSite({ ...FLEET, ...MANY });
  const base = (await site.run()).standing.commit!;
  const { hold } = (await site.push({ ...gone(MANY), ...e2({ state: 'revoked' }) })).standing;
  expect(hold).toMatchObject({ reason: 'guard', message: expect.stringContaining('12 of 14 hosts') });
  const { plan } = hold!.refused!;
  expect(hold!.refused).toEqual({ plan: expect.stringMatching(/^[0-9a-f]{64}$/), base });
  for (const line of ['guards:', `    plan: ${plan}`, `    base: ${base}`])
    expect(hold!.hint.split('\n')).toContain(line);
  // The restriction was published meanwhile, and is no part of what is refused.
  expect((await site.run()).standing.hold!.refused!.plan).toBe(plan);

  for (const [wrongPlan, wrongBase] of [
    ['f'.repeat(64), base],
    [plan, 'f'.repeat(40)],
  ] as const) {
    const wrong = await site.push({ 'kokoa.yaml': overriding(wrongPlan, wrongBase) });
    expect(wrong.standing.hold?.reason).toBe('guard');
  }
  expect(await site.push({ 'kokoa.yaml': overriding(plan, base) })).toMatchObject({ kind: 'published' });
  expect(Object.keys(await site.hosts('e1'))).toEqual(['app.hoge.com', 'wiki.fuga.com']);

  await site.push(MANY);
  expect(Object.keys(await site.hosts('e1'))).toHaveLength(14);
  const again = await site.push(gone(MANY));
  expect(again.standing.hold?.reason).toBe('guard');
  expect(Object.keys(await site.hosts('e1'))).toHaveLength(14);
});

it('an override lets nothing pass again after the branch was put back', async () => {
  const site = createSite({ ...FLEET, ...MANY });
  const base = (await site.run()).standing.commit!;
  const { plan } = (await site.push(gone(MANY))).standing.hold!.refused!;
  const emptied = (await site.push({ 'kokoa.yaml': overriding(plan, base) })).standing.commit!;
  // Somebody pushes the old state back with force, and it is accepted.
  await site.source.commit({ 'kokoa.yaml': overriding('f'.repeat(64), emptied) }, base);
  expect(await site.run()).toMatchObject({ kind: 'published' });
  expect(Object.keys(await site.hosts('e1'))).toHaveLength(14);
  site.source.commit({ ...gone(MANY), 'kokoa.yaml': overriding(plan, base) });
  expect((await site.run()).standing.hold?.reason).toBe('guard');
});

it.each<[string, (site: Site, base: string) => string]>([
  ['a force push', ({ source }, first) => source.commit({ 'routes/hoge/b.yaml': route('b.hoge.com') }, first)],
  ['an unrelated root', ({ source }) => source.commit({ ...FLEET, 'routes/hoge/b.yaml': route('b.hoge.com') }, null)],
])('holds the history rewritten by %s until an override names the published commit', async (_, rewrite) => {
  const site = createSite();
  const first = (await site.run()).standing.commit!;
  const base = (await site.push({ 'routes/hoge/a.yaml': route('a.hoge.com') })).standing.commit!;
  const text = await storedText(site.store);
  const rewritten = rewrite(site, first);
  const { hold } = (await site.run()).standing;
  expect(hold).toMatchObject({ reason: 'history_rewritten', commit: rewritten, hint: expect.stringContaining(base) });
  expect(await storedText(site.store)).toBe(text);
  await site.restart();
  expect((await site.run()).standing.hold?.reason).toBe('history_rewritten');
  expect(await storedText(site.store)).toBe(text);
  const elsewhere = hold!.hint.replace(base, 'f'.repeat(40));
  expect((await site.push({ 'kokoa.yaml': kokoa(pasted(elsewhere)) })).kind).toBe('held');
  // The log prints the first line of a hint.
  expect(await site.push({ 'kokoa.yaml': kokoa(pasted(hold!.hint)) })).toMatchObject({ kind: 'published' });
  expect(Object.keys(await site.hosts())).toEqual(['app.hoge.com', 'b.hoge.com', 'wiki.fuga.com']);
});

/** What somebody pastes who does exactly as the hint says. */
const pasted = (hint: string) => `${/paste this into kokoa\.yaml: (.*)/.exec(hint)![1]!}\n`;

it('an override without a plan lets no plan of the guard pass', async () => {
  const site = createSite({ ...FLEET, ...MANY });
  const base = (await site.run()).standing.commit!;
  const override = kokoa(`guards: {override: {base: ${base}, reason: it is meant}}\n`);
  const { standing } = await site.push({ ...gone(MANY), 'kokoa.yaml': override });
  expect([standing.hold?.reason, standing.hold?.refused?.base]).toEqual(['guard', base]);
});

it('ends the hold when the published history comes back, and follows a revert', async () => {
  const site = createSite();
  await site.run();
  const base = (await site.push({ 'routes/hoge/a.yaml': route('a.hoge.com') })).standing.commit!;
  site.source.commit(FLEET, null);
  expect((await site.run()).kind).toBe('held');
  site.source.commit({ 'routes/hoge/a.yaml': undefined }, base);
  expect(await site.run()).toMatchObject({ kind: 'published', standing: { hold: undefined } });
  expect(Object.keys(await site.hosts())).toEqual(['app.hoge.com', 'wiki.fuga.com']);
  await site.push({ 'routes/hoge/a.yaml': route('a.hoge.com') });
  expect(Object.keys(await site.hosts())).toContain('a.hoge.com');
});
