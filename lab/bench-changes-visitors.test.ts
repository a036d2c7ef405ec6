// The visitors of the benchmark notice what they lose: they meet web servers that misbehave on purpose.
import { readFileSync } from 'node:fs';
import { constants, createSecureServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startHttp2 } from './bench-changes-http2.ts';
import { startKept } from './bench-changes-kept.ts';
import { startSockets } from './bench-changes-sockets.ts';
import type { Place, Tally } from './bench-changes-tally.ts';
import { type CertificateFiles, createPki, type Pki } from './pki.ts';
import { createRun, type Run } from './run.ts';
import { acceptKey } from './websocket-frames.ts';

const HOST = 'app.example.net';
const ONE = { count: 1, everyMs: 1 } as const;
const STREAMS = { connections: 1, streams: 3, everyMs: 1 } as const;

let run: Run;
let beside: Run | undefined;
let pki: Pki;
let files: CertificateFiles;
let close: () => void = () => undefined;

beforeAll(async () => {
  run = createRun();
  pki = await createPki(run);
  files = await pki.certificate([HOST]);
});
afterEach(() => close());
afterAll(async () => {
  await Promise.all([run?.end(), beside?.end()]);
});

function pair() {
  return { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) };
}

async function listen(server: Server | Http2Server): Promise<Place> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => server.close();
  return { port: (server.address() as AddressInfo).port, ca: pki.caPem, hostnames: [HOST] };
}

/** Asks until `enough`, then ends and answers what was met. */
async function met(visitors: { tally: Tally; end(): Promise<void> }, enough: (tally: Tally) => boolean) {
  await expect.poll(() => enough(visitors.tally), { timeout: 10_000 }).toBe(true);
  await visitors.end();
  return visitors.tally;
}

test('a kept connection that is cut under the second request has failed, and is not lost when a new one answers', async () => {
  let requests = 0;
  const server = createServer(pair(), (request, response) => {
    requests += 1;
    if (requests % 2 === 0) request.socket.destroy();
    else response.end('ok\n');
  });
  const { failed, lost, reasons } = await met(startKept(await listen(server), ONE), (tally) => tally.failed >= 3);
  expect([failed >= 3, lost]).toEqual([true, 0]);
  expect([...reasons.keys()]).toEqual(['kept connection: ECONNRESET']);
});

test.each<[string, (count: number) => number]>([
  ['nobody answers after the first', (count) => (count === 1 ? 200 : 0)],
  ['every answer but the first is 502', (count) => (count === 1 ? 200 : 502)],
])('a request is lost when %s', async (_title, status) => {
  let requests = 0;
  const server = createServer(pair(), (request, response) => {
    requests += 1;
    const code = status(requests);
    if (code === 0) request.socket.destroy();
    else response.writeHead(code).end('ok\n');
  });
  const { asked, lost } = await met(startKept(await listen(server), ONE), (tally) => tally.lost >= 2);
  expect(lost).toBe(asked - 1);
});

test('an answer that breaks off is lost', async () => {
  const server = createServer(pair(), (_request, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('begun', () => response.destroy());
  });
  const { asked, lost } = await met(startKept(await listen(server), ONE), (tally) => tally.lost >= 1);
  expect(lost).toBe(asked);
});

test('a certificate of another authority serves nobody', async () => {
  const place = await listen(createServer(pair(), (_request, response) => response.end('ok\n')));
  beside = createRun();
  const other = await createPki(beside);
  const { asked, lost } = await met(startKept({ ...place, ca: other.caPem }, ONE), (tally) => tally.lost >= 1);
  expect(lost).toBe(asked);
});

test('what GOAWAY says is not begun is asked again on a new connection, and nothing is lost', async () => {
  const server = createSecureServer(pair());
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined);
    // What came before is answered; this one and all after it were never begun.
    if (stream.id! > 5) stream.session!.goaway(0, 5);
    else answer(stream);
  });
  const visitors = startHttp2(await listen(server), STREAMS);
  const { failed, lost } = await met(visitors, (tally) => tally.failed >= 3);
  expect([failed >= 3, lost]).toEqual([true, 0]);
  expect(visitors.goaways()).toBeGreaterThan(0);
});

test('a stream that is refused is asked again, and nothing is lost', async () => {
  let streams = 0;
  const server = createSecureServer(pair());
  server.on('stream', (stream: ServerHttp2Stream) => {
    streams += 1;
    stream.on('error', () => undefined);
    if (streams % 2) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else answer(stream);
  });
  const { failed, lost } = await met(
    startHttp2(await listen(server), { ...STREAMS, streams: 1 }),
    (tally) => tally.failed >= 3,
  );
  expect([failed >= 3, lost]).toEqual([true, 0]);
});

test.each<[string, (stream: ServerHttp2Stream) => void]>([
  ['the connection is cut without GOAWAY', (stream) => stream.session!.destroy()],
  ['the stream is reset after it was begun', (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR)],
  ['the answer breaks off', (stream) => beginAndCut(stream)],
])('a request over HTTP/2 is lost when %s', async (_title, misbehave) => {
  const server = createSecureServer(pair());
  server.on('sessionError', () => undefined);
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined);
    misbehave(stream);
  });
  const { asked, lost } = await met(startHttp2(await listen(server), STREAMS), (tally) => tally.lost >= 3);
  expect(lost).toBe(asked);
});

test('a WebSocket that is closed has lost, and is opened again', async () => {
  let opened = 0;
  const server = createServer(pair());
  server.on('upgrade', (request, socket) => {
    opened += 1;
    const accept = acceptKey(request.headers['sec-websocket-key']!);
    socket.on('error', () => undefined);
    const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
    socket.once('data', () => socket.destroy());
  });
  const visitors = await startSockets(await listen(server), ONE);
  const { asked, lost, reasons } = await met(visitors, (tally) => tally.lost >= 2);
  expect(lost).toBe(asked);
  expect(opened).toBeGreaterThan(1);
  expect([...reasons.keys()].every((reason) => /closed|ECONNRESET/.test(reason))).toBe(true);
});

function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 });
  stream.end('ok\n');
}

function beginAndCut(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 });
  stream.write('begun', () => setImmediate(() => stream.session?.socket.destroy()));
}
