// The whole reconciler on loopback: a real repository, a real store, real keys, a real port.
import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createDevelopmentKeys } from './adapters/key-files.ts';
import { type MintedToken, mintToken } from './adapters/token-mint.ts';
import { edge, type Files, FLEET, route } from './site.fixture.ts';
import { type ReconcilerOptions, type RunningReconciler, startReconciler } from './wiring.ts';

const SECRET = 'a webhook secret';
const POLL_MS = 60_000;
const SOON = { timeout: 10_000, interval: 20 };
/** Three seconds for a run under way, and some for the rest. */
const STOP_MS_MAX = 6000;

let top: string;
let repository: string;
const minted = {} as Record<'e1' | 'e2', MintedToken>;
const running: RunningReconciler[] = [];
let lines: string[] = [];

beforeAll(async () => {
  for (const node of ['e1', 'e2'] as const) minted[node] = await mintToken({ node, generation: 1 });
});
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-wiring-'));
  repository = join(top, 'repository');
  lines = [];
  await createDevelopmentKeys(join(top, 'keys'), new Date());
  await git(top, 'init', '--quiet', '-b', 'main', repository);
  await commit({ ...FLEET, 'edges/e1.yaml': withToken('e1'), 'edges/e2.yaml': withToken('e2') });
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  await rm(top, { recursive: true, force: true });
});

const withToken = (name: 'e1' | 'e2', state = 'active') =>
  edge(name, { state }).replace(/^token: .*$/m, `token: sha256:${minted[name].sha256}`);

async function git(cwd: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH!, HOME: cwd, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
  return (await execa('git', [...identity, ...args], { cwd, env, extendEnv: false, stdin: 'ignore' })).stdout;
}

async function commit(files: Files): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    if (text === undefined) await rm(join(repository, path));
    else await writeFile(join(repository, path), text);
  }
  await git(repository, 'add', '-A');
  await git(repository, 'commit', '--quiet', '-m', 'change');
  return git(repository, 'rev-parse', 'HEAD');
}

async function start(change: Partial<ReconcilerOptions> = {}): Promise<RunningReconciler> {
  const one = await startReconciler({
    ...{ repository, branch: 'main', dataDir: join(top, 'data'), keysDir: join(top, 'keys') },
    listen: { host: '127.0.0.1', port: 0 },
    secrets: { secretsDir: undefined, credentialsDir: undefined, env: {} },
    ...{ tls: undefined, behindProxy: false, gitCaFile: undefined, gitAuthorization: undefined },
    ...{ webhookSecret: SECRET, pollMs: POLL_MS, logFormat: 'text', writeLog: (line) => void lines.push(line) },
    ...change,
  });
  running.push(one);
  return one;
}

/** The status, or for 200 the routes of the config as any HTTP client reads them. */
async function config({ url }: RunningReconciler, token: string): Promise<number | Record<string, string>> {
  const response = await fetch(`${url}/api/v1/edge-nodes/me/config`, { headers: { authorization: `Bearer ${token}` } });
  const body = (await response.json()) as { routes: Record<string, string> };
  return response.status === 200 ? body.routes : response.status;
}

async function status({ url }: RunningReconciler, path: string): Promise<number> {
  return (await fetch(`${url}${path}`)).status;
}

async function push({ url }: RunningReconciler, after: string): Promise<number> {
  const body = JSON.stringify({ ref: 'refs/heads/main', after, deleted: false });
  const response = await fetch(`${url}/webhooks/github`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': 'd',
      'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
    },
  });
  return response.status;
}

const HOSTS = { 'app.hoge.com': '10.100.1.1:8080', 'wiki.fuga.com': '10.100.1.2:9000' };

it('publishes the repository, serves a node its config, and takes in what a webhook announces', async () => {
  const one = await start();
  expect(one.development).toBe(true);
  expect(await status(one, '/healthz')).toBe(200);
  await expect.poll(() => status(one, '/readyz'), SOON).toBe(200);
  expect(await config(one, minted.e1.token)).toEqual(HOSTS);
  expect(await config(one, 'no.such.token')).toBe(401);
  const after = await commit({
    'routes/hoge/b.yaml': route('b.hoge.com'),
    'edges/e2.yaml': withToken('e2', 'revoked'),
  });
  expect(await push(one, after)).toBeLessThan(300);
  await expect.poll(() => config(one, minted.e1.token), SOON).toEqual({ ...HOSTS, 'b.hoge.com': '10.100.1.1:8080' });
  expect(await config(one, minted.e2.token)).toBe(401);
  const metrics = await (await fetch(`${one.url}/metrics`)).text();
  expect(metrics).toContain('kokoa_hosts 3');
  expect(Number(/^kokoa_reconcile_duration_seconds_sum (.*)$/m.exec(metrics)![1])).toBeGreaterThan(0);
});

it('shows everybody its sealing key, which it made once and keeps for itself', async () => {
  const first = await start();
  const recipientOf = async ({ url }: RunningReconciler) =>
    (await (await fetch(`${url}/api/v1/sealing-key`, { headers: { via: '1.1 proxy' } })).json()) as object;
  const shown = await recipientOf(first);
  expect(shown).toEqual({ recipient: expect.stringMatching(/^age1[a-z0-9]{58}$/) });
  expect((await stat(join(top, 'data', 'sealing.key'))).mode & 0o777).toBe(0o600);
  await first.stop();
  expect(await recipientOf(await start())).toEqual(shown);
  expect(lines.join('')).not.toContain('AGE-SECRET-KEY');
});

it('serves again after a restart without git, but not whom git revoked before', async () => {
  const first = await start();
  await expect.poll(() => status(first, '/readyz'), SOON).toBe(200);
  const after = await commit({ 'kokoa.yaml': 'broken', 'edges/e2.yaml': withToken('e2', 'revoked') });
  await push(first, after);
  await expect.poll(() => config(first, minted.e2.token), SOON).toBe(401);
  await first.stop();
  await rename(repository, `${repository}-gone`);
  const second = await start();
  expect(await status(second, '/readyz')).toBe(200);
  expect(await config(second, minted.e1.token)).toEqual(HOSTS);
  expect(await config(second, minted.e2.token)).toBe(401);
  await expect.poll(() => lines.some((line) => line.includes('a run failed')), SOON).toBe(true);
  expect(lines.join('')).toMatch(/code=source_unreachable .*todo=/);
  expect(await config(second, minted.e2.token)).toBe(401);
});

it('says what is wrong when the data has problems, and is not ready while nothing was published', async () => {
  await commit({ 'kokoa.yaml': 'acme: [' });
  const one = await start();
  await expect
    .poll(() => lines.join(''), SOON)
    .toMatch(/held back; nothing is published yet .*reason="kokoa\.yaml:1:\d+: .*todo=/);
  expect([await status(one, '/healthz'), await status(one, '/readyz')]).toEqual([200, 503]);
  expect(await config(one, minted.e1.token)).toBe(401);
});

it.each([{ host: '0.0.0.0' }, { host: '::' }])(
  'refuses to serve development keys on $host, and lets go of everything',
  async ({ host }) => {
    await expect(start({ listen: { host, port: 0 } })).rejects.toMatchObject({
      code: 'insecure_listen',
      hint: expect.stringMatching(/./),
    });
    const one = await start();
    await one.stop();
    await one.ended;
  },
);

it('stops while a fetch hangs, within seconds, and can be started again', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await expect.poll(() => silent.address()).not.toBeNull();
  const { port } = silent.address() as AddressInfo;
  const asked = new Promise((resolve) => silent.once('request', resolve));
  try {
    const one = await start({ repository: `http://127.0.0.1:${port}/repository` });
    await asked;
    const sinceMs = performance.now();
    await Promise.all([one.stop(), one.stop(), one.ended]);
    expect(performance.now() - sinceMs).toBeLessThan(STOP_MS_MAX);
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
  const again = await start();
  await expect.poll(() => status(again, '/readyz'), SOON).toBe(200);
});
