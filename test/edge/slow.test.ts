// A visitor who holds a connection without using it is sent away, and the origin is not left waiting.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectTls } from './clients/door.ts';
import { connectHttp2 } from './clients/http2-visit.ts';
import { connectRaw, requestHead, visit } from './clients/raw-visit.ts';
import { dribble, ended } from './clients/slow-visit.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';
import { type Tree, withText } from './tree.ts';

/** More than sockets and buffers on the way can hold. */
const LARGE_BYTES = 64 * 1024 * 1024;
const host = 'app.hoge.com';

let edge: OneEdge;
let home: EchoOrigin;
let normal: Tree;

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home, {
    reply: ({ url }) => (url === '/large' ? { body: 'a'.repeat(LARGE_BYTES) } : {}),
  });
  await edge.publish({
    'routes/hoge/app.yaml': `hostname: ${host}\norigin: home\nport: ${home.port}\nlimits: {maxBody: 100m}\n`,
  });
  normal = edge.tree();
});
afterAll(async () => {
  await edge?.end();
  await home?.end();
});
beforeEach(() => home.clear());

/** The same edge with one of its waiting times shortened, so that the test need not wait as long. */
async function shortened(from: string, to: string): Promise<void> {
  expect(await edge.publishTree(withText(normal, from, to))).toEqual({ ok: true });
}

test('a visitor is sent away when the head does not end, however steadily it comes', async () => {
  await shortened('client_header_timeout 15s;', 'client_header_timeout 1s;');
  const connection = await connectRaw(edge, { host });
  const sent = await dribble(connection, `GET / HTTP/1.1\r\nHost: ${host}\r\n`, 'X-More: a\r\n'.repeat(1000), 50);
  expect(sent).toBe('cut off');
  expect(home.seen).toEqual([]);
});

test('a visitor is sent away when nothing follows the handshake', async () => {
  await shortened('client_header_timeout 15s;', 'client_header_timeout 1s;');
  await ended((await connectRaw(edge, { host })).socket);
  const over2 = await connectTls(edge, { sni: host, alpn: 'h2' });
  over2.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await ended(over2);
});

test('a visitor is sent away when the body stops coming, and the origin is not left waiting', async () => {
  await shortened('client_body_timeout 60s;', 'client_body_timeout 1s;');
  const connection = await connectRaw(edge, { host });
  connection.write(`${requestHead({ host, method: 'POST', headers: { 'Content-Length': '100' } })}half`);
  await home.until(({ bodyBytes }) => bodyBytes === 4);
  expect(await ended(connection.socket)).toBe('reset');
  expect(await home.until(({ broken }) => broken)).toMatchObject({ bodyBytes: 4, complete: false });
});

test('a visitor is sent away when the answer is not read, and the origin is not left waiting', async () => {
  await shortened('    send_timeout 60s;', '    send_timeout 1s;');
  const connection = await connectRaw(edge, { host });
  connection.socket.pause();
  connection.write(requestHead({ host, path: '/large' }));
  await home.until(({ url, broken }) => url === '/large' && broken);
  connection.end();
});

test('a visitor is sent away when a kept connection stays idle', async () => {
  await shortened('    keepalive_timeout 75s;', '    keepalive_timeout 1s;');
  const connection = await connectRaw(edge, { host });
  expect((await connection.ask({ host })).status).toBe(200);
  await ended(connection.socket);
  const over2 = await connectHttp2(edge, { sni: host });
  expect((await over2.ask({ host })).status).toBe(200);
  await over2.closed;
});

test('a head that is too large is answered 4xx and never reaches the origin', async () => {
  await edge.publishTree(normal);
  const headers = Array.from({ length: 10 }, (_, n) => [`X-Large-${n}`, 'a'.repeat(8000)] as const);
  expect((await visit(edge, { host, headers })).status).toBe(400);
  expect((await visit(edge, { host, path: `/${'a'.repeat(17_000)}` })).status).toBe(414);
  expect(home.seen).toEqual([]);
});
