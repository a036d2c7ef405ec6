// One check against servers that refuse, hang, reset, lie and never end.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { BODY_BYTES_MAX, type Check, failed, type HttpCheck } from './check.ts';
import { runCheck } from './run-check.ts';
import { answering, closedPort, listening, saying } from './servers.fixture.ts';

const TIMEOUT_MS = 400;
const never = new AbortController().signal;
const run = (check: Check, timeoutMs = 5_000) => runCheck(check, timeoutMs, never);
const http = (port: number, more: Partial<HttpCheck> = {}): HttpCheck => ({
  ...{ kind: 'http', address: '127.0.0.1', port, hostname: 'app.hoge.com', path: '/health?x=1' },
  ...more,
});
const tcp = (port: number): Check => ({ kind: 'tcp', address: '127.0.0.1', port });
const REASON = /^[a-z][a-z0-9_]*(: [A-Za-z0-9 .,:;_'()-]+)?$/;

describe('http', () => {
  test('asks for the path of the hostname, once, and closes the connection', async () => {
    const server = await listening(answering('well'));
    expect(await run(http(server.port, { body: 'well' }))).toEqual({ ok: true });
    expect(server.heard()).toMatch(/^GET \/health\?x=1 HTTP\/1\.1\r\nhost: app\.hoge\.com\r\n/i);
    expect(server.heard()).toMatch(/connection: close/i);
    expect(server.count()).toBe(1);
    await vi.waitFor(() => expect(server.open()).toBe(0));
  });

  const endless = (text: string) => (socket: Socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = () => {
        while (socket.writable && socket.write(text.repeat(1000)));
      };
      socket.on('drain', more);
      more();
    });
  };
  const drop = (socket: Socket) => {
    socket.once('data', () => socket.resetAndDestroy());
  };

  test.each<[string, (socket: Socket) => void, Partial<HttpCheck>, true | RegExp]>([
    ['a status that is usual', answering('', '204 No Content'), {}, true],
    [
      'a redirect, which is not followed',
      saying('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n'),
      {},
      true,
    ],
    ['an error', answering('', '503 Sorry'), {}, /^wrong_status: 503, expected 200 to 399$/],
    ['an error that is expected', answering('', '503 Sorry'), { status: { from: 500, to: 599 } }, true],
    ['another body', answering('<html>Welcome to nginx'), { body: 'well' }, /^wrong_body: /],
    ['no body', answering(''), { body: 'well' }, /^wrong_body: /],
    ['a body that never ends', endless('x'), { body: 'well' }, /^wrong_body: /],
    ['a body that never ends, of which only the status counts', endless('x'), {}, true],
    ['a long body with the text in it', endless('all is well '), { body: 'well' }, true],
    ['the text beyond what is read', answering(`${' '.repeat(BODY_BYTES_MAX)}well`), { body: 'well' }, /^wrong_body: /],
    [
      'a body that is cut off',
      saying('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nwe'),
      { body: 'well' },
      /^connection_closed: /,
    ],
    ['nothing', (socket) => void socket.end(), {}, /^connection_closed: /],
    ['a reset', drop, {}, /^connection_closed: /],
    ['garbage', saying('SSH-2.0-OpenSSH_9.2\r\n'), {}, /^not_http: /],
    ['a head that is too long', saying(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`), {}, /^not_http: /],
    [
      'another protocol',
      saying('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      {},
      /^connection_closed: /,
    ],
    ['plain HTTP where TLS is wanted', answering('well'), { kind: 'https' }, /^handshake_refused: /],
  ])('%s', async (_title, act, more, expected) => {
    const server = await listening(act);
    const result = await run(http(server.port, more));
    if (expected === true) expect(result).toEqual({ ok: true });
    else expect(result).toMatchObject({ ok: false, reason: expect.stringMatching(expected) });
    if (!result.ok) expect(result.reason).toMatch(REASON);
    await vi.waitFor(() => expect(server.open()).toBe(0));
  });

  test('the text is found where it is split between two parts', async () => {
    const server = await listening((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n we');
        setTimeout(() => socket.write('ll'), 50);
      });
    });
    expect(await run(http(server.port, { body: 'well' }))).toEqual({ ok: true });
  });

  const drip = (socket: Socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('X: y\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    });
  };
  test.each<[string, (socket: Socket) => void, Partial<HttpCheck>]>([
    ['silence', () => undefined, {}],
    ['silence where TLS is wanted', () => undefined, { kind: 'https' }],
    ['a head that never ends', drip, {}],
    ['an answer that comes late', (socket) => void setTimeout(() => answering('')(socket), 4 * TIMEOUT_MS), {}],
    [
      'a body that stops',
      (socket) => void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n')),
      { body: 'x' },
    ],
  ])('%s ends in time', async (_title, act, more) => {
    const server = await listening(act);
    const startMs = performance.now();
    expect(await run(http(server.port, more), TIMEOUT_MS)).toEqual(
      failed('timeout', `no answer within ${TIMEOUT_MS} ms`),
    );
    expect(performance.now() - startMs).toBeLessThan(3 * TIMEOUT_MS);
    await vi.waitFor(() => expect(server.open()).toBe(0));
  });

  test('nobody there, and no such way', async () => {
    expect(await run(http(await closedPort()))).toEqual(failed('connection_refused', 'nothing listens there'));
    const strange = await run(http(80, { hostname: 'a\r\nb' }));
    expect(strange).toMatchObject({ ok: false, reason: expect.stringMatching(/^not_a_check/) });
    expect(await run(http(80, { address: 'localhost' }))).toMatchObject({ ok: false });
  });

  test('a signal ends it at once, and it says so', async () => {
    const server = await listening(() => undefined);
    const stop = new AbortController();
    const result = runCheck(http(server.port), 60_000, stop.signal);
    await vi.waitFor(() => expect(server.open()).toBe(1));
    stop.abort();
    expect(await result).toEqual(failed('stopped', 'the check was stopped'));
    await vi.waitFor(() => expect(server.open()).toBe(0));
  });
});

test('https names the hostname in the handshake and takes any certificate', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'kokoa-checks-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await execa('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-subj', '/CN=nobody', '-days', '1']);
  const names: unknown[] = [];
  const tls = createTlsServer({ key: await readFile(key), cert: await readFile(cert) }, (socket) => {
    names.push(socket.servername);
    socket.on('error', () => undefined);
    answering('well')(socket);
  });
  const server = await listening(() => undefined, tls);
  expect(await run(http(server.port, { kind: 'https', body: 'well' }))).toEqual({ ok: true });
  expect(await run(http(server.port, { kind: 'https', hostname: '127.0.0.1' }))).toEqual({ ok: true });
  expect(names).toEqual(['app.hoge.com', false]);
});

describe('tls', () => {
  const tls = (port: number, hostname?: string): Check => ({
    ...{ kind: 'tls', address: '127.0.0.1', port },
    ...(hostname !== undefined && { hostname }),
  });
  /** A fatal alert of TLS 1.2 (RFC 5246, 7.2): 112 is unrecognized_name, 80 internal_error. */
  const alert = (number: number) => (socket: Socket) => {
    socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, number])));
  };

  test.each<[string, (socket: Socket) => void, true | RegExp]>([
    ['a server that knows no such name', alert(112), true],
    ['a server that fails within', alert(80), true],
    ['a server that wants none of it', alert(40), true],
    ['one that speaks HTTP', answering('well', '400 Bad Request'), /^handshake_refused/],
    ['one that hangs up', (socket) => void socket.once('data', () => socket.end()), /^connection_closed/],
    ['one that resets', (socket) => void socket.once('data', () => socket.resetAndDestroy()), /^connection_closed/],
    ['silence', () => undefined, /^timeout/],
  ])('%s', async (_, act, expected) => {
    const server = await listening(act);
    for (const hostname of ['app.hoge.com', undefined]) {
      const result = await run(tls(server.port, hostname), TIMEOUT_MS);
      if (expected === true) expect(result).toEqual({ ok: true });
      else expect(result).toEqual({ ok: false, reason: expect.stringMatching(expected) });
    }
    await vi.waitFor(() => expect(server.open()).toBe(0));
  });

  test('nobody there', async () => {
    expect(await run(tls(await closedPort()))).toEqual(failed('connection_refused', 'nothing listens there'));
  });
});

test('tcp: a connection that is accepted is enough, and nothing is sent on it', async () => {
  const server = await listening(() => undefined);
  expect(await run(tcp(server.port))).toEqual({ ok: true });
  await vi.waitFor(() => expect(server.open()).toBe(0));
  expect(server.heard()).toBe('');
  expect(await run(tcp(await closedPort()))).toEqual(failed('connection_refused', 'nothing listens there'));
});

test('icmp: this machine replies to itself, and an address that is none is no argument', async () => {
  expect(await run({ kind: 'icmp', address: '127.0.0.1' })).toEqual({ ok: true });
  expect(await run({ kind: 'icmp', address: '::1' })).toEqual({ ok: true });
  expect(await run({ kind: 'icmp', address: '-f' })).toEqual(failed('not_an_address', 'the check names no IP address'));
});

test('a reason holds nothing that could mean something elsewhere, and is bounded', () => {
  expect(failed('a', '<b>`x`\n[y](z)\u202e')).toEqual({ ok: false, reason: 'a: b x y (z)' });
  expect(failed('a', '\u0000')).toEqual({ ok: false, reason: 'a' });
  expect(failed('a', 'x'.repeat(1000)).reason).toHaveLength(200);
});
