// The whole reconciler on loopback, and an operator's own server that it tells what changed.
import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDevelopmentKeys } from './adapters/key-files.ts';
import { edge, type Files, FLEET } from './site.fixture.ts';
import { type RunningReconciler, startReconciler } from './wiring.ts';

const KEY = 'k'.repeat(32);
const SOON = { timeout: 20_000, interval: 20 };

let top: string;
let server: Server;
let heard: { id: string; kind: string; state: string; subject: string; reason: string }[];
let running: RunningReconciler | undefined;

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-operators-'));
  heard = [];
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const signature = `sha256=${createHmac('sha256', KEY).update(body).digest('hex')}`;
      const isOurs = request.headers['x-kokoa-signature-256'] === signature;
      if (isOurs) heard.push(JSON.parse(body.toString('utf8')));
      response.writeHead(isOurs ? 204 : 403).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  await createDevelopmentKeys(join(top, 'keys'), new Date());
  await write('secrets/_notify/pager', KEY);
  await execa('git', ['init', '--quiet', '-b', 'main', join(top, 'git')]);
});

afterEach(async () => {
  await running?.stop();
  running = undefined;
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await rm(top, { recursive: true, force: true });
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(top, path)), { recursive: true });
  await writeFile(join(top, path), text);
}

async function commit(files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) await write(`git/${path}`, text!);
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
  await execa('git', [...identity, 'add', '-A'], { cwd: join(top, 'git') });
  await execa('git', [...identity, 'commit', '--quiet', '-m', 'change'], { cwd: join(top, 'git') });
}

async function start(): Promise<void> {
  await running?.stop();
  running = await startReconciler({
    ...{ repository: join(top, 'git'), branch: 'main', dataDir: join(top, 'data'), keysDir: join(top, 'keys') },
    listen: { host: '127.0.0.1', port: 0 },
    secrets: { secretsDir: join(top, 'secrets'), credentialsDir: undefined, env: {} },
    ...{ tls: undefined, behindProxy: false, gitCaFile: undefined, gitAuthorization: undefined },
    ...{ webhookSecret: undefined, pollMs: 300, logFormat: 'text', writeLog: () => undefined },
  });
}

/** One that is sent again after a restart has the same id. */
const told = () =>
  [...new Map(heard.map((one) => [one.id, one])).values()].map(({ kind, state }) => `${kind} ${state}`);

it('a commit that is held is told once, signed, across a restart, and so is its correction', {
  timeout: 60_000,
}, async () => {
  const { port } = server.address() as AddressInfo;
  const channel = `notify: [{name: pager, kind: webhook, url: 'http://127.0.0.1:${port}/', credentials: {file: pager}}]\n`;
  await commit({ ...FLEET, 'kokoa.yaml': `${FLEET['kokoa.yaml']}${channel}` });
  await start();
  // Channels are those of what is published.
  await expect.poll(async () => (await fetch(`${running!.url}/readyz`)).status, SOON).toBe(200);
  await commit({ 'edges/e1.yaml': edge('e1', { state: 'nonsense' }) });
  await expect.poll(told, SOON).toEqual(['publish-held trouble']);
  expect(heard[0]).toMatchObject({ subject: 'publishing', reason: expect.stringContaining('edges/e1.yaml') });
  await start();
  await commit({ 'edges/e1.yaml': edge('e1', { state: 'active' }) });
  await expect.poll(told, SOON).toEqual(['publish-held trouble', 'publish-held well']);
});
