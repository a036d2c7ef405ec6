// What a visitor gets from a real nginx, and from listeners that misbehave.

import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeHost } from './edge-probe.ts';
import { freePort, openTestbed, type Testbed } from './nginx-testbed.ts';
import { createOwnWebServer, type OwnWebServer } from './own-web-server.ts';

let bed: Testbed;
let server: OwnWebServer;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  bed = await openTestbed();
  const dead = { backends: [{ address: '127.0.0.1', port: 1 }] };
  const redirect = { backends: [], redirect: { to: 'https://other.test/', status: 302 as const } };
  const login = { auth: { kind: 'basic' as const } };
  const names = ['app.hoge.test', 'dead.hoge.test', 'moved.hoge.test', 'login.hoge.test', 'narrow.hoge.test'];
  for (const hostname of names) await bed.certify(hostname);
  await bed.write('first', [
    bed.route('app.hoge.test'),
    bed.route('dead.hoge.test', dead),
    bed.route('moved.hoge.test', redirect),
    bed.route('login.hoge.test', login),
    bed.route('narrow.hoge.test', { allow: ['203.0.113.0/24'] }),
    bed.route('bare.hoge.test'),
  ]);
  await bed.swap('first');
  await bed.web.reload();
  server = ownWebServer(bed.httpsPort);
}, 30_000);

afterAll(async () => {
  for (const close of closing) close();
  await bed.close();
});

function ownWebServer(httpsPort: number, addresses = ['0.0.0.0']): OwnWebServer {
  return createOwnWebServer({ listen: { addresses, httpsPort }, httpsSocket: join(bed.dir, 'no-such.sock') });
}

/** A TLS listener that answers with these bytes, then does as told. */
async function answering(text: string, then: (socket: Socket) => void, heard: string[] = []): Promise<number> {
  const [key, cert] = await Promise.all(['testbed.key', 'testbed.pem'].map((name) => readFile(join(bed.dir, name))));
  const listener = createTlsServer({ key: key!, cert: cert! }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (part) => {
      heard.push(String(part));
      socket.write(text, () => then(socket));
    });
    closing.push(() => socket.destroy());
  });
  const port = await freePort();
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  closing.push(() => listener.close());
  return port;
}

describe('a visitor of this edge', () => {
  it.each([
    ['app.hoge.test', { status: 200 }],
    ['moved.hoge.test', { status: 302 }],
    ['narrow.hoge.test', { status: 403 }],
    ['dead.hoge.test', { status: 502 }],
    ['bare.hoge.test', { failure: 'handshake_refused: the TLS handshake failed' }],
    ['unknown.hoge.test', { failure: 'handshake_refused: the TLS handshake failed' }],
  ])('of %s gets %j', async (hostname, visited) => {
    expect(await server.visit(hostname)).toEqual(visited);
  });

  it('of a login without a list of users is not let in', async () => {
    expect(await server.visit('login.hoge.test')).toEqual({ status: expect.toSatisfy((status) => status >= 400) });
  });

  it('asks with GET what PROBE asks with HEAD, and PROBE sees the same web server', async () => {
    const heard: string[] = [];
    const port = await answering('HTTP/1.1 204 No Content\r\n\r\n', (socket) => socket.end(), heard);
    const own = ownWebServer(port);
    expect(await own.visit('app.hoge.test')).toEqual({ status: 204 });
    expect(await own.look('app.hoge.test', 2_000)).toEqual({ kind: 'answer', status: 204 });
    expect(heard.map((text) => text.split('\r\n')[0])).toEqual(['GET / HTTP/1.1', 'HEAD / HTTP/1.1']);
    expect(heard[0]?.toLowerCase()).toContain('\r\nhost: app.hoge.test\r\n');
  });

  it('is told when nobody listens', async () => {
    expect(await ownWebServer(await freePort()).visit('app.hoge.test')).toEqual({
      failure: expect.stringMatching(/^connection_refused: /),
    });
  });

  it.each<[string, string, (socket: Socket) => void, object]>([
    [
      'words that are not HTTP',
      'hello\r\n\r\n',
      (socket) => socket.end(),
      { failure: 'not_http: what came back is not HTTP' },
    ],
    ['nothing', '', (socket) => socket.end(), { failure: expect.stringMatching(/^connection_closed: /) }],
    [
      'endless headers',
      `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}`,
      () => undefined,
      { failure: expect.stringMatching(/^not_http: /) },
    ],
    [
      'a redirect, which is not followed',
      'HTTP/1.1 301 Moved\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n',
      () => undefined,
      { status: 301 },
    ],
    [
      'a status that HTTP does not have',
      'HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n',
      () => undefined,
      { failure: 'not_http: 999 is no status of HTTP' },
    ],
    [
      'a body that breaks off',
      'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc',
      (socket) => socket.destroy(),
      { status: 200 },
    ],
  ])('gets %s', async (_, text, then, visited) => {
    expect(await ownWebServer(await answering(text, then)).visit('app.hoge.test')).toEqual(visited);
  });

  const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n';
  it.each<[string, string, object]>([
    ['an endless body', 'HTTP/1.1 200 OK\r\n\r\n', { ok: true, status: 200 }],
    ['another protocol', SWITCHING, { ok: false, reason: 'closed without an answer' }],
  ])('has enough of %s long before its time is up', { timeout: 20_000 }, async (_, text, result) => {
    const port = await answering(text, pour);
    const probe = { hostname: 'app.hoge.test', address: '127.0.0.1', port, method: 'GET', timeoutMs: 60_000 } as const;
    expect(await probeHost(probe)).toMatchObject(result);
  });

  it.each<[string, string, object]>([
    ['no answer', '', { ok: false, reason: 'timeout' }],
    ['a body that never ends', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc', { ok: true, status: 200 }],
  ])('waits for %s no longer than it should', async (_, text, result) => {
    const port = await answering(text, () => undefined);
    const probe = { hostname: 'app.hoge.test', address: '127.0.0.1', port, method: 'GET', timeoutMs: 300 } as const;
    expect(await probeHost(probe)).toMatchObject(result);
  });
});

/** Until the other side has had enough. */
function pour(socket: Socket): void {
  const part = Buffer.alloc(16 * 1024);
  const more = () => {
    while (!socket.destroyed && socket.write(part));
  };
  socket.on('drain', more);
  more();
}
