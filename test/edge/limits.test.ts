// What one address may take from one host.
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openEvents } from './clients/event-reader.ts';
import { connectHttp2 } from './clients/http2-visit.ts';
import { chunk, connectRaw, LAST_CHUNK, requestHead, seenBy, visit } from './clients/raw-visit.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';
import { type EventOrigin, startEvents } from './origins/event-origin.ts';

let edge: OneEdge;
let home: EchoOrigin;
let events: EventOrigin;

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home);
  events = await startEvents(edge.origins.nas);
});
afterAll(async () => {
  await edge?.end();
  await Promise.all([home?.end(), events?.end()]);
});
beforeEach(() => home.clear());

function route(host: string, port: number, limits: string, origin = 'home'): [string, string] {
  return [`routes/hoge/${host}.yaml`, `hostname: ${host}\norigin: ${origin}\nport: ${port}\nlimits: ${limits}\n`];
}

/** Asks `count` times, one after the other: a burst for any rate of a few per second. */
async function statuses(count: number, host: string, from: string): Promise<number[]> {
  const connection = await connectRaw(edge, { host, from });
  const all: number[] = [];
  for (let sent = 0; sent < count; sent += 1) all.push((await connection.ask({ host })).status);
  connection.end();
  return all;
}

describe('maxBody', () => {
  const host = 'small.hoge.com';
  beforeAll(() => edge.publish(Object.fromEntries([route(host, home.port, '{maxBody: 2k}')])));

  test.each([
    ['Content-Length', false],
    ['chunks', true],
  ])('a body of that size passes and one byte more is answered 413, with %s', async (_title, chunked) => {
    const just = await visit(edge, { host, method: 'POST', body: Buffer.alloc(2048, 'a'), chunked });
    expect(seenBy(just)).toMatchObject({ bodyBytes: 2048, complete: true });
    const over = await visit(edge, { host, method: 'POST', body: Buffer.alloc(2049, 'a'), chunked });
    expect(over.status).toBe(413);
    expect(over.body).toContain('<h1>413 Content Too Large</h1>');
    expect(home.seen.filter(({ bodyBytes, complete }) => bodyBytes > 2048 || (complete && bodyBytes !== 2048))).toEqual(
      [],
    );
  });

  test('over HTTP/2 too', async () => {
    const connection = await connectHttp2(edge, { sni: host });
    expect((await connection.ask({ host, method: 'POST', body: Buffer.alloc(2048) })).status).toBe(200);
    expect((await connection.ask({ host, method: 'POST', body: Buffer.alloc(2049) })).status).toBe(413);
    connection.end();
  });

  test('a body that announces itself as too large is refused before it is sent, and the origin never asked', async () => {
    const connection = await connectRaw(edge, { host });
    connection.write(
      `PUT /announced HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2049\r\nExpect: 100-continue\r\n\r\n`,
    );
    expect((await connection.answer()).status).toBe(413);
    connection.end();
    expect(home.seen.filter(({ url }) => url === '/announced')).toEqual([]);
  });

  test('chunks without end are cut off, and the origin does not take what came for a whole', async () => {
    const connection = await connectRaw(edge, { host });
    connection.write(requestHead({ host, method: 'POST', chunked: true }));
    const answer = connection.answer();
    for (let sent = 0; sent < 5; sent += 1) connection.write(chunk(Buffer.alloc(1000)));
    connection.write(LAST_CHUNK);
    expect((await answer).status).toBe(413);
    connection.end();
    expect(home.seen.every(({ complete, bodyBytes }) => !complete && bodyBytes <= 2048)).toBe(true);
  });
});

describe('requestsPerSecond', () => {
  const [strict, twin, roomy] = ['strict.hoge.com', 'twin.hoge.com', 'roomy.hoge.com'];
  beforeAll(() =>
    edge.publish(
      Object.fromEntries([
        route(strict, home.port, '{requestsPerSecond: 1}'),
        route(twin, home.port, '{requestsPerSecond: 1}'),
        route(roomy, home.port, '{requestsPerSecond: 1, burst: 3}'),
      ]),
    ),
  );

  test('more are answered 429 with Retry-After and never reach the origin', async () => {
    expect(await statuses(4, strict, '127.7.0.1')).toEqual([200, 429, 429, 429]);
    expect(home.seen).toHaveLength(1);
    const refused = await visit(edge, { host: strict, from: '127.7.0.1' });
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect(refused.body).toContain('<h1>429 Too Many Requests</h1>');
  });

  test('another address, and another host with the same limits, are counted apart', async () => {
    expect(await statuses(2, strict, '127.7.1.1')).toEqual([200, 429]);
    expect(await statuses(2, strict, '127.7.1.2')).toEqual([200, 429]);
    expect(await statuses(2, twin, '127.7.1.1')).toEqual([200, 429]);
  });

  test('a burst passes at once, and what is above it does not', async () => {
    expect(await statuses(6, roomy, '127.7.2.1')).toEqual([200, 200, 200, 200, 429, 429]);
  });

  test('a change of other routes does not give anybody a new burst', async () => {
    const [path, text] = route(roomy, home.port, '{requestsPerSecond: 1, burst: 30}');
    await edge.publish({ [path]: text });
    expect(await statuses(32, roomy, '127.7.3.1')).toContain(429);
    await edge.publish(Object.fromEntries([[path, text], route(strict, home.port, '{requestsPerSecond: 7}')]));
    const again = await statuses(32, roomy, '127.7.3.1');
    // A request more for every second in between; a new count would let 31 pass.
    expect(again.filter((status) => status === 429).length).toBeGreaterThan(10);
  });
});

describe('connections', () => {
  const [narrow, other] = ['narrow.hoge.com', 'other.hoge.com'];
  beforeAll(() =>
    edge.publish(
      Object.fromEntries([
        route(narrow, events.port, '{connections: 2}', 'nas'),
        route(other, home.port, '{connections: 2}'),
      ]),
    ),
  );

  test('requests in flight from one address are counted per host, and one that ends makes room', async () => {
    const open = [];
    for (let count = 0; count < 2; count += 1) open.push(await openEvents(edge, { host: narrow, from: '127.8.0.1' }));
    expect(open.map(({ head }) => head.status)).toEqual([200, 200]);
    const refused = await visit(edge, { host: narrow, from: '127.8.0.1' });
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect((await visit(edge, { host: other, from: '127.8.0.1' })).status).toBe(200);
    open.push(await openEvents(edge, { host: narrow, from: '127.8.0.2' }));
    expect(open.at(-1)!.head.status).toBe(200);
    open[0]!.end();
    await expect.poll(() => events.streams()).toBe(2);
    const again = await openEvents(edge, { host: narrow, from: '127.8.0.1' });
    expect(again.head.status).toBe(200);
    for (const reader of [...open, again]) reader.end();
  });

  test('streams of one HTTP/2 connection count one by one', async () => {
    const connection = await connectHttp2(edge, { sni: narrow, from: '127.8.1.1' });
    const pending = [1, 2].map(() => connection.ask({ host: narrow }));
    await expect.poll(() => events.streams()).toBe(2);
    expect((await connection.ask({ host: narrow })).status).toBe(429);
    events.finish();
    expect((await Promise.all(pending)).map(({ status }) => status)).toEqual([200, 200]);
    connection.end();
  });
});

test('IPv6 visitors are counted by /64: neighbours share, other networks do not', async () => {
  const program = new URL('ipv6-visitors.ts', import.meta.url).pathname;
  const { stdout } = await execa('unshare', ['--net', process.execPath, program], { timeout: 20_000 });
  expect(JSON.parse(stdout)).toEqual([
    { from: '2001:db8:1:1::1', status: 200 },
    { from: '2001:db8:1:1:ffff::2', status: 429 },
    { from: '2001:db8:1:2::1', status: 200 },
    { from: '2001:db8:1:2::1', status: 429 },
  ]);
});
