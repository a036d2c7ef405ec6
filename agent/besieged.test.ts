// The built agent under a control plane that answers anything but bundles: it serves what it served, says what is wrong, is not filled
// up, and goes on by itself when the control plane is back.
import { readFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { BUNDLE_MEDIA_TYPE } from '../bundle/api.ts';
import {
  buildOneFile,
  freePort,
  type OneFile,
  openSigningPlane,
  type SigningPlane,
  tokenFor,
} from './one-file.fixture.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const PIECE = Buffer.alloc(1024 * 1024, ' ');
/** What one attack may leave in memory, once the room for the largest bundle that is read has been taken. */
const GROWTH_MB_MAX = 20;
const TOO_LARGE = /"msg":"[0-9.:]+: an answer of more than 20000000 bytes/;
const NOTICED_MS = 30_000;

let agent: OneFile;
let plane: SigningPlane;
/** What stands between the agent and its control plane. */
let between: Awaited<ReturnType<typeof openBetween>>;
let httpPort: number;
let running: ReturnType<OneFile['start']>;
let said = '';

beforeAll(async () => {
  [agent, plane, httpPort] = [await buildOneFile(), await openSigningPlane(), await freePort()];
  between = await openBetween(plane.url);
  publish('a.test');
  const ports = ['--http-port', String(httpPort), '--https-port', String(await freePort())];
  const args = ['join', between.url, '--fingerprint', plane.fingerprint, '--no-tunnel', '--listen', '127.0.0.1'];
  await agent.start(agent.state('besieged'), [...args, ...ports], tokenFor('tokyo-1'));
  running = agent.start(agent.state('besieged'), ['run']);
  running.stdout.on('data', (part: Buffer) => {
    said += String(part);
  });
  await vi.waitFor(() => expect(said).toContain('"msg":"applied"'), NOTICED_MS);
  between.attack(endlessly({}, PIECE));
  await vi.waitFor(() => expect(said).toMatch(TOO_LARGE), NOTICED_MS);
  between.attack(undefined);
  await vi.waitFor(() => expect(said).toContain('the control plane answers again'), NOTICED_MS);
}, 60_000);

afterAll(async () => {
  await Promise.all([between.close(), plane.close(), agent.close([agent.state('besieged')])]);
}, 60_000);

/** Its bundles go on naming the address in between. */
function publish(...hostnames: string[]): void {
  plane.publishEdge('tokyo-1', hostnames, between.url);
}

const ATTACKS: [string, Answer, RegExp][] = [
  ['ten gigabytes of spaces, again', endlessly({}, PIECE), TOO_LARGE],
  [
    'a compressed answer that never ends',
    endlessly({ 'content-encoding': 'gzip' }, gzipSync(PIECE)),
    /more than 20000000/,
  ],
  [
    'a length that nobody reads',
    (_, response) => begin(response, { 'content-length': 1e10 }),
    /answer of 10000000000 bytes/,
  ],
  [
    'a page for people',
    (_, response) => response.setHeader('content-type', 'text/html').end('<html>'),
    /found text\/html/,
  ],
  [
    'half a bundle',
    (_, response) => begin(response, {}).end('{"node":"tokyo-1","files":{'),
    /something else|found application/,
  ],
  ['a bundle of ten thousand brackets', (_, response) => begin(response, {}).end('['.repeat(1e4)), /found/],
  ['a reset', (request) => request.socket.resetAndDestroy(), /ECONNRESET/],
  ['403', refusing(403), /status 403/],
  ['401, as after a revocation', refusing(401), /status 401/],
  ['500', refusing(500), /status 500/],
];

it.each(ATTACKS)('%s', { timeout: 90_000 }, async (_, attack, words) => {
  const [before, from] = [await memoryMb(), said.length];
  between.attack(attack);
  await expect.poll(() => said.slice(from), { timeout: NOTICED_MS }).toMatch(words);
  expect(await status('a.test')).toBe(308);
  // What was read and refused is garbage, which goes when node takes the time for it.
  await expect.poll(async () => (await memoryMb()) - before, { timeout: NOTICED_MS }).toBeLessThan(GROWTH_MB_MAX);

  const hostname = `after-${from}.test`;
  publish('a.test', hostname);
  between.attack(undefined);
  await expect.poll(() => status(hostname), { timeout: NOTICED_MS }).toBe(308);
  await expect.poll(() => said.slice(from)).toContain('the control plane answers again');
});

function refusing(code: number): Answer {
  return (_, response) =>
    response.writeHead(code, { 'content-type': 'application/json' }).end('{"error":"no","message":"no"}');
}

function begin(response: ServerResponse, headers: object): ServerResponse {
  response.writeHead(200, { 'content-type': BUNDLE_MEDIA_TYPE, ...headers });
  response.flushHeaders();
  return response;
}

function endlessly(headers: object, piece: Buffer): Answer {
  return (_, response) => {
    begin(response, headers);
    let pieces = 10_000;
    const more = () => {
      pieces -= 1;
      if (pieces > 0 && !response.destroyed) response.write(piece, () => setImmediate(more));
    };
    more();
  };
}

/** Passes everything on to `target`, or answers as the attack does. */
async function openBetween(target: string) {
  let attack: Answer | undefined;
  const waiting = new Set<ServerResponse>();
  const server = createServer((incoming, outgoing) => {
    outgoing.on('error', () => undefined);
    if (attack) {
      incoming.resume();
      return attack(incoming, outgoing);
    }
    waiting.add(outgoing);
    outgoing.on('close', () => waiting.delete(outgoing));
    const passed = request(target + incoming.url, { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    attack(next: Answer | undefined): void {
      attack = next;
      // Whoever waits for news asks again, and gets what stands here now.
      for (const response of waiting) response.destroy();
      server.closeIdleConnections();
    },
    close(): Promise<void> {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function memoryMb(): Promise<number> {
  const text = await readFile(`/proc/${running.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)![1]) / 1024;
}

function status(host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = get(
      { host: '127.0.0.1', port: httpPort, headers: { host }, agent: false, timeout: 5_000 },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    asked.on('error', reject);
  });
}
