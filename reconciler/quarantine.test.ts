// One bad route file is left out alone, and in its place stands its newest good version; of two that claim a host the live one stays.
import { describe, expect, it } from 'vitest';
import { viewOfDesired } from './core/desired-view.ts';
import { createSite, type Files, FLEET, kokoa, origin, route, type Site } from './site.fixture.ts';

const APP = 'routes/hoge/app.yaml';
const OTHERS = { 'wiki.fuga.com': '10.100.1.2:9000' };

it.each<[string, string, string]>([
  ['is broken', 'hostname: [', 'KK'],
  ['has an unknown property', `${route('app.hoge.com')}colour: red\n`, 'KK112'],
  ['claims a name its team is not granted', route('app.fuga.com'), 'KK302'],
  ['points at an origin that is not there', route('app.hoge.com', 'o9'), 'KK304'],
  ['is empty', '', 'KK'],
])('a file that %s is served as it was, or not at all, and keeps nothing else back', async (_, bad, rule) => {
  const site = createSite();
  await site.run();
  const fresh = 'routes/hoge/fresh.yaml';
  const { kind, standing } = await site.push({ [APP]: bad, [fresh]: bad, 'routes/hoge/b.yaml': route('b.hoge.com') });
  expect(kind).toBe('published');
  expect([...standing.quarantined.keys()].sort()).toEqual([APP, fresh]);
  for (const [file, [problem]] of standing.quarantined)
    expect(problem).toMatchObject({
      file,
      rule: expect.stringContaining(rule),
      severity: 'error',
      line: expect.any(Number),
    });
  const served = { ...OTHERS, 'app.hoge.com': '10.100.1.1:8080', 'b.hoge.com': '10.100.1.1:8080' };
  expect(await site.hosts()).toEqual(served);
  await site.push({ [APP]: route('app.hoge.com', 'o1', 81), [fresh]: route('fresh.hoge.com') });
  expect(site.standing.quarantined.size).toBe(0);
  expect(await site.hosts()).toMatchObject({ 'app.hoge.com': '10.100.1.1:81', 'fresh.hoge.com': '10.100.1.1:8080' });
});

it('takes the newest version that is valid under the rules of today, over several bad ones', async () => {
  const site = createSite();
  for (const text of [route('app.hoge.com', 'o1', 81), route('app.hoge.com', 'o2', 82), 'port: [', 'port: {'])
    site.source.commit({ [APP]: text });
  await site.run();
  expect(await site.hosts()).toEqual({ ...OTHERS, 'app.hoge.com': '10.100.1.2:82' });
  // o2 no longer takes team hoge: the version before is the newest good one.
  await site.push({ 'origins/o2.yaml': origin('o2', { teams: ['fuga'] }) });
  expect(await site.hosts()).toEqual({ ...OTHERS, 'app.hoge.com': '10.100.1.1:81' });
  await site.push({ 'origins/o2.yaml': origin('o2') });
  expect(await site.hosts()).toEqual({ ...OTHERS, 'app.hoge.com': '10.100.1.2:82' });
});

it('does not reach behind a deletion', async () => {
  const site = createSite();
  await site.run();
  await site.push({ [APP]: undefined });
  await site.push({ [APP]: 'port: [' });
  expect(await site.hosts()).toEqual(OTHERS);
});

const GRANTS: [string, Files, Files][] = [
  [
    'the origin takes the team again',
    { 'origins/o1.yaml': origin('o1', { teams: ['fuga'] }) },
    { 'origins/o1.yaml': origin('o1') },
  ],
  [
    'the team is granted the name again',
    { 'kokoa.yaml': kokoa().replace("      - '*.hoge.com'\n", '') },
    { 'kokoa.yaml': kokoa() },
  ],
];
it.each(GRANTS)('ends the quarantine when %s, though the route file stays as it is', async (_, taken, given) => {
  const site = createSite();
  await site.run();
  await site.push(taken);
  expect([...site.standing.quarantined.keys()]).toEqual([APP]);
  expect(await site.hosts()).toEqual(OTHERS);
  await site.push({ 'README.md': 'unrelated' });
  expect([...site.standing.quarantined.keys()]).toEqual([APP]);
  await site.push(given);
  expect(site.standing.quarantined.size).toBe(0);
  expect(await site.hosts()).toMatchObject({ 'app.hoge.com': '10.100.1.1:8080' });
});

/** `live` claims x.both.com first; the other file sorts before or after it. */
const CLAIMS: [string, string, string][] = [
  ['routes/hoge/x.yaml', 'routes/fuga/x.yaml', 'sorts before'],
  ['routes/fuga/x.yaml', 'routes/hoge/x.yaml', 'sorts after'],
];

async function contested(live: string, newcomer: string): Promise<Site> {
  const site = createSite({ ...FLEET, [live]: route('x.both.com', 'o1', 81) });
  await site.run();
  await site.push({ [newcomer]: route('x.both.com', 'o2', 82) });
  return site;
}
const LIVE = { 'x.both.com': '10.100.1.1:81' };
const NEW = { 'x.both.com': '10.100.1.2:82' };

it.each(CLAIMS)('of two files that claim a host, %s stays live against %s, which %s it', async (live, newcomer) => {
  const site = await contested(live, newcomer);
  expect([...site.standing.quarantined.keys()]).toEqual([newcomer]);
  expect(site.standing.quarantined.get(newcomer)![0]).toMatchObject({ rule: 'KK303', file: newcomer });
  expect(await site.hosts()).toMatchObject(LIVE);
  await site.run();
  await site.restart();
  expect([...site.standing.quarantined.keys()]).toEqual([newcomer]);
  await site.push({ [newcomer]: route('x.both.com', 'o2', 83) });
  expect(await site.hosts()).toMatchObject(LIVE);
  await site.push({ [live]: route('x.both.com', 'o1', 84) });
  expect(await site.hosts()).toMatchObject({ 'x.both.com': '10.100.1.1:84' });
  await site.push({ [live]: undefined });
  expect(await site.hosts()).toMatchObject({ 'x.both.com': '10.100.1.2:83' });
  expect(site.standing.quarantined.size).toBe(0);
});

it.each(CLAIMS)(
  'the live claim of %s stays even when its newest version is broken (against %s)',
  async (live, newcomer) => {
    const site = createSite({ ...FLEET, [live]: route('x.both.com', 'o1', 81) });
    await site.run();
    await site.push({ [live]: 'port: [', [newcomer]: route('x.both.com', 'o2', 82) });
    const quarantined = [live, newcomer].sort();
    for (const restart of [false, true, false]) {
      if (restart) await site.restart();
      await site.run();
      expect(await site.hosts()).toMatchObject(LIVE);
      expect([...site.standing.quarantined.keys()].sort()).toEqual(quarantined);
    }
    await site.push({ [live]: undefined });
    expect(await site.hosts()).toMatchObject(NEW);
  },
);

it('gives a host that nobody had to the first path, and keeps it so', async () => {
  const site = createSite();
  await site.run();
  const [first, second] = ['routes/fuga/x.yaml', 'routes/hoge/x.yaml'];
  await site.push({ [second]: route('x.both.com', 'o2', 82), [first]: route('x.both.com', 'o1', 81) });
  expect(await site.hosts()).toMatchObject(LIVE);
  expect([...site.standing.quarantined.keys()]).toEqual([second]);
});

it('gives a host that nobody had to a file that is good, before one that is served in an older version', async () => {
  const site = createSite();
  site.source.commit({ 'routes/fuga/x.yaml': route('x.both.com', 'o1', 81) });
  await site.push({ 'routes/fuga/x.yaml': 'port: [', 'routes/hoge/x.yaml': route('x.both.com', 'o2', 82) });
  expect(await site.hosts()).toMatchObject(NEW);
});

describe('of two files that claim a public port of a pool', () => {
  const tcp = (port: number, more = '') =>
    `protocol: tcp\npublicPort: 25565\nproxyProtocol: true\norigin: o1\nport: ${port}\n${more}`;
  const granted = kokoa().replace(/( *)- name: hoge\n/, "$&$1  ports: ['25565']\n");
  const [a, b] = ['routes/hoge/a.yaml', 'routes/hoge/b.yaml'];
  const holders = (site: Site) => viewOfDesired(site.standing.live).routesByPublicPort('default\ntcp\n25565');
  const named = 'pool: default\n';

  it.each([
    [a, b, '', ''],
    [b, a, '', ''],
    [a, b, named, ''],
    [b, a, '', named],
  ])('%s stays live against %s, whether or not they name the pool (%j, %j)', async (live, newcomer, one, other) => {
    const site = createSite({ ...FLEET, 'kokoa.yaml': granted, [live]: tcp(1, one) });
    await site.run();
    expect([...site.standing.quarantined]).toEqual([]);
    await site.push({ [newcomer]: tcp(2, other) });
    expect([...site.standing.quarantined.keys()]).toEqual([newcomer]);
    expect(site.standing.quarantined.get(newcomer)![0]).toMatchObject({ rule: 'KK345', file: newcomer });
    expect(holders(site)).toEqual([live]);
    await site.restart();
    expect([...site.standing.quarantined.keys()]).toEqual([newcomer]);
    expect((await site.run()).kind).toBe('unchanged');
    await site.push({ [live]: tcp(3, one) });
    expect(holders(site)).toEqual([live]);
    expect(await site.ports()).toEqual({ 'tcp 25565': '10.100.1.1:3' });
    await site.push({ [live]: undefined });
    expect(holders(site)).toEqual([newcomer]);
    expect(await site.ports()).toEqual({ 'tcp 25565': '10.100.1.1:2' });
    expect(site.standing.quarantined.size).toBe(0);
  });

  it('the first path gets one that nobody had', async () => {
    const site = createSite({ ...FLEET, 'kokoa.yaml': granted });
    await site.run();
    await site.push({ [b]: tcp(1), [a]: tcp(2) });
    expect(holders(site)).toEqual([a]);
    expect([...site.standing.quarantined.keys()]).toEqual([b]);
  });
});

it('lets a file that lost its new host go on with its old one', async () => {
  const site = await contested('routes/hoge/x.yaml', 'routes/fuga/free.yaml');
  await site.push({ 'routes/fuga/free.yaml': route('free.both.com', 'o2', 82) });
  await site.push({ 'routes/fuga/free.yaml': route('x.both.com', 'o2', 83) });
  expect(await site.hosts()).toMatchObject({ ...LIVE, 'free.both.com': '10.100.1.2:82' });
});

it('hands a host over when its holder leaves and another comes in one commit', async () => {
  const site = await contested('routes/hoge/x.yaml', 'routes/hoge/y.yaml');
  await site.push({ 'routes/hoge/x.yaml': route('z.both.com'), 'routes/hoge/y.yaml': route('x.both.com', 'o2', 82) });
  expect(site.standing.quarantined.size).toBe(0);
  expect(await site.hosts()).toMatchObject({ ...NEW, 'z.both.com': '10.100.1.1:8080' });
});

it('swaps the hosts of two files', async () => {
  const site = createSite();
  await site.run();
  const wiki = 'routes/fuga/both.yaml';
  await site.push({ [wiki]: route('a.both.com', 'o2', 82), 'routes/hoge/both.yaml': route('b.both.com', 'o1', 81) });
  await site.push({ [wiki]: route('b.both.com', 'o2', 82), 'routes/hoge/both.yaml': route('a.both.com', 'o1', 81) });
  expect(site.standing.quarantined.size).toBe(0);
  expect(await site.hosts()).toMatchObject({ 'b.both.com': '10.100.1.2:82', 'a.both.com': '10.100.1.1:81' });
});

it('reads the history of a broken file once, however many runs it stays broken', async () => {
  const site = createSite();
  await site.run();
  let walks = 0;
  const { history } = site.deps.source;
  site.deps.source.history = (...asked) => {
    walks += 1;
    return history(...asked);
  };
  await site.push({ [APP]: 'port: [' });
  for (let n = 0; n < 5; n += 1) await site.push({ [`routes/hoge/n${n}.yaml`]: route(`n${n}.hoge.com`) });
  expect(walks).toBe(1);
  expect(await site.hosts()).toMatchObject({ 'app.hoge.com': '10.100.1.1:8080' });
});

it('takes no version out of a history that was rewritten', async () => {
  const site = createSite();
  await site.run();
  const base = (await site.push({ [APP]: 'port: [' })).standing.commit!;
  expect(await site.hosts()).toMatchObject({ 'app.hoge.com': '10.100.1.1:8080' });
  site.source.commit({ ...FLEET, [APP]: route('app.hoge.com', 'o1', 99) }, null);
  site.source.commit({ [APP]: 'port: [' });
  const override = `guards:\n  override:\n    plan: ${'f'.repeat(64)}\n    base: ${base}\n    reason: moved\n`;
  expect(await site.push({ 'kokoa.yaml': kokoa(override) })).toMatchObject({ kind: 'published' });
  expect(await site.hosts()).toMatchObject({ 'app.hoge.com': '10.100.1.1:99' });
});

it('begins the history anew when reading it failed', async () => {
  const site = createSite();
  await site.run();
  site.source.commit({ [APP]: 'port: [' });
  site.source.failNext('history', new Error('object missing'));
  await expect(site.run()).rejects.toThrow('object missing');
  await site.run();
  expect(await site.hosts()).toMatchObject({ 'app.hoge.com': '10.100.1.1:8080' });
});

it('begins a history anew that broke off half-way', async () => {
  const site = createSite();
  site.source.commit({ [APP]: route('app.hoge.com', 'o2', 82) });
  site.source.commit({ [APP]: 'port: [' });
  const { history } = site.deps.source;
  let breaks = true;
  site.deps.source.history = async function* (...asked) {
    let count = 0;
    for await (const version of history(...asked)) {
      if (count === 1 && breaks) {
        breaks = false;
        throw new Error('object missing');
      }
      count += 1;
      yield version;
    }
  };
  await site.run();
  expect(await site.hosts()).toMatchObject({ 'app.hoge.com': '10.100.1.2:82' });
  site.source.commit({ 'origins/o2.yaml': origin('o2', { teams: ['fuga'] }) });
  await expect(site.run()).rejects.toThrow('object missing');
  await site.run();
  expect(await site.hosts()).toMatchObject({ 'app.hoge.com': '10.100.1.1:8080' });
});
