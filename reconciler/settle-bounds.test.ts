// Too many of something after a merge: newcomers wait, and nothing that is published goes away for them.
import { expect, it } from 'vitest';
import { POLICIES_PER_TEAM_MAX, UPSTREAMS_PER_TEAM_MAX } from './core/bounds.ts';
import { updateDesired } from './core/desired.ts';
import { loadFile } from './core/load.ts';
import { createSite, type Files, FLEET, granting, origin, portRoute, route, type Site } from './site.fixture.ts';

const path = (name: string) => `routes/hoge/${name}.yaml`;
/** A route of a class of its own: plain ones of the fleet take one place. */
const limited = (name: string, connections: number, hostname = `${name}.hoge.com`) =>
  `${route(hostname)}limits:\n  connections: ${connections}\n`;
const classes = (from: number, to: number): Files =>
  Object.fromEntries(
    Array.from({ length: to - from }, (_, n) => [path(`c${from + n}`), limited(`c${from + n}`, from + n)]),
  );
const FULL = classes(1, POLICIES_PER_TEAM_MAX);

const quarantined = (site: Site) => [...site.standing.quarantined.keys()].sort();
const rules = (site: Site) => [...site.standing.quarantined.values()].map(([problem]) => problem?.rule);

it('lets a team have as many classes as the bound says, and quarantines the newcomer beyond', async () => {
  const site = createSite({ ...FLEET, ...FULL });
  await site.run();
  expect(quarantined(site)).toEqual([]);
  await site.push({ [path('aaa')]: limited('aaa', 1000), [path('more')]: limited('more', 7) });
  expect([quarantined(site), rules(site)]).toEqual([[path('aaa')], ['KK341']]);
  const hosts = Object.keys(await site.hosts());
  expect(hosts).toHaveLength(2 + POLICIES_PER_TEAM_MAX - 1 + 1);
  expect(hosts).not.toContain('aaa.hoge.com');
  // The wait ends when a place is free.
  await site.push({ [path('c9')]: undefined });
  expect(quarantined(site)).toEqual([]);
  expect(Object.keys(await site.hosts())).toContain('aaa.hoge.com');
});

it('keeps a published route as it was when its new class is one too many, and one that shares a class', async () => {
  const site = createSite({ ...FLEET, ...FULL, [path('d9')]: limited('d9', 9) });
  await site.run();
  await site.push({ [path('d9')]: limited('d9', 1000), [path('c8')]: limited('c8', 7) });
  // c8 made room.
  expect(quarantined(site)).toEqual([]);
  await site.push({ [path('d10')]: limited('d10', 10), [path('c7')]: limited('c7', 2000) });
  expect(quarantined(site)).toEqual([path('c7')]);
  const { live } = site.standing;
  expect(JSON.stringify(live.files)).not.toContain('2000');
  expect(Object.keys(await site.hosts())).toContain('c7.hoge.com');
});

it('gives a free place to a published route that changes before a new one that comes first by name', async () => {
  const site = createSite({ ...FLEET, ...classes(1, POLICIES_PER_TEAM_MAX - 1), [path('d1')]: limited('d1', 1) });
  await site.run();
  await site.push({ [path('aaa')]: limited('aaa', 1000), [path('d1')]: limited('d1', 2000) });
  expect(quarantined(site)).toEqual([path('aaa')]);
});

it('gives a hostname back to the published route that a newcomer took it from', async () => {
  const site = createSite({ ...FLEET, ...FULL, [path('d9')]: limited('d9', 9) });
  await site.run();
  // d9 moves to another host in a class of its own and must go back; its host was given to a new route meanwhile.
  await site.push({
    [path('d9')]: limited('d9', 1000, 'new.hoge.com'),
    [path('heir')]: route('d9.hoge.com', 'o2', 81),
  });
  expect(quarantined(site)).toEqual([path('d9'), path('heir')]);
  expect(await site.hosts()).toMatchObject({ 'd9.hoge.com': '10.100.1.1:8080' });
});

it('remembers over a restart who was published', async () => {
  const site = createSite({ ...FLEET, ...FULL, [path('d5')]: limited('d5', 5) });
  await site.run();
  await site.push({ [path('aaa')]: limited('aaa', 1000), [path('c5')]: limited('c5', 2000) });
  expect(quarantined(site)).toEqual([path('aaa'), path('c5')]);
  const before = await site.hosts();
  await site.restart();
  expect(quarantined(site)).toEqual([path('aaa'), path('c5')]);
  expect((await site.run()).kind).toBe('unchanged');
  expect(await site.hosts()).toEqual(before);
});

it('takes nothing away where more is published than the bound of today, and adds nothing', async () => {
  const site = createSite({ ...FLEET, ...FULL });
  await site.run();
  // As if an older version of the program had published it: without rules, the live state is what it is.
  const { live, newest } = site.standing;
  const load = (name: string, text: string) => ({
    path: path(name),
    file: loadFile(path(name), name, Buffer.from(text)),
  });
  const extra = Array.from({ length: 5 }, (_, n) => load(`old${n}`, limited(`old${n}`, 500 + n)));
  site.standing = { ...site.standing, live: updateDesired(live, extra), newest: updateDesired(newest, extra) };
  await site.push({ [path('aaa')]: limited('aaa', 1000), [path('plain')]: route('plain.hoge.com') });
  expect(quarantined(site)).toEqual([path('aaa')]);
  expect(Object.keys(await site.hosts())).toEqual(expect.arrayContaining(['old4.hoge.com', 'plain.hoge.com']));
});

it('counts lists of backends, of paths too, and takes turns by team', async () => {
  const list = (port: number) => `backends: [{ origin: o1, port: ${port} }, { origin: o2, port: ${port} }]`;
  const lists = (name: string, from: number, to: number) =>
    `${route(`${name}.hoge.com`)}paths:\n${Array.from({ length: to - from }, (_, n) => `  - { prefix: /p${n}, ${list(from + n)} }\n`).join('')}`;
  const many = Object.fromEntries(
    Array.from({ length: UPSTREAMS_PER_TEAM_MAX / 20 }, (_, n) => [
      path(`m${n}`),
      lists(`m${n}`, 100 + 20 * n, 120 + 20 * n),
    ]),
  );
  const site = createSite({ ...FLEET, ...many });
  await site.run();
  expect(quarantined(site)).toEqual([]);
  const fuga = `hostname: x.fuga.com\n${list(9)}\n`;
  await site.push({ [path('one')]: `hostname: one.hoge.com\n${list(9)}\n`, 'routes/fuga/x.yaml': fuga });
  expect([quarantined(site), rules(site)]).toEqual([[path('one')], ['KK342']]);
});

it('quarantines a route that edges would refuse, and serves its last version that they take', async () => {
  const site = createSite();
  await site.run();
  const long = `${route('app.hoge.com', 'o1', 81)}errorPages:\n${[404, 502, 503, 504].map((status) => `  '${status}': '${'é'.repeat(3000)}'\n`).join('')}`;
  await site.push({ [path('app')]: long });
  expect([quarantined(site), rules(site)]).toEqual([[path('app')], ['KK343']]);
  expect(await site.hosts()).toMatchObject({ 'app.hoge.com': '10.100.1.1:8080' });
});

it('bounds the services that a team has behind one origin, by itself', async () => {
  const services = (hostname: string, lan: number, count: number) =>
    `hostname: ${hostname}\norigin: o1\nport: 80\npaths:\n${Array.from({ length: count }, (_, n) => `  - { prefix: /p${n}, backends: [${Array.from({ length: 8 }, (_, k) => `{ origin: o1, host: 192.168.${lan}.${n * 8 + k + 1}, port: 80 }`).join(', ')}] }\n`).join('')}`;
  const site = createSite({
    ...FLEET,
    'routes/hoge/s.yaml': services('s.hoge.com', 1, 8),
    'routes/fuga/s.yaml': services('s.fuga.com', 2, 16),
  });
  await site.run();
  expect(quarantined(site)).toEqual([]);
  await site.push({
    'routes/fuga/t.yaml': `${route('t.fuga.com')}host: 192.168.3.1\n`,
    'routes/fuga/u.yaml': `${route('u.fuga.com', 'o2')}host: 192.168.3.1\n`,
    'routes/hoge/t.yaml': `${route('t.hoge.com')}host: 192.168.3.1\n`,
    'origins/o2.yaml': origin('o2'),
  });
  expect([quarantined(site), rules(site)]).toEqual([['routes/fuga/t.yaml'], ['KK344']]);
});

it('bounds the public ports of a pool by the room that they take, whether or not routes name it', async () => {
  // 21 places, where a short one takes one.
  const networks = Array.from({ length: 200 }, (_, n) => `10.0.${n}.0/24`).join(', ');
  const long = (port: number, more = '') => portRoute(port, 1, `allow: [${networks}]\n${more}`);
  const many = Object.fromEntries(
    Array.from({ length: 980 }, (_, n) => [path(`p${n}`), portRoute(30_000 + n, 1, n % 2 ? 'pool: default\n' : '')]),
  );
  const site = createSite({
    ...{ ...FLEET, ...many, 'kokoa.yaml': granting('30000-31000', '  - name: spare\n') },
  });
  await site.run();
  expect(quarantined(site)).toEqual([]);
  await site.push({
    [path('long')]: long(30_980),
    [path('spare')]: long(30_981, 'pool: spare\n'),
    [path('short')]: portRoute(30_982),
  });
  expect([quarantined(site), rules(site)]).toEqual([[path('long')], ['KK360']]);
  expect(site.standing.quarantined.get(path('long'))).toHaveLength(1);
  expect(await site.ports()).toMatchObject({ 'tcp 30982': '10.100.1.1:8080' });
  await site.restart();
  expect(quarantined(site)).toEqual([path('long')]);
  expect((await site.run()).kind).toBe('unchanged');
  await site.push({ [path('p8')]: undefined, [path('p9')]: undefined });
  expect(quarantined(site)).toEqual([]);
});
