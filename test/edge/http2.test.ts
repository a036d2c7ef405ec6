// HTTP/2 to visitors, and what a change of the configuration does to their connections.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectTls } from './clients/door.ts';
import { connectHttp2 } from './clients/http2-visit.ts';
import { visit } from './clients/raw-visit.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';
import { type EventOrigin, startEvents } from './origins/event-origin.ts';
import type { Seen } from './origins/seen.ts';

const host = 'app.hoge.com';
const NO_ERROR = 0;

let edge: OneEdge;
let home: EchoOrigin;
let events: EventOrigin;

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home);
  events = await startEvents(edge.origins.nas);
  await edge.publish({
    'routes/hoge/app.yaml': `hostname: ${host}\norigin: home\nport: ${home.port}\n`,
    'routes/hoge/events.yaml': `hostname: events.hoge.com\norigin: nas\nport: ${events.port}\n`,
  });
});
afterAll(async () => {
  await edge?.end();
  await Promise.all([home?.end(), events?.end()]);
});

test('a visitor who offers both gets HTTP/2, and one who does not gets HTTP/1.1', async () => {
  const over2 = await connectTls(edge, { sni: host, alpn: 'h2' });
  expect([over2.alpnProtocol, over2.getProtocol()]).toEqual(['h2', 'TLSv1.3']);
  over2.destroy();
  const over1 = await connectTls(edge, { sni: host });
  expect(over1.alpnProtocol).toBe('http/1.1');
  over1.destroy();
});

test('requests of one connection run beside each other and arrive as HTTP/1.1', async () => {
  const connection = await connectHttp2(edge, { sni: host });
  const asked = Array.from({ length: 50 }, (_, n) =>
    connection.ask({ host, path: `/${n}`, method: 'POST', body: `body ${n}` }),
  );
  const seen = (await Promise.all(asked)).map(({ body }) => JSON.parse(body) as Seen);
  connection.end();
  expect(seen.map(({ url, bodyBytes }) => [url, bodyBytes])).toEqual(seen.map((_, n) => [`/${n}`, `body ${n}`.length]));
  expect(new Set(seen.map(({ httpVersion }) => httpVersion))).toEqual(new Set(['1.1']));
});

test('cookies that HTTP/2 sends apart arrive as one header', async () => {
  const connection = await connectHttp2(edge, { sni: host });
  const { body } = await connection.ask({
    host,
    headers: [
      ['Cookie', 'a=1'],
      ['Cookie', 'b=2'],
    ],
  });
  connection.end();
  expect((JSON.parse(body) as Seen).headers.cookie).toBe('a=1; b=2');
});

test('at a change of the configuration an idle connection is told to go without an error, and a new one serves', async () => {
  const connection = await connectHttp2(edge, { sni: host });
  expect((await connection.ask({ host })).status).toBe(200);
  expect(await edge.publishTree(edge.tree())).toEqual({ ok: true });
  expect(await connection.goaway).toBe(NO_ERROR);
  await connection.closed;
  const next = await connectHttp2(edge, { sni: host });
  expect((await next.ask({ host })).status).toBe(200);
  next.end();
});

test('a request in flight at the change is carried to its end, on the connection that is told to go', async () => {
  const connection = await connectHttp2(edge, { sni: 'events.hoge.com' });
  const answer = connection.ask({ host: 'events.hoge.com' });
  await expect.poll(() => events.streams()).toBe(1);
  expect(await edge.publishTree(edge.tree())).toEqual({ ok: true });
  expect((await visit(edge, { host })).status).toBe(200);
  events.send('after the change');
  events.finish();
  expect(await answer).toMatchObject({ status: 200, body: 'data: after the change\n\n' });
  expect(await connection.goaway).toBe(NO_ERROR);
  await connection.closed;
});
