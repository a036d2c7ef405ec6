// Public ports of an edge, for TCP and UDP: what comes passes as it is, from whom it may.
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTcp, openUdp } from './clients/layer-4-visit.ts';
import { visit } from './clients/raw-visit.ts';
import { loggedDuring } from './edge-log.ts';
import { kokoaYaml } from './fleet-data.ts';
import { keptAlive } from './kept-alive.ts';
import { portFreeOn } from './loopback-place.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type BlackHole, openBlackHole } from './origins/black-hole.ts';
import { startEcho } from './origins/echo-origin.ts';
import { refusingPort } from './origins/faulty-origin.ts';
import { type Layer4Origin, startTcp, startUdp } from './origins/layer-4-origin.ts';
import { withText } from './tree.ts';

const FROM = '127.7.0.1';
/** Longer than the time after which silence ends a session in these tests. */
const SILENCE_MS = 1_500;

let edge: OneEdge;
let one: Layer4Origin;
let two: Layer4Origin;
let told: Layer4Origin;
let echo: Layer4Origin;
let local: Layer4Origin;
let localUdp: Layer4Origin;
let hole: BlackHole;
const open: Pick<Layer4Origin, 'end'>[] = [];
/** Public ports that are granted. */
let [a, b]: number[] = [];

beforeAll(async () => {
  edge = await startOneEdge();
  one = await startTcp(edge.origins.home, 'one');
  two = await startTcp(edge.origins.office, 'two');
  told = await startTcp(edge.origins.home, 'told', { headed: true });
  echo = await startUdp(edge.origins.home, 'echo');
  local = await startTcp('127.0.0.1', 'local');
  localUdp = await startUdp('127.0.0.1', 'local');
  hole = await openBlackHole(edge.origins.nas);
  open.push(one, two, told, echo, local, localUdp, hole);
  for (const _ of [1, 2]) {
    const port = await portFreeOn([edge.address, '::1']);
    if (a === undefined) a = port;
    else b = port;
  }
});
afterAll(async () => {
  await edge?.end();
  await Promise.all(open.map((origin) => origin.end()));
});
beforeEach(() => {
  for (const { clear } of [one, two, told, echo]) clear();
});

/** The routes in order have the ports `a` and `b`. */
async function publish(routes: readonly string[], now = new Date()): Promise<void> {
  const files = routes.map((text, index) => [`routes/hoge/r${index}.yaml`, `publicPort: ${[a, b][index]}\n${text}`]);
  const kokoa = kokoaYaml(edge.prefix, { ports: [a!, b!] });
  await edge.publish({ 'kokoa.yaml': kokoa, ...Object.fromEntries(files) }, { now });
}

const tcp = (to: string, more = '', told = false) => `protocol: tcp\nproxyProtocol: ${told}\n${to}${more}`;
const udp = (to: string, more = '') => `protocol: udp\n${to}${more}`;
const at = (origin: string, { port }: { port: number }) => `origin: ${origin}\nport: ${port}\n`;
const backends = (...lines: string[]) => `backends:\n${lines.map((line) => `  - {${line}}\n`).join('')}`;

/** Who answers a new connection; undefined: nobody. */
async function answerer(from = FROM, port = a!): Promise<string | undefined> {
  const connection = await openTcp(edge, port, from);
  const answer = await connection.say('hello');
  connection.end();
  return answer?.split(':')[0];
}

describe('tcp', () => {
  test('what is said arrives as it is, both ways, and the service is told nothing of the visitor', async () => {
    await publish([tcp(at('home', one)), tcp(at('office', two))]);
    const connection = await openTcp(edge, a!, FROM);
    expect(await connection.say('GET / HTTP/1.1\r\n\r\n')).toBe('one: GET / HTTP/1.1\r\n\r\n');
    expect(await connection.say('more')).toBe('one: more');
    connection.end();
    expect(one.heard()).toEqual(['GET / HTTP/1.1\r\n\r\nmore']);
    expect(await answerer(FROM, b)).toBe('two');
  });

  test.each([
    [FROM, () => `PROXY TCP4 ${FROM} ${edge.address} PORT ${a}`],
    ['::1', () => `PROXY TCP6 ::1 ::1 PORT ${a}`],
  ])('with proxyProtocol the service is told that %s comes', async (from, line) => {
    await publish([tcp(at('home', told), '', true)]);
    expect(await answerer(from)).toBe('told');
    expect(told.heard().map((heard) => heard.replace(/ \d+ (?=\d+$)/, ' PORT '))).toEqual([line()]);
  });

  test.each([
    [FROM, 'one'],
    ['127.7.6.6', undefined],
    ['127.8.0.1', undefined],
    ['::1', 'one'],
  ])('%s is answered by %s, where addresses are allowed and denied', async (from, name) => {
    await publish([tcp(at('home', one), "allow: [127.7.0.0/16, '::1']\ndeny: [127.7.6.6]\n")]);
    expect(await answerer(from)).toBe(name);
    expect(one.heard()).toHaveLength(name === undefined ? 0 : 1);
  });

  test('one address has as many connections as the limit says, and one that ends makes room', async () => {
    await publish([tcp(at('home', one), 'limits: {connections: 2}\n')]);
    const held = [await openTcp(edge, a!, FROM), await openTcp(edge, a!, FROM)];
    for (const connection of held) expect(await connection.say('hello')).toBe('one: hello');
    const logged = await loggedDuring(edge, async () => expect(await answerer()).toBeUndefined());
    // A flood that is turned away does not fill the disk.
    expect(logged).toBe('');
    expect(await answerer('127.7.0.2')).toBe('one');
    held[0]!.end();
    await expect.poll(() => answerer()).toBe('one');
    held[1]!.end();
  });

  test('IPv6 visitors are counted by /64: neighbours share, other networks do not', async () => {
    const program = new URL('ipv6-connections.ts', import.meta.url).pathname;
    const { stdout } = await execa('unshare', ['--net', process.execPath, program], { timeout: 20_000 });
    expect(JSON.parse(stdout)).toEqual([
      { from: '2001:db8:1:1::1', answered: true },
      { from: '2001:db8:1:1:ffff::2', answered: false },
      { from: '2001:db8:1:2::1', answered: true },
    ]);
  });

  test('while both sides are silent the kernel asks whether the service is still there', async () => {
    await publish([tcp(at('home', one))]);
    const connection = await openTcp(edge, a!, FROM);
    expect(await connection.say('hello')).toBe('one: hello');
    await expect.poll(() => keptAlive(one)).toEqual([true]);
    connection.end();
  });

  test.each([
    ['refuses', () => refusingPort(edge.origins.nas)],
    ['does not answer', async () => hole.port],
  ])('a backend that %s is passed over', async (_title, portOf) => {
    await publish([
      tcp(backends(`origin: nas, port: ${await portOf()}`, `origin: home, port: ${one.port}, backup: true`)),
    ]);
    expect(await answerer()).toBe('one');
  });

  test('a backend that does not answer within `connect` is passed over, and with a longer one waited for', async () => {
    const two = backends(`origin: nas, port: ${hole.port}`, `origin: home, port: ${one.port}, backup: true`);
    await publish([tcp(two, 'timeouts: {connect: 300ms}\n'), tcp(two, 'timeouts: {connect: 1m}\n')]);
    const patient = await openTcp(edge, b!, FROM);
    let isOver = false;
    void patient.say('hello').finally(() => {
      isOver = true;
    });
    expect(await answerer()).toBe('one');
    expect(isOver).toBe(false);
    patient.end();
  });

  test('at most two backends are tried for one connection', async () => {
    const refusing = await Promise.all([1, 2].map(() => refusingPort(edge.origins.nas)));
    const failing = refusing.map((port) => `origin: nas, port: ${port}`);
    await publish([tcp(backends(...failing, `origin: home, port: ${one.port}`))]);
    expect(await answerer()).toBeUndefined();
  });

  test('backends get their shares, and a backup nothing', async () => {
    const third = await startTcp(edge.origins.nas, 'third');
    open.push(third);
    const shares = `origin: home, port: ${one.port}, weight: 3`;
    await publish([
      tcp(backends(shares, `origin: office, port: ${two.port}`, `origin: nas, port: ${third.port}, backup: true`)),
    ]);
    for (let count = 0; count < 40; count += 1) await answerer();
    expect([one.heard().length, two.heard().length, third.heard().length]).toEqual([30, 10, 0]);
  });

  test('with sticky an address stays with its backend, and many spread', async () => {
    await publish([
      tcp(backends(`origin: home, port: ${one.port}`, `origin: office, port: ${two.port}`), 'sticky: true\n'),
    ]);
    const found = new Set<string>();
    for (let count = 0; count < 30; count += 1) {
      const from = `127.7.${count}.1`;
      const names = new Set([await answerer(from), await answerer(from)]);
      expect(names.size).toBe(1);
      for (const name of names) found.add(name!);
    }
    expect(found).toEqual(new Set(['one', 'two']));
  });

  test('a service behind an origin is reached', async () => {
    await publish([tcp(`${at('nas', local)}host: 127.0.0.1\n`)]);
    expect(await answerer()).toBe('local');
  });

  test('a connection that is silent for `read` ends, and another stays', async () => {
    await publish([tcp(at('home', one), 'timeouts: {read: 500ms}\n'), tcp(at('office', two))]);
    const [hasty, patient] = [await openTcp(edge, a!, FROM), await openTcp(edge, b!, FROM)];
    expect([await hasty.say('hello'), await patient.say('hello')]).toEqual(['one: hello', 'two: hello']);
    expect(await hasty.hear()).toBeUndefined();
    expect(await patient.say('still here')).toBe('two: still here');
    patient.end();
  });

  test('and without a `read` of its own after an hour', async () => {
    await publish([tcp(at('home', one))]);
    expect(await edge.publishTree(withText(edge.tree(), 'proxy_timeout 3600s;', 'proxy_timeout 1s;'))).toEqual({
      ok: true,
    });
    const connection = await openTcp(edge, a!, FROM);
    expect(await connection.say('hello')).toBe('one: hello');
    expect(await connection.hear()).toBeUndefined();
  });
});

describe('udp', () => {
  test('datagrams go there and back, each as it is, beside TCP on the same port', async () => {
    const kokoa = kokoaYaml(edge.prefix, { ports: [a!] });
    await edge.publish({
      'kokoa.yaml': kokoa,
      'routes/hoge/udp.yaml': `publicPort: ${a}\n${udp(at('home', echo))}`,
      'routes/hoge/tcp.yaml': `publicPort: ${a}\n${tcp(at('home', one))}`,
    });
    const visitor = await openUdp(edge, a!, FROM);
    expect(await visitor.ask('first')).toMatch(/^echo \d+: first$/);
    expect(await visitor.ask('second')).toMatch(/: second$/);
    visitor.end();
    expect(await answerer()).toBe('one');
    expect([echo.heard(), one.heard()]).toEqual([['first', 'second'], ['hello']]);
  });

  test('only from whom they may', async () => {
    await publish([udp(at('home', echo), 'allow: [127.7.0.0/16]\ndeny: [127.7.6.6]\n')]);
    const visitors = await Promise.all(['127.8.0.1', '127.7.6.6', FROM].map((from) => openUdp(edge, a!, from)));
    visitors[0]!.send('not allowed');
    visitors[1]!.send('denied');
    expect(await visitors[2]!.ask('allowed')).toMatch(/: allowed$/);
    for (const visitor of visitors) visitor.end();
    // The edge has one worker, which takes one datagram after the other.
    expect(echo.heard()).toEqual(['allowed']);
  });

  test('one address has as many sessions as the limit says', async () => {
    await publish([udp(at('home', echo), 'limits: {connections: 1}\n')]);
    const [first, second, other] = await Promise.all([FROM, FROM, '127.7.0.2'].map((from) => openUdp(edge, a!, from)));
    expect(await first!.ask('first')).toMatch(/: first$/);
    second!.send('second');
    expect(await other!.ask('other')).toMatch(/: other$/);
    for (const visitor of [first, second, other]) visitor!.end();
    expect(echo.heard()).toEqual(['first', 'other']);
  });

  test('a service behind an origin is reached', async () => {
    await publish([udp(`${at('nas', localUdp)}host: 127.0.0.1\n`)]);
    const visitor = await openUdp(edge, a!, FROM);
    expect(await visitor.ask('hello')).toMatch(/^local \d+: hello$/);
    visitor.end();
  });

  test('a session that is silent for `read` is another one afterwards, and otherwise the same', async () => {
    await publish([udp(at('home', echo), 'timeouts: {read: 500ms}\n'), udp(at('home', echo))]);
    const [hasty, patient] = [await openUdp(edge, a!, FROM), await openUdp(edge, b!, FROM)];
    const sessions = async () => [await hasty.ask('hello'), await patient.ask('hello')];
    const before = await sessions();
    await delay(SILENCE_MS);
    const after = await sessions();
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    hasty.end();
    patient.end();
  });
});

test('after expiresAt nothing is at the port, and before it all is as ever', async () => {
  const routes = [tcp(at('home', one), 'expiresAt: 2030-03-31T18:00Z\n'), tcp(at('office', two))];
  await publish(routes, new Date('2030-03-31T17:59:59Z'));
  expect(await answerer()).toBe('one');
  await publish(routes, new Date('2030-03-31T18:00:00Z'));
  await expect.poll(() => answerer().catch(({ code }) => code)).toBe('ECONNREFUSED');
  expect(await answerer(FROM, b)).toBe('two');
});

test('without such routes the edge listens nowhere else, and HTTP goes on', async () => {
  const home = await startEcho(edge.origins.home);
  open.push(home);
  await publish([tcp(at('home', one))]);
  await edge.publish({ 'routes/hoge/app.yaml': `hostname: app.hoge.com\n${at('home', home)}` });
  expect([...edge.tree().keys()].filter((name) => /^(streams|tls-)/.test(name) && name !== 'tls-names.map')).toEqual(
    [],
  );
  await expect.poll(() => answerer().catch(({ code }) => code)).toBe('ECONNREFUSED');
  expect((await visit(edge, { host: 'app.hoge.com' })).status).toBe(200);
});
