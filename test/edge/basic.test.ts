// Names, request targets and errors at a real edge: what a visitor meets, and what an origin sees of it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectHttp2 } from './clients/http2-visit.ts';
import { connectRaw, requestHead, seenBy, visit } from './clients/raw-visit.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';
import { FAULTS, type FaultyOrigin, refusingPort, startFaulty } from './origins/faulty-origin.ts';

let edge: OneEdge;
let home: EchoOrigin;
let office: EchoOrigin;
const faulty: FaultyOrigin[] = [];

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home, {
    name: 'home',
    reply: ({ url }) => (url === '/missing' ? { status: 404, body: 'mine' } : {}),
  });
  office = await startEcho(edge.origins.office, { name: 'office' });
  const routes: Record<string, string> = {
    'routes/hoge/app.yaml': `hostname: app.hoge.com\norigin: home\nport: ${home.port}\n`,
    'routes/hoge/wild.yaml': `hostname: '*.w.hoge.com'\norigin: office\nport: ${office.port}\n`,
    'routes/fuga/wiki.yaml': `hostname: wiki.fuga.com\norigin: office\nport: ${office.port}\n`,
    'routes/hoge/refuses.yaml': `hostname: refuses.hoge.com\norigin: nas\nport: ${await refusingPort(edge.origins.nas)}\n`,
  };
  for (const fault of FAULTS) {
    const origin = await startFaulty(edge.origins.nas, fault);
    faulty.push(origin);
    routes[`routes/hoge/${fault}.yaml`] = `hostname: ${fault}.hoge.com\norigin: nas\nport: ${origin.port}\n`;
  }
  await edge.publish(routes);
});
afterAll(async () => {
  await edge?.end();
  await Promise.all([home, office, ...faulty].map((origin) => origin?.end()));
});

describe('names', () => {
  test.each([
    ['app.hoge.com', 'home'],
    ['a.w.hoge.com', 'office'],
    ['wiki.fuga.com', 'office'],
  ])('%s is answered by %s', async (host, name) => {
    expect(seenBy(await visit(edge, { host }))).toMatchObject({ origin: name, method: 'GET' });
  });

  test.each([
    ['nobody publishes', 'unknown.hoge.com', 404],
    ['has two labels for the star', 'a.b.w.hoge.com', 404],
    ['is published, but not the one of the connection', 'wiki.fuga.com', 421],
  ])('a host that %s is answered by the edge', async (_title, host, status) => {
    expect((await visit(edge, { sni: 'app.hoge.com', host })).status).toBe(status);
    const over2 = await connectHttp2(edge, { sni: 'app.hoge.com' });
    expect((await over2.ask({ host })).status).toBe(status);
    expect((await over2.ask({ host: 'app.hoge.com' })).status).toBe(200);
    over2.end();
  });

  test.each([
    ['unknown.hoge.com', /unrecognized name/],
    ['w.hoge.com', /unrecognized name/],
    ['', /unrecognized name/],
    // nginx takes it for the star's; there is no certificate for it.
    ['a.b.w.hoge.com', /alert internal error/],
  ])('a handshake for "%s" is refused', async (sni, alert) => {
    await expect(visit(edge, { host: 'app.hoge.com', sni })).rejects.toThrow(alert);
  });

  test('one kept connection cannot reach another host by asking for it second', async () => {
    const connection = await connectRaw(edge, { host: 'app.hoge.com' });
    expect(seenBy(await connection.ask({ host: 'app.hoge.com' })).origin).toBe('home');
    expect((await connection.ask({ host: 'wiki.fuga.com' })).status).toBe(421);
    connection.end();
  });

  test('without TLS a published host is redirected, path and query untouched, and no other', async () => {
    const path = '/a%2Fb/?q=1&r=%20';
    const known = await visit(edge, { plain: true, host: 'app.hoge.com', path });
    expect([known.status, known.headers.location]).toEqual([308, `https://app.hoge.com:${edge.httpsPort}${path}`]);
    expect((await visit(edge, { plain: true, host: 'unknown.hoge.com' })).status).toBe(404);
  });
});

describe('a host without paths', () => {
  test.each([
    '/a/./b/../c',
    '//a//b',
    '/a/%2e%2e/%2F',
    '/a;b=c/..;/d',
    '/a\\b',
    '/%ff',
    '/a?b=/../c#d',
    `/${'a'.repeat(12_000)}`,
  ])('%s reaches the origin as it was sent', async (path) => {
    expect(seenBy(await visit(edge, { host: 'app.hoge.com', path })).url).toBe(path);
  });

  test.each(['/..', '/a/../../b', '/%2e%2e', '/%00', 'a', ''])(
    '%s is no path of a site and is answered 400',
    async (path) => {
      home.clear();
      expect((await visit(edge, { host: 'app.hoge.com', path })).status).toBe(400);
      expect(home.seen).toEqual([]);
    },
  );

  test.each(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])(
    '%s arrives with its body',
    async (method) => {
      const seen = seenBy(await visit(edge, { host: 'app.hoge.com', method, body: 'a body' }));
      expect(seen).toMatchObject({ method, bodyBytes: 6, complete: true });
    },
  );

  test('HEAD has no body', async () => {
    const answer = await visit(edge, { host: 'app.hoge.com', method: 'HEAD' });
    expect([answer.status, answer.body, answer.headers['x-echo']]).toEqual([200, '', 'home']);
  });

  test.each([
    ['both lengths', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['two lengths', ['Content-Length: 4', 'Content-Length: 5']],
    ['a coding nobody knows', ['Transfer-Encoding: xchunked']],
    ['two hosts', ['Host: wiki.fuga.com']],
  ])('a request with %s, which two servers may read differently, does not reach the origin', async (_title, lines) => {
    home.clear();
    const connection = await connectRaw(edge, { host: 'app.hoge.com' });
    connection.write(`POST / HTTP/1.1\r\nHost: app.hoge.com\r\n${lines.join('\r\n')}\r\n\r\n0\r\n\r\n`);
    expect((await connection.answer()).status).toBeGreaterThanOrEqual(400);
    connection.end();
    expect(home.seen).toEqual([]);
  });

  test('requests that come at once on one connection are answered one after the other', async () => {
    const connection = await connectRaw(edge, { host: 'app.hoge.com' });
    connection.write(['/1', '/2', '/3'].map((path) => requestHead({ host: 'app.hoge.com', path })).join(''));
    const urls = [];
    for (let count = 0; count < 3; count += 1) urls.push(seenBy(await connection.answer()).url);
    connection.end();
    expect(urls).toEqual(['/1', '/2', '/3']);
  });
});

test('connections to an origin are kept for whoever comes next, and speak HTTP/1.1', async () => {
  const first = seenBy(await visit(edge, { host: 'app.hoge.com', from: '127.7.0.1' }));
  const second = seenBy(await visit(edge, { host: 'app.hoge.com', from: '127.7.0.2' }));
  expect([second.connection, second.onConnection]).toEqual([first.connection, first.onConnection + 1]);
  expect(second.httpVersion).toBe('1.1');
});

describe('errors', () => {
  test("the origin's own pass unchanged", async () => {
    expect(await visit(edge, { host: 'app.hoge.com', path: '/missing' })).toMatchObject({ status: 404, body: 'mine' });
  });

  test.each(['refuses', 'closes', 'resets'])('an origin that %s is a 502 with a page of ours', async (fault) => {
    const answer = await visit(edge, { host: `${fault}.hoge.com` });
    expect([answer.status, answer.headers['content-type']]).toEqual([502, 'text/html']);
    expect(answer.body).toContain('<h1>502 Bad Gateway</h1>');
    expect(answer.body).not.toMatch(/nginx/i);
  });

  test('an answer that ends in its middle ends the connection, so that nobody takes it for whole', async () => {
    await expect(visit(edge, { host: 'tears.hoge.com' })).rejects.toThrow(/ended inside an answer|ECONNRESET|aborted/);
    const over2 = await connectHttp2(edge, { sni: 'tears.hoge.com' });
    await expect(over2.ask({ host: 'tears.hoge.com' })).rejects.toThrow(/stream/i);
    over2.end();
  });

  test('what is no HTTP does not reach the visitor as an answer', async () => {
    const over2 = await connectHttp2(edge, { sni: 'babbles.hoge.com' });
    await expect(over2.ask({ host: 'babbles.hoge.com' })).rejects.toThrow(/stream/i);
    over2.end();
  });
});
