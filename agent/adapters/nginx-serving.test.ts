// What a visitor, a certificate authority and an origin meet at a real nginx that runs a rendered tree.
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { probeHost } from './edge-probe.ts';
import { type Answer, openTestbed, type Testbed, THUMBPRINTS } from './nginx-testbed.ts';

let bed: Testbed;

beforeAll(async () => {
  bed = await openTestbed();
  for (const hostname of ['app.hoge.test', 'wiki.fuga.test', 'limited.hoge.test', '*.wild.test', 'narrow.hoge.test'])
    await bed.certify(hostname);
  const small = { maxBodyBytes: 1000, requestsPerSecond: 1, burst: 1 };
  await bed.write('first', [
    bed.route('app.hoge.test'),
    bed.route('wiki.fuga.test', { orderer: 'two', limits: { maxBodyBytes: 2000 } }),
    bed.route('limited.hoge.test', { limits: small }),
    bed.route('*.wild.test'),
    bed.route('narrow.hoge.test', { limits: { maxBodyBytes: 1000, connections: 1 } }),
    bed.route('nobody.hoge.test', { orderer: 'three' }),
    bed.route('spared.hoge.test', {
      backends: [
        { address: '127.0.0.1', port: 1 },
        { address: '127.0.0.1', port: bed.originPort },
      ],
    }),
    bed.route('dead.hoge.test', { backends: [{ address: '127.0.0.1', port: 1 }] }),
  ]);
  for (const hostname of ['spared.hoge.test', 'dead.hoge.test', 'narrow.hoge.test']) await bed.certify(hostname);
  await bed.swap('first');
  await bed.web.reload();
}, 30_000);

afterAll(() => bed.close());

function arrived({ body }: Answer): {
  url: string;
  bytes: number;
  headers: Record<string, string>;
  rawHeaders: string[];
} {
  return JSON.parse(body);
}

describe('names', () => {
  test.each([
    ['an unknown name', 'unknown.hoge.test'],
    ['no name', ''],
    ['an address', '127.0.0.1'],
    ['two labels where a wildcard stands for one', 'a.b.wild.test'],
    ['the name of a wildcard itself', 'wild.test'],
    ['a published name without a certificate', 'nobody.hoge.test'],
    ['the name that a class has of its own', 'b1048576.invalid'],
  ])('a handshake for %s is refused', async (_title, sni) => {
    await expect(bed.https({ host: 'app.hoge.test', sni })).rejects.toThrow(/alert|handshake|reset|hang up/i);
  });

  test.each([
    ['app.hoge.test', 'app.hoge.test', 200],
    ['App.HOGE.test', 'app.hoge.test', 200],
    ['app.hoge.test', 'APP.hoge.TEST', 200],
    ['app.hoge.test', 'app.hoge.test.', 200],
    ['a.wild.test', 'a.wild.test', 200],
    ['A.WILD.test', 'a.wild.test', 200],
    ['app.hoge.test', 'unknown.hoge.test', 404],
    ['a.wild.test', 'a.b.wild.test', 404],
    ['app.hoge.test', 'b1048576.invalid', 404],
    ['app.hoge.test', '127.0.0.1', 404],
    ['app.hoge.test', 'wiki.fuga.test', 421],
    ['app.hoge.test', 'narrow.hoge.test', 421],
    ['a.wild.test', 'b.wild.test', 421],
    ['app.hoge.test', 'app.hoge.test:8443', 200],
  ])('a connection for %s that asks for %s is answered %i', async (sni, host, status) => {
    expect((await bed.https({ sni, host })).status).toBe(status);
  });

  test('a name with a trailing dot in the handshake is the same name', async () => {
    // node:tls refuses to check such a name, and sends it all the same.
    expect((await bed.https({ sni: 'app.hoge.test.', host: 'app.hoge.test' })).status).toBe(200);
  });

  test('the wrong connection is told so in HTTP/2 too', async () => {
    const session = connectHttp2(`https://127.0.0.1:${bed.httpsPort}`, {
      servername: 'app.hoge.test',
      rejectUnauthorized: false,
    });
    expect(await statusOver(session, 'app.hoge.test')).toBe(200);
    expect(await statusOver(session, 'wiki.fuga.test')).toBe(421);
    expect(await statusOver(session, 'unknown.hoge.test')).toBe(404);
    session.close();
  });

  test('a request without a host is not given to the first route of a class', async () => {
    const socket = connect({
      host: '127.0.0.1',
      port: bed.httpsPort,
      servername: 'app.hoge.test',
      rejectUnauthorized: false,
    });
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(await wholeText(socket)).toMatch(/^HTTP\/1\.1 404 /);
  });
});

describe('plain HTTP', () => {
  test.each([
    ['app.hoge.test', '/a%2Fb/?q=1&r=%20', 308],
    ['a.wild.test', '/', 308],
    ['unknown.hoge.test', '/', 404],
    ['a.b.wild.test', '/', 404],
  ])('%s%s is answered %i', async (host, path, status) => {
    const answer = await bed.http({ host, path });
    expect(answer.status).toBe(status);
    expect(answer.headers.location).toBe(status === 308 ? `https://${host}:${bed.httpsPort}${path}` : undefined);
  });

  test.each([
    ['app.hoge.test', 'abc-DEF_123', `abc-DEF_123.${THUMBPRINTS.one}`],
    ['wiki.fuga.test', 'token', `token.${THUMBPRINTS.two}`],
    ['WIKI.fuga.test', 'token', `token.${THUMBPRINTS.two}`],
  ])('the challenge of %s is answered for the account of its orderer', async (host, token, body) => {
    const answer = await bed.http({ host, path: `/.well-known/acme-challenge/${token}` });
    expect([answer.status, answer.body]).toEqual([200, body]);
  });

  test.each([
    ['a token with a dot', 'app.hoge.test', 'a.b'],
    ['a token with markup', 'app.hoge.test', '%3Cscript%3E'],
    ['a token with a line end', 'app.hoge.test', 'abc%0a'],
    ['a token with a NUL', 'app.hoge.test', 'abc%00'],
    ['no token', 'app.hoge.test', ''],
    ['a path below', 'app.hoge.test', 'a/b'],
    ['a token of 129 characters', 'app.hoge.test', 'a'.repeat(129)],
    ['an unknown host', 'unknown.hoge.test', 'abc'],
    ['a wildcard, which HTTP cannot prove', 'a.wild.test', 'abc'],
    ['a host whose orderer has no account', 'nobody.hoge.test', 'abc'],
  ])('no thumbprint is told for %s', async (_title, host, token) => {
    const answer = await bed.http({ host, path: `/.well-known/acme-challenge/${token}` });
    expect([400, 404]).toContain(answer.status);
    expect(answer.body).not.toMatch(/AAAA|bbbb/);
  });
});

describe('what an origin gets', () => {
  const forged = {
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Proto': 'gopher',
    'X-Forwarded-Host': 'evil.test',
    'X-Forwarded-Port': '1',
    'X-Real-IP': '6.6.6.6',
    Forwarded: 'for=6.6.6.6',
    'True-Client-IP': '6.6.6.6',
    'CF-Connecting-IP': '6.6.6.6',
    'X-Original-URL': '/6.6.6.6',
    X_Forwarded_For: '6.6.6.6',
    Proxy: 'http://6.6.6.6',
  };

  test('the true client address in every form, and nothing that the client forged', async () => {
    const { headers, rawHeaders } = arrived(await bed.https({ host: 'app.hoge.test', headers: forged }));
    expect(rawHeaders.join('\n')).not.toMatch(/6\.6\.6\.6|gopher|evil/);
    expect(headers).toMatchObject({
      host: 'app.hoge.test',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'app.hoge.test',
      'x-forwarded-port': String(bed.httpsPort),
      'x-forwarded-proto': 'https',
      'x-real-ip': '127.0.0.1',
      forwarded: 'for=127.0.0.1;host=app.hoge.test;proto=https',
    });
  });

  test('an IPv6 address bracketed and quoted, as RFC 7239 wants', async () => {
    const socket = connect({
      host: '::1',
      port: bed.httpsPort,
      servername: 'app.hoge.test',
      rejectUnauthorized: false,
    });
    socket.write('GET / HTTP/1.1\r\nHost: app.hoge.test\r\nConnection: close\r\n\r\n');
    const text = await wholeText(socket);
    expect(text).toContain('"forwarded":"for=\\"[::1]\\";host=app.hoge.test;proto=https"');
    expect(text).toContain('"x-forwarded-for":"::1"');
  });

  test('the path and query as they were sent', async () => {
    const path = '/a%2Fb//c/?x=%2F&y';
    expect(arrived(await bed.https({ host: 'app.hoge.test', path })).url).toBe(path);
  });

  test('no upgrade to anything but WebSocket', async () => {
    const headers = { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' };
    const { headers: got } = arrived(await bed.https({ host: 'app.hoge.test', headers }));
    expect(Object.keys(got)).not.toEqual(expect.arrayContaining(['upgrade']));
    expect(got['http2-settings']).toBeUndefined();
  });

  test('its own errors pass, and its attempts to steer the web server do not', async () => {
    expect(arrived(await bed.https({ host: 'app.hoge.test', path: '/missing' })).url).toBe('/missing');
    expect(arrived(await bed.https({ host: 'app.hoge.test', path: '/steer' })).url).toBe('/steer');
  });

  test('a WebSocket is carried both ways', async () => {
    const headers = { host: 'app.hoge.test', connection: 'Upgrade', upgrade: 'websocket' };
    const asked = request({
      host: '127.0.0.1',
      port: bed.httpsPort,
      servername: 'app.hoge.test',
      rejectUnauthorized: false,
      headers,
    });
    asked.end();
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      asked.on('upgrade', (_response, upgraded) => resolve(upgraded as TLSSocket));
      asked.on('error', reject);
    });
    socket.write('ping');
    expect(await firstText(socket)).toBe('ping');
    socket.destroy();
  });

  test('an event arrives before the stream ends', async () => {
    const asked = request({
      host: '127.0.0.1',
      port: bed.httpsPort,
      path: '/events',
      servername: 'app.hoge.test',
      rejectUnauthorized: false,
      headers: { host: 'app.hoge.test' },
    });
    asked.end();
    const first = await new Promise<string>((resolve, reject) => {
      asked.on('response', (response) => response.once('data', (part) => resolve(String(part))));
      asked.on('error', reject);
    });
    asked.destroy();
    expect(first).toBe('data: first\n\n');
  });

  test('a backup answers when the first backend is dead; 502 when there is none', async () => {
    expect((await bed.https({ host: 'spared.hoge.test' })).status).toBe(200);
    expect((await bed.https({ host: 'spared.hoge.test', method: 'POST', body: 'x' })).status).toBe(200);
    const dead = await bed.https({ host: 'dead.hoge.test' });
    expect(dead.status).toBe(502);
    expect(dead.body).toContain('<h1>502 Bad Gateway</h1>');
    expect(dead.body).not.toMatch(/nginx|<script/);
  });
});

describe('limits', () => {
  test.each([
    ['a Content-Length', false],
    ['chunks', true],
  ])('a body over the limit of its class is answered 413, with %s', async (_title, chunked) => {
    const host = 'wiki.fuga.test';
    expect(arrived(await bed.https({ host, method: 'POST', body: Buffer.alloc(2000), chunked })).bytes).toBe(2000);
    const refused = await bed.https({ host, method: 'POST', body: Buffer.alloc(2001), chunked });
    expect(refused.status).toBe(413);
    expect(refused.body).toContain('413 Content Too Large');
  });

  test('too many requests are answered 429 with Retry-After, and other hosts do not notice', async () => {
    const answers = [];
    for (let sent = 0; sent < 5; sent += 1) answers.push(await bed.https({ host: 'limited.hoge.test' }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429, 429]);
    expect(answers.at(-1)!.headers['retry-after']).toBe('1');
    expect((await bed.https({ host: 'app.hoge.test' })).status).toBe(200);
  });
});

test('more requests at once than allowed are answered 429 until one ends', async () => {
  const host = 'narrow.hoge.test';
  const stream = request({
    host: '127.0.0.1',
    port: bed.httpsPort,
    path: '/events',
    servername: host,
    rejectUnauthorized: false,
    headers: { host },
  });
  stream.on('error', () => undefined);
  stream.end();
  await new Promise((resolve) => stream.on('response', (response) => response.once('data', resolve)));
  expect((await bed.https({ host })).status).toBe(429);
  stream.destroy();
  await expect.poll(async () => (await bed.https({ host })).status).toBe(200);
});

describe('the probe of one name', () => {
  test.each([['app.hoge.test'], ['*.wild.test']])(
    'sees the certificate of %s verified by the authority it was given',
    async (hostname) => {
      const result = await probeHost({ hostname, address: '127.0.0.1', port: bed.httpsPort, caFile: bed.caFile });
      expect(result).toMatchObject({ ok: true, status: 200, certificate: { issuer: 'kokoa testbed', verified: true } });
    },
  );

  test('sees an unknown authority as not verified', async () => {
    const result = await probeHost({ hostname: 'wiki.fuga.test', address: '::1', port: bed.httpsPort });
    expect(result).toMatchObject({
      ok: true,
      certificate: { verified: false, fingerprint256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  test.each([
    ['nobody.hoge.test', () => bed.httpsPort],
    ['unknown.hoge.test', () => bed.httpsPort],
    ['app.hoge.test', () => 1],
  ])('answers why there was none for %s', async (hostname, port) => {
    const result = await probeHost({ hostname, address: '127.0.0.1', port: port() });
    expect(result).toEqual({ ok: false, reason: expect.stringMatching(/^[A-Z_]{5,}/) });
  });
});

function statusOver(session: ClientHttp2Session, authority: string): Promise<number> {
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    const stream = session.request({ ':path': '/', ':authority': authority });
    stream.on('response', (headers) => resolve(headers[':status']!));
    stream.on('error', reject);
    stream.resume();
  });
}

function firstText(socket: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (part) => resolve(String(part)));
    socket.on('error', reject);
  });
}

function wholeText(socket: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (part) => {
      text += String(part);
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}
