import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BUNDLE_MEDIA_TYPE, type StatusReport } from '../../bundle/api.ts';
import { POST_BYTES_MAX } from '../../bundle/limits.ts';
import { createPki, type Pki } from '../../lab/pki.ts';
import { createRun, type Run } from '../../lab/run.ts';
import type { ControlPlane } from '../ports/control-plane.ts';
import { createControlPlane } from './control-plane.ts';

const TOKEN = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ0b2t5by0xIn0.c2VjcmV0';
const TIMES = { connectMs: 300, answerMs: 300, bodyMs: 400 };
const BUNDLE = { node: 'tokyo-1', files: { 'timestamp.json': '{}' }, chunks: {} };
const STATUS: StatusReport = {
  agentVersion: '1',
  state: 'applied',
  enrolment: { wireguardPublicKey: '', signingKey: '', formats: [1] },
};

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let run: Run;
let pki: Pki;
const servers: Server[] = [];
const clients: ControlPlane[] = [];

beforeAll(async () => {
  run = createRun();
  pki = await createPki(run);
}, 20_000);

afterAll(async () => {
  expect(await run.end()).toEqual([]);
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function serve(handler: Handler): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(handler))}`;
}

function connect(urls: string[], more: { caFile?: string; preferMs?: number } = {}): ControlPlane {
  const client = createControlPlane({ urls: () => urls, token: async () => TOKEN, times: TIMES, ...more });
  clients.push(client);
  return client;
}

const json =
  (value: unknown, type = 'application/json', status = 200, headers = {}): Handler =>
  (_, response) => {
    response.writeHead(status, { 'Content-Type': type, ...headers }).end(JSON.stringify(value));
  };
const bundle = (value: unknown = BUNDLE, headers = {}) => json(value, BUNDLE_MEDIA_TYPE, 200, headers);
const ask = (client: ControlPlane) => client.offer({ root: 0, waitSeconds: 0 });

describe('a control plane that answers', () => {
  test('is asked with the token, what is known and how long to wait, and its bundle comes back', async () => {
    let seen: IncomingMessage | undefined;
    const url = await serve((request, response) => {
      seen = request;
      bundle(BUNDLE, { ETag: '"abc"' })(request, response);
    });
    const offer = await connect([`${url}/base/`]).offer({ have: 'f00', etag: '"old"', root: 3, waitSeconds: 99 });
    expect(offer).toEqual({ kind: 'bundle', bundle: BUNDLE, etag: '"abc"' });
    expect(seen?.url).toBe('/base/api/v1/edge-nodes/me/config?have=f00&root=3&wait=55');
    expect(seen?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      accept: BUNDLE_MEDIA_TYPE,
      'if-none-match': '"old"',
    });
  });

  test('may say that nothing changed, and may compress', async () => {
    const unchanged = await serve((_, response) => response.writeHead(304).end());
    expect(await ask(connect([unchanged]))).toEqual({ kind: 'unchanged' });
    const packed = await serve((_, response) => {
      response.writeHead(200, { 'Content-Type': `${BUNDLE_MEDIA_TYPE}; charset=utf-8`, 'Content-Encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify(BUNDLE)));
    });
    expect(await ask(connect([packed]))).toMatchObject({ kind: 'bundle', bundle: BUNDLE });
  });

  test('takes reports, identities, certificates and lease requests at their own paths', async () => {
    const seen: string[] = [];
    const answers: Record<string, unknown> = {
      status: { bound: false, reason: 'another\nnode' },
      identity: {},
      certificates: {},
      'a.example': { granted: false, reason: 'taken', retryAfterMs: 1e12 },
      'b.example': { granted: true, expiresAt: '2026-11-21T00:00:00Z' },
      '*.c.example': { outcome: 'ended' },
    };
    const url = await serve(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      seen.push(`${request.method} ${request.url} ${Buffer.concat(parts)}`);
      json(answers[request.url!.split('/').at(-1)!])(request, response);
    });
    const client = connect([url]);
    expect(await client.report(STATUS)).toEqual({
      kind: 'answered',
      answer: { bound: false, reason: 'another node' },
    });
    expect(await client.putIdentity({ pool: 'p' } as never)).toEqual({ kind: 'answered' });
    expect(await client.putCertificate({ hostname: 'h' } as never)).toEqual({ kind: 'answered' });
    const refused = { granted: false, reason: 'taken', retryAfterMs: 300_000 };
    const said = { server: 'https://ca.example/dir', by: 'tokyo-1', signature: 's' };
    const question = { kind: 'lease', name: 'a.example', renewal: true, ...said } as const;
    expect(await client.lease(question)).toEqual({ kind: 'answered', lease: refused });
    expect(await client.lease({ ...question, name: 'b.example' })).toMatchObject({
      kind: 'answered',
      lease: { granted: true },
    });
    const end = { kind: 'order_end', name: '*.c.example', outcome: 'rate_limited', retryAfterMs: 5, ...said } as const;
    expect(await client.orderEnded(end)).toEqual({ kind: 'answered' });
    const proof = { name: '*.c.example', by: 'tokyo-1', signature: 's' };
    const challenge = { kind: 'challenge', value: 'v', ...proof } as const;
    await client.challenge(challenge);
    const over = { kind: 'challenge_end', ...proof } as const;
    await client.challengeEnded(over);
    expect(seen).toEqual([
      `POST /api/v1/edge-nodes/me/status ${JSON.stringify(STATUS)}`,
      'POST /api/v1/edge-nodes/me/relay/identity {"pool":"p"}',
      'POST /api/v1/edge-nodes/me/relay/certificates {"hostname":"h"}',
      `POST /api/v1/edge-nodes/me/relay/leases/a.example ${JSON.stringify(question)}`,
      `POST /api/v1/edge-nodes/me/relay/leases/b.example ${JSON.stringify({ ...question, name: 'b.example' })}`,
      `POST /api/v1/edge-nodes/me/relay/orders/*.c.example ${JSON.stringify(end)}`,
      `POST /api/v1/edge-nodes/me/relay/challenges/*.c.example ${JSON.stringify(challenge)}`,
      `POST /api/v1/edge-nodes/me/relay/challenges/*.c.example/end ${JSON.stringify(over)}`,
    ]);
  });

  test('hands out the mailbox, and only members that are known', async () => {
    const identity = { pool: 'p', epoch: 1, recipient: 'r', wraps: { a: 'w' }, by: 'a', signature: 's' };
    const certificate = {
      hostname: 'h',
      recipient: 'r',
      sealed: 'x',
      notBefore: 'b',
      notAfter: 'a',
      by: 'a',
      signature: 's',
    };
    const relay = { sequence: 7, identity, certificates: [certificate] };
    const url = await serve(json({ ...relay, more: 1 }));
    expect(await connect([url]).relay(3, 0)).toEqual({ kind: 'answered', relay });
  });

  test.each<[string, object, object]>([
    ['a member that it does not know', { more: 'x', many: ['x'], texts: { x: 'y' }, is: true, count: 3 }, {}],
    ['one of a shape that none has', { more: { deep: [{}] } }, { more: undefined }],
    ['a name of the language', JSON.parse('{"__proto__": {"wrap": "x"}}'), { wrap: undefined }],
  ])('of what an edge signed, %s comes through as far as it is plain', async (_, more, left) => {
    const identity = { pool: 'p', epoch: 1, recipient: 'r', wraps: { a: 'w' }, by: 'a', signature: 's' };
    const isProto = Object.hasOwn(more, '__proto__');
    const url = await serve(json({ sequence: 7, identity: { ...identity, ...more }, certificates: [] }));
    const answer = await connect([url]).relay(3, 0);
    const expected = { ...identity, ...(isProto ? {} : more), ...left };
    expect(answer).toEqual({ kind: 'answered', relay: { sequence: 7, identity: expected, certificates: [] } });
    const found = answer.kind === 'answered' ? answer.relay.identity : undefined;
    expect(Object.getPrototypeOf(found)).toBe(Object.prototype);
  });

  test.each<[string, object]>([
    ['an escrow key without a wrap', { escrow: { recipient: 'r' } }],
    ['an escrow wrap that is no text', { escrow: { recipient: 'r', wrap: 1 } }],
    ['an escrow key that is a list', { escrow: ['r'] }],
    ['nobody withheld, as a text', { withheld: 'a' }],
    ['a number withheld', { withheld: [1] }],
    ['no epoch', { epoch: -1 }],
  ])('an identity with %s is none', async (_, change) => {
    const identity = { pool: 'p', epoch: 1, recipient: 'r', wraps: { a: 'w' }, by: 'a', signature: 's', ...change };
    const answer = await connect([await serve(json({ sequence: 7, identity, certificates: [] }))]).relay(3, 0);
    expect(answer).toMatchObject({ kind: 'unreachable' });
  });

  test('keeps its connection, and one that it closed in between is opened again', async () => {
    const sockets = new Set<unknown>();
    const server = createServer((request, response) => {
      sockets.add(request.socket);
      bundle()(request, response);
    });
    const client = connect([`http://127.0.0.1:${await listen(server)}`]);
    for (let times = 0; times < 3; times += 1) expect(await ask(client)).toMatchObject({ kind: 'bundle' });
    expect(sockets.size).toBe(1);
    // The socket ends under the next request: the server resets it as soon as a byte arrives.
    server.removeAllListeners('request');
    let resets = 0;
    server.on('request', (request, response) => {
      if (sockets.has(request.socket)) {
        resets += 1;
        request.socket.resetAndDestroy();
      } else bundle()(request, response);
    });
    expect(await ask(client)).toMatchObject({ kind: 'bundle' });
    expect(resets).toBe(1);
  });

  test.each([
    [401, 'unauthorized'],
    [403, 'suspended'],
    [404, 'unreachable'],
    [500, 'unreachable'],
    [201, 'unreachable'],
  ])('status %d means %s, told with the words of the server', async (status, kind) => {
    const words = { error: 'x', message: `no\u0007 ${TOKEN} please` };
    const offer = await ask(connect([await serve(json(words, 'application/json', status))]));
    expect(offer).toMatchObject({ kind, message: expect.stringContaining(`status ${status}, no [token] please`) });
  });

  test.each([
    ['7', 7_000],
    ['999999', 300_000],
    ['soon', 5_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('Retry-After: %s asks for a pause of %d ms', async (header, retryAfterMs) => {
    const url = await serve(json({}, 'application/json', 503, { 'Retry-After': header }));
    expect(await ask(connect([url]))).toMatchObject({ kind: 'unreachable', retryAfterMs });
  });
});

describe('several servers', () => {
  test('the next is asked when one is gone, and the one that answered is asked first from then on', async () => {
    let bad = 0;
    const down = await serve((request) => {
      bad += 1;
      request.socket.destroy();
    });
    const client = connect([down, await serve(bundle())]);
    expect(await ask(client)).toMatchObject({ kind: 'bundle' });
    expect(await ask(client)).toMatchObject({ kind: 'bundle' });
    expect(bad).toBe(1);
  });

  test('the first is asked again after a while, whoever answers in its place', async () => {
    let away = true;
    const first = await serve((request, response) => {
      if (away) request.socket.destroy();
      else bundle({ ...BUNDLE, node: 'first' })(request, response);
    });
    const client = connect([first, await serve(bundle())], { preferMs: 50 });
    expect(await ask(client)).toMatchObject({ bundle: { node: 'tokyo-1' } });
    away = false;
    await expect.poll(() => ask(client), { timeout: 5_000 }).toMatchObject({ bundle: { node: 'first' } });
    expect(await ask(client)).toMatchObject({ bundle: { node: 'first' } });
  });

  test('a definite refusal is not argued with elsewhere', async () => {
    let asked = 0;
    const other = await serve(() => {
      asked += 1;
    });
    const refusing = await serve(json({ error: 'x', message: 'revoked' }, 'application/json', 401));
    expect(await ask(connect([refusing, other]))).toMatchObject({ kind: 'unauthorized' });
    expect(asked).toBe(0);
  });
});

describe('the clock of the control plane', () => {
  const date = 'Sun, 22 Nov 2026 10:00:00 GMT';
  const answering = (status: number, header = date): Handler =>
    json({ error: 'x' }, 'application/json', status, { date: header });

  test.each([200, 304, 401, 403, 503])('is known from an answer with status %i, and goes on', async (status) => {
    const client = connect([await serve(answering(status))]);
    expect(client.serverTime()).toBeUndefined();
    await ask(client);
    const { ms, ageMs } = client.serverTime()!;
    expect(ms - ageMs).toBeCloseTo(Date.parse(date), 3);
    expect(ageMs).toBeGreaterThan(0);
  });

  test.each(['', 'yesterday', '2026-11-22T10:00:00Z', '0', 'Sun, 99 Nov 2026 10:00:00 GMT'])(
    'is not known from “%s”',
    async (header) => {
      const client = connect([await serve(answering(200, header))]);
      await ask(client);
      expect(client.serverTime()).toBeUndefined();
    },
  );
});

describe('a control plane that misbehaves', () => {
  const endless = (response: ServerResponse, piece: string, everyMs: number) => {
    const timer = setInterval(() => response.write(piece), everyMs);
    response.on('close', () => clearInterval(timer));
  };

  test.each<[string, Handler, RegExp]>([
    ['resets the connection', (request) => request.socket.resetAndDestroy(), /ECONNRESET/],
    ['never answers', () => {}, /no answer within 300 ms/],
    ['redirects', (_, response) => response.writeHead(302, { Location: 'https://evil.example/' }).end(), /status 302/],
    [
      'sends another type',
      (_, response) => response.setHeader('Content-Type', 'text/html').end('<html>'),
      /found text\/html/,
    ],
    ['sends no type', (_, response) => response.end(JSON.stringify(BUNDLE)), /found something else/],
    [
      'sends garbage',
      (_, response) => response.setHeader('Content-Type', BUNDLE_MEDIA_TYPE).end('{"node":'),
      /expected/,
    ],
    [
      'sends broken UTF-8',
      (_, response) => response.setHeader('Content-Type', BUNDLE_MEDIA_TYPE).end(Buffer.from([0x22, 0xff, 0x22])),
      /expected/,
    ],
    ['sends null', bundle(null), /expected/],
    ['sends a list', bundle([]), /unknown shape/],
    ['sends numbers for texts', bundle({ ...BUNDLE, files: { 'timestamp.json': 1 } }), /unknown shape/],
    [
      'sends a foreign prototype',
      (_, response) =>
        response.setHeader('Content-Type', BUNDLE_MEDIA_TYPE).end('{"node":"a","files":{"__proto__":"x"},"chunks":{}}'),
      /unknown shape/,
    ],
    [
      'sends huge headers',
      (_, response) => response.writeHead(200, { 'X-Fill': 'x'.repeat(20_000) }).end(),
      /HPE_HEADER_OVERFLOW/,
    ],
    [
      'cuts the body short',
      (_, response) => {
        response.writeHead(200, { 'Content-Type': BUNDLE_MEDIA_TYPE, 'Content-Length': 100 }).write('{');
        setTimeout(() => response.destroy(), 20);
      },
      /ECONNRESET|aborted/,
    ],
    [
      'dribbles for ever',
      (_, response) => {
        response.writeHead(200, { 'Content-Type': BUNDLE_MEDIA_TYPE });
        endless(response, ' ', 20);
      },
      /no end of the answer within 400 ms/,
    ],
    [
      'claims an unknown encoding',
      (_, response) => response.writeHead(200, { 'Content-Encoding': 'br' }).end('x'),
      /unknown content encoding/,
    ],
    [
      'sends gzip that is none',
      (_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('not gzip'),
      /Z_DATA_ERROR/,
    ],
  ])('one that %s is unreachable, and says why in short', async (_, handler, reason) => {
    const offer = await ask(connect([await serve(handler)]));
    expect(offer).toMatchObject({ kind: 'unreachable', message: expect.stringMatching(reason) });
    expect(JSON.stringify(offer).length).toBeLessThan(500);
    expect(JSON.stringify(offer)).not.toContain(TOKEN);
  });

  test.each([
    ['plain', {}, Buffer.alloc(POST_BYTES_MAX)],
    ['compressed', { 'Content-Encoding': 'gzip' }, gzipSync(Buffer.alloc(8 * POST_BYTES_MAX))],
  ])('a %s body without end is left at the bound', async (_, headers, piece) => {
    let written = 0;
    const url = await serve((request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', ...headers });
      const more = () => {
        if (response.destroyed || written > 100e6) return;
        written += piece.length;
        response.write(piece, () => setImmediate(more));
      };
      more();
      request.resume();
    });
    const answer = await connect([url]).report(STATUS);
    expect(answer).toMatchObject({ kind: 'unreachable', message: expect.stringMatching(/more than 262144 bytes/) });
    expect(written).toBeLessThan(50e6);
  });

  test('a long poll is given its time on top, and can be stopped', async () => {
    const slow = await serve((request, response) => void setTimeout(() => bundle()(request, response), 900));
    expect(await connect([slow]).offer({ root: 0, waitSeconds: 1 })).toMatchObject({ kind: 'bundle' });
    const stop = new AbortController();
    const offer = connect([await serve(() => {}), slow]).offer({ root: 0, waitSeconds: 55 }, stop.signal);
    setTimeout(() => stop.abort(), 50);
    expect(await offer).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('stopped') });
    expect(await connect([slow]).offer({ root: 0, waitSeconds: 1 }, stop.signal)).toMatchObject({
      kind: 'unreachable',
    });
  });

  test('a report that is too large is not sent', async () => {
    let asked = 0;
    const url = await serve(() => {
      asked += 1;
    });
    const quarantined = [{ hostname: 'h', reason: 'x'.repeat(POST_BYTES_MAX) }];
    await expect(connect([url]).report({ ...STATUS, quarantined })).rejects.toMatchObject({ code: 'post_too_large' });
    expect(asked).toBe(0);
  });
});

describe('whom the token is sent to', () => {
  async function serveTls(certificate: {
    certFile: string;
    keyFile: string;
  }): Promise<{ url: string; seen: () => number }> {
    let count = 0;
    const files = { cert: readFileSync(certificate.certFile), key: readFileSync(certificate.keyFile) };
    const server = createTlsServer(files, (request, response) => {
      count += 1;
      bundle()(request, response);
    });
    return { url: `https://127.0.0.1:${await listen(server)}`, seen: () => count };
  }

  test('a server that the pinned CA vouches for gets it', async () => {
    const { url } = await serveTls(await pki.certificate(['control.lab.test'], ['127.0.0.1']));
    expect(await ask(connect([url], { caFile: pki.caFile }))).toMatchObject({ kind: 'bundle' });
  });

  test('one that only an unknown CA vouches for does not, nor one with another name', async () => {
    const unknown = await serveTls(await pki.certificate(['control.lab.test'], ['127.0.0.1']));
    expect(await ask(connect([unknown.url]))).toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/UNABLE_TO_|SELF_SIGNED/),
    });
    const foreign = await serveTls(await pki.certificate(['other.lab.test'], ['127.0.0.2']));
    expect(await ask(connect([foreign.url], { caFile: pki.caFile }))).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
    expect([unknown.seen(), foreign.seen()]).toEqual([0, 0]);
  });

  test.each([
    'http://control.example:8080',
    'http://10.0.0.1',
    'http://127.0.0.1.evil.example',
    'https://user:pass@control.example',
    'https://control.example/?q',
    'https://control.example/#f',
    'ftp://127.0.0.1',
    'control.example',
    `https://control.example/${'x'.repeat(3000)}`,
  ])('%s is refused before anything is sent', (url) => {
    expect(() => connect([url])).toThrow(expect.objectContaining({ code: 'bad_control_plane_url' }));
  });

  test.each(['http://localhost:1', 'http://[::1]:1', 'http://127.9.9.9:1', 'https://control.example:8443/x'])(
    '%s may be used',
    (url) => {
      expect(() => connect([url])).not.toThrow();
    },
  );

  test('a CA file without a certificate is named', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kokoa-ca-'));
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, 'nothing');
    expect(() => connect(['https://control.example'], { caFile })).toThrow(expect.objectContaining({ code: 'bad_ca' }));
    rmSync(folder, { recursive: true });
  });
});
