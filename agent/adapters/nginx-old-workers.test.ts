// Old workers of a real nginx, kept by WebSockets that nobody closes: never more than may be, the right ones end, and bursts wait.
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nginxPaths } from '../core/nginx-paths.ts';
import { createNginx } from './nginx.ts';
import { LEAVING_WORKERS_MAX, NO_RELOAD, untilRoom } from './nginx-old-workers.ts';
import { findAll, findMaster } from './nginx-processes.ts';
import { openTestbed, type Testbed } from './nginx-testbed.ts';

const HOST = 'app.hoge.test';
const PATIENCE_MS = 30;

let bed: Testbed;
/** WebSockets that have not ended: many of the first generation, and one of each that followed. */
const open = new Set<TLSSocket>();
const crowd: TLSSocket[] = [];
const lonely: TLSSocket[] = [];

beforeAll(async () => {
  bed = await openTestbed({ patienceMs: PATIENCE_MS });
  await bed.certify(HOST);
  await publish(0);
  crowd.push(...(await Promise.all([webSocket(), webSocket(), webSocket()])));
  for (let round = 1; round <= LEAVING_WORKERS_MAX + 3; round += 1) {
    if (round > 1) lonely.push(await webSocket());
    await publish(round);
  }
});

afterAll(async () => {
  for (const socket of open) socket.destroy();
  await bed?.close();
});

async function publish(round: number, web = bed.web): Promise<void> {
  await bed.write(`r${round}`, [bed.route(HOST)]);
  await bed.swap(`r${round}`);
  await web.reload();
}

async function oldWorkers(): Promise<number> {
  return (await findAll(nginxPaths(bed.dir))).filter(({ leaving }) => leaving).length;
}

test('they are bounded; the one with the fewest connections ends, and not the youngest', async () => {
  await expect.poll(oldWorkers).toBe(LEAVING_WORKERS_MAX);
  // The crowd is the oldest and the largest. Three of the others had to go: the oldest among equals.
  await expect.poll(() => lonely.findIndex((socket) => open.has(socket))).toBe(3);
  expect(lonely.slice(3).every((socket) => open.has(socket))).toBe(true);
  expect(crowd.every((socket) => open.has(socket))).toBe(true);
  for (const socket of [...crowd, lonely.at(-1)!]) expect(await echo(socket)).toBe('still here');
});

test('a change waits while they are as many as may be, for a bounded time, and the way back does not', async () => {
  const master = (await findMaster(nginxPaths(bed.dir)))!;
  const now = () => performance.now();

  // Long ago, or the way back: nobody waits.
  await untilRoom(master, 'new', NO_RELOAD, 60_000);
  await untilRoom(master, 'before', { at: now(), left: 'before' }, 60_000);
  const bounded = now();
  await untilRoom(master, 'new', { at: bounded, left: 'before' }, 500);
  expect(now() - bounded).toBeGreaterThanOrEqual(500);
});

test('a reload goes on as soon as an old worker ends, long before the time is over', async () => {
  const web = createNginx({ binary: '/usr/sbin/nginx', stateDir: bed.dir, patienceMs: 60_000 });
  await publish(100, web);
  await expect.poll(oldWorkers).toBe(LEAVING_WORKERS_MAX);
  const waiting = publish(101, web).then(() => 'went on');
  expect(await Promise.race([waiting, ended(lonely.at(-1)!)])).toBe('closed');
  expect(await waiting).toBe('went on');
  expect(await web.serving()).toBe('r101');
});

/** Closed after longer than a reload takes that waits for nobody. */
async function ended(socket: TLSSocket): Promise<'closed'> {
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  socket.destroy();
  return 'closed';
}

function echo(socket: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (part) => resolve(String(part)));
    socket.once('close', () => reject(new Error('closed')));
    socket.write('still here');
  });
}

/** One that stays; `open` holds it until it ends. */
function webSocket(): Promise<TLSSocket> {
  const asked = request({
    ...{ host: '127.0.0.1', port: bed.httpsPort, servername: HOST, rejectUnauthorized: false },
    headers: { host: HOST, connection: 'Upgrade', upgrade: 'websocket' },
  });
  asked.end();
  return new Promise((resolve, reject) => {
    asked.on('upgrade', (_response, socket) => {
      open.add(socket as TLSSocket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => open.delete(socket as TLSSocket));
      resolve(socket as TLSSocket);
    });
    asked.on('error', reject);
  });
}
