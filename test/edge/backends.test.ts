// Several backends of one place: shares, reserves, who answers when one fails, and visitors who stay where they were.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectHttp2 } from './clients/http2-visit.ts';
import { connectRaw, seenBy, visit } from './clients/raw-visit.ts';
import { VISITS } from './clients/visits.ts';
import type { OriginName } from './fleet-data.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type BlackHole, openBlackHole } from './origins/black-hole.ts';
import { type EchoOrigin, startEcho, startH2cEcho } from './origins/echo-origin.ts';
import { type Fault, type FaultyOrigin, refusingPort, startFaulty } from './origins/faulty-origin.ts';
import type { Listening } from './origins/listening.ts';

const host = 'app.hoge.com';
const NAMES = ['home', 'office', 'nas'] as const;
const [OVER_1, OVER_2] = VISITS;

let edge: OneEdge;
let alive: EchoOrigin;
let aliveH2c: EchoOrigin;
let hole: BlackHole;
const open: Pick<Listening, 'end'>[] = [];

beforeAll(async () => {
  edge = await startOneEdge();
  alive = await startEcho(edge.origins.home, { name: 'alive' });
  aliveH2c = await startH2cEcho(edge.origins.home, { name: 'alive' });
  hole = await openBlackHole(edge.origins.nas);
  open.push(alive, aliveH2c, hole);
});
afterAll(async () => {
  await edge?.end();
  await Promise.all(open.map((origin) => origin.end()));
});

/** One line of `backends`; `more` as in `, backup: true`. */
function backend(origin: OriginName, { port }: { port: number }, more = ''): string {
  return `  - {origin: ${origin}, port: ${port}${more}}\n`;
}

/** The only route there is; what nginx remembers of failures belongs to its backends. */
async function publish(backends: string, more = ''): Promise<void> {
  await edge.publish({ 'routes/hoge/app.yaml': `hostname: ${host}\nbackends:\n${backends}${more}` });
}

/** One echo for each name, at the origin of that name. */
async function echoes<T extends OriginName>(...names: T[]): Promise<Record<T, EchoOrigin>> {
  const started = await Promise.all(names.map((name) => startEcho(edge.origins[name], { name })));
  open.push(...started);
  return Object.fromEntries(names.map((name, index) => [name, started[index]])) as Record<T, EchoOrigin>;
}

/** Name of the origin → how many of `count` requests it answered. */
async function answered(count: number, from?: string): Promise<Record<string, number>> {
  const connection = await connectRaw(edge, { host, ...(from !== undefined && { from }) });
  const names: Record<string, number> = {};
  for (let asked = 0; asked < count; asked += 1) {
    const { origin } = seenBy(await connection.ask({ host }));
    names[origin] = (names[origin] ?? 0) + 1;
  }
  connection.end();
  return names;
}

describe('weights', () => {
  test('without any, all get the same share, over HTTP/2 too', async () => {
    const { home, office } = await echoes('home', 'office');
    await publish(backend('home', home) + backend('office', office));
    const shares = await answered(300);
    for (const share of [shares.home, shares.office]) expect(share).toSatisfy(isBetween(120, 180));
    const connection = await connectHttp2(edge, { sni: host });
    const asked = Array.from({ length: 100 }, () => connection.ask({ host }));
    const names = (await Promise.all(asked)).map((answer) => seenBy(answer).origin);
    connection.end();
    expect(names.filter((name) => name === 'home').length).toSatisfy(isBetween(35, 65));
  });

  test('each gets its share', async () => {
    const { home, office, nas } = await echoes('home', 'office', 'nas');
    await publish(
      backend('home', home, ', weight: 3') + backend('office', office) + backend('nas', nas, ', weight: 6'),
    );
    const shares = await answered(300);
    expect(shares.home).toSatisfy(isBetween(70, 110));
    expect(shares.office).toSatisfy(isBetween(20, 40));
    expect(shares.nas).toSatisfy(isBetween(160, 200));
  });
});

test('a backup is asked only while the others fail', async () => {
  const { home, office, nas } = await echoes('home', 'office', 'nas');
  await publish(backend('home', home) + backend('office', office) + backend('nas', nas, ', backup: true'));
  const tree = edge.tree();
  expect(Object.keys(await answered(20)).sort()).toEqual(['home', 'office']);
  await home.end();
  expect(await answered(20)).toEqual({ office: 20 });
  await office.end();
  expect(await answered(20)).toEqual({ nas: 20 });
  open.push(await startEcho(office.address, { name: 'office', port: office.port }));
  // A new start of nginx forgets; otherwise it is looked at again after ten seconds.
  await edge.publishTree(tree);
  await expect.poll(async () => Object.keys(await answered(4))).toEqual(['office']);
});

test('a service behind an origin, one on its loopback, is a backend like others', async () => {
  const local = await startEcho('127.0.0.1', { name: 'local' });
  const { home } = await echoes('home');
  open.push(local);
  await publish(backend('office', local, ', host: 127.0.0.1') + backend('home', home));
  expect(await answered(20)).toEqual({ local: 10, home: 10 });
  await home.end();
  expect(await answered(20)).toEqual({ local: 20 });
});

describe('a connection to a backend', () => {
  test('carries more than a thousand requests, as that of the visitor does', async () => {
    const { home } = await echoes('home');
    await publish(backend('home', home));
    expect(await answered(1_001)).toEqual({ home: 1_001 });
    expect(new Set(home.seen.map(({ connection }) => connection)).size).toBe(1);
  });

  test('is not kept for as long as servers keep one, which end it after five seconds and more', async () => {
    const { home } = await echoes('home');
    await publish(backend('home', home));
    await visit(edge, { host });
    expect(home.connections()).toBe(1);
    // The service itself would keep it for two minutes.
    await expect.poll(() => home.connections(), { timeout: 15_000 }).toBe(0);
  });
});

test('a path has backends of its own', async () => {
  const { home, office, nas } = await echoes('home', 'office', 'nas');
  const own = `${backend('office', office, ', weight: 2')}${backend('nas', nas)}`.replaceAll(/^/gm, '    ').trimEnd();
  await publish(backend('home', home), `paths:\n  - prefix: /api\n    backends:\n${own}\n`);
  const names = [];
  for (let asked = 0; asked < 30; asked += 1) names.push(seenBy(await visit(edge, { host, path: '/api' })).origin);
  expect(names.filter((name) => name === 'office').length).toSatisfy(isBetween(15, 25));
  expect(names).not.toContain('home');
  expect(await answered(5)).toEqual({ home: 5 });
});

describe.each([
  ['http', () => alive],
  ['h2c', () => aliveH2c],
])('a backend that fails is passed over, with protocol %s,', (protocol, reserve) => {
  /** The one that fails is asked first, always. */
  const withReserve = (origin: OriginName, failing: { port: number }) =>
    publish(
      backend(origin, failing) + backend('home', reserve(), ', backup: true'),
      `protocol: ${protocol}\ntimeouts: {read: 500ms}\n`,
    );

  test.each(['GET', 'POST'])('when it refuses connections: %s is answered by the next', async (method) => {
    await withReserve('nas', { port: await refusingPort(edge.origins.nas) });
    const body = method === 'POST' ? { body: 'body' } : {};
    expect(seenBy(await visit(edge, { host, method, ...body }))).toMatchObject({ origin: 'alive', method });
  });

  test.each<[Fault, string, number, (typeof VISITS)[number]]>([
    ['closes', 'GET', 200, OVER_1],
    ['closes', 'GET', 200, OVER_2],
    ['resets', 'HEAD', 200, OVER_1],
    ['closes', 'DELETE', 200, OVER_2],
    ['hangs', 'GET', 200, OVER_1],
    ['closes', 'POST', 502, OVER_1],
    ['closes', 'POST', 502, OVER_2],
    ['resets', 'PATCH', 502, OVER_1],
    ['hangs', 'POST', 504, OVER_1],
  ])('when it %s: %s is answered %i, and what may not be repeated is not', async (fault, method, status, [, ask]) => {
    const failing = await faulty('nas', fault);
    await withReserve('nas', failing);
    reserve().clear();
    // A body of no bytes: nginx repeats hardly any that has some.
    const headers: [string, string][] = ['POST', 'PATCH'].includes(method) ? [['Content-Length', '0']] : [];
    expect((await ask(edge, { host, method, headers })).status).toBe(status);
    expect([failing.asked(), reserve().seen.length]).toEqual([1, status === 200 ? 1 : 0]);
  });

  test.each(['GET', 'POST'])(
    'when nothing answers to an attempt to connect: %s is answered by the next',
    async (method) => {
      await withReserve('nas', hole);
      expect(seenBy(await visit(edge, { host, method }))).toMatchObject({ origin: 'alive', method });
    },
  );

  test('at most once for each request', async () => {
    const failing = await Promise.all(NAMES.map((origin) => faulty(origin, 'closes')));
    await publish(failing.map((one, index) => backend(NAMES[index]!, one)).join(''), `protocol: ${protocol}\n`);
    expect((await visit(edge, { host })).status).toBe(502);
    expect(failing.map((one) => one.asked())).toEqual([1, 1, 0]);
  });
});

describe('sticky', () => {
  const visitors = Array.from({ length: 40 }, (_, n) => `127.7.${n}.1`);

  /** Visitor → the one origin that answered all of its requests. */
  async function places(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const from of visitors) {
      const names = Object.keys({ ...(await answered(3, from)), ...(await answered(1, from)) });
      expect(names).toHaveLength(1);
      found.set(from, names[0]!);
    }
    return found;
  }

  test('an address stays with its backend, many spread, and only those of a dead one move', async () => {
    const started = await echoes(...NAMES);
    await publish(NAMES.map((name) => backend(name, started[name])).join(''), 'sticky: true\n');
    const before = await places();
    expect(new Set(before.values())).toEqual(new Set(NAMES));
    await started.office.end();
    const after = await places();
    for (const [from, name] of before) {
      if (name === 'office') expect(after.get(from)).not.toBe('office');
      else expect(after.get(from)).toBe(name);
    }
  });

  test('a new backend takes over some addresses, and no other changes places', async () => {
    const { home, office, nas } = await echoes(...NAMES);
    const two = backend('home', home) + backend('office', office);
    await publish(two, 'sticky: true\n');
    const before = await places();
    await publish(two + backend('nas', nas), 'sticky: true\n');
    const after = await places();
    const moved = visitors.filter((from) => before.get(from) !== after.get(from));
    expect(new Set(moved.map((from) => after.get(from)))).toEqual(new Set(['nas']));
  });

  test('a path may be so alone', async () => {
    const { home, office } = await echoes('home', 'office');
    const two = backend('home', home) + backend('office', office);
    await publish(
      two,
      `paths:\n  - prefix: /api\n    sticky: true\n    backends:\n${two.replaceAll(/^/gm, '  ').trimEnd()}\n`,
    );
    const names = new Set<string>();
    for (let asked = 0; asked < 6; asked += 1)
      names.add(seenBy(await visit(edge, { host, path: '/api', from: '127.7.0.1' })).origin);
    expect(names.size).toBe(1);
    expect(Object.keys(await answered(6, '127.7.0.1'))).toHaveLength(2);
  });
});

async function faulty(origin: OriginName, fault: Fault): Promise<FaultyOrigin> {
  const started = await startFaulty(edge.origins[origin], fault);
  open.push(started);
  return started;
}

function isBetween(least: number, most: number) {
  return (count: number | undefined) => count !== undefined && count >= least && count <= most;
}
