// certbot for real, against Pebble on loopback.
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { judgeCertificate } from '../../bundle/certificate.ts';
import { type LoopbackPebble, startLoopbackPebble } from '../../test/loopback-pebble.ts';
import { createCertbot } from './certbot.ts';
import { readLive } from './certbot-run.ts';

// certbot needs seconds of a core; a loaded machine has few.
vi.setConfig({ testTimeout: 60_000 });

let pebble: LoopbackPebble;
let stateDir: string;

beforeAll(async () => {
  pebble = await startLoopbackPebble();
  stateDir = await mkdtemp(join(tmpdir(), 'kokoa-certbot-'));
});

afterAll(async () => {
  await pebble.close();
  await rm(stateDir, { recursive: true, force: true });
});

function certbot(state = stateDir) {
  return createCertbot({ binary: 'certbot', stateDir: state, caFile: pebble.caFile });
}

test('registers one account, answers its thumbprint again after a restart, and keeps it from other users', async () => {
  const first = await certbot().account({ server: pebble.server });
  expect(first).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(await certbot().account({ server: pebble.server })).toBe(first);
  expect((await stat(join(stateDir, 'acme'))).mode & 0o777).toBe(0o700);
  const [home] = (await readdir(join(stateDir, 'acme'))).filter((name) => name.startsWith('account-'));
  expect((await stat(join(stateDir, 'acme', home!))).mode & 0o777).toBe(0o700);
});

test('two calls for an account at once register one', async () => {
  const state = await mkdtemp(join(tmpdir(), 'kokoa-certbot-'));
  const ca = certbot(state);
  const [one, two] = await Promise.all([ca.account({ server: pebble.server }), ca.account({ server: pebble.server })]);
  expect(one).toBe(two);
  await rm(state, { recursive: true });
});

test('orders two names at once; the CA reads nothing but TOKEN.thumbprint, and no file is left behind', async () => {
  const ca = certbot();
  pebble.answerWith(await ca.account({ server: pebble.server }));
  const before = pebble.issued();
  const names = ['app.hoge.com', 'wiki.fuga.com'];
  const pairs = await Promise.all(names.map((name) => ca.order({ server: pebble.server }, name)));
  for (const [index, hostname] of names.entries()) {
    expect(judgeCertificate({ ...pairs[index]!, hostname, now: Date.now() })).toMatchObject({ ok: true });
  }
  expect(pebble.issued() - before).toBe(2);
  const left = await readdir(join(stateDir, 'acme'), { recursive: true });
  expect(left.filter((path) => path.includes('.com') || path.includes('register-'))).toEqual([]);
});

test('an order that the agent stopped waiting for is taken over by the next one: one order, one certificate', async () => {
  const before = pebble.issued();
  const stop = new AbortController();
  const waiting = certbot().order({ server: pebble.server }, 'restart.hoge.com', stop.signal);
  waiting.catch(() => undefined);
  await delay(900);
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'certbot_failed' });
  const pair = await certbot().order({ server: pebble.server }, 'restart.hoge.com');
  expect(judgeCertificate({ ...pair, hostname: 'restart.hoge.com', now: Date.now() })).toMatchObject({ ok: true });
  expect(pebble.issued() - before).toBe(1);
});

test('an answer with the thumbprint of another account gets nothing, and the error says what the CA saw', async () => {
  const ca = certbot();
  pebble.answerWith('another-account');
  const failure = await ca.order({ server: pebble.server }, 'stolen.hoge.com').catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'acme_validation_failed', hint: expect.stringContaining('port 80') });
  expect((failure as Error).message).toContain('stolen.hoge.com');
  expect((failure as Error).message).not.toContain(stateDir);
  pebble.answerWith(await ca.account({ server: pebble.server }));
});

test('a CA that forgot the account: the order fails once, then another account is registered', async () => {
  const state = await mkdtemp(join(tmpdir(), 'kokoa-certbot-'));
  const ca = certbot(state);
  const first = await ca.account({ server: pebble.server });
  await pebble.stop();
  await pebble.start();
  await expect(ca.order({ server: pebble.server }, 'a.hoge.com')).rejects.toMatchObject({
    code: 'acme_account_unknown',
  });
  const second = await ca.account({ server: pebble.server });
  expect(second).not.toBe(first);
  pebble.answerWith(second);
  await ca.order({ server: pebble.server }, 'a.hoge.com');
  await rm(state, { recursive: true });
});

test('a CA that does not answer is an error within seconds, for an order and for an account', async () => {
  const ca = certbot();
  await ca.account({ server: pebble.server });
  await pebble.stop();
  const started = performance.now();
  await expect(ca.order({ server: pebble.server }, 'b.hoge.com')).rejects.toMatchObject({
    code: 'acme_unavailable',
    hint: expect.stringContaining('does not answer'),
  });
  const state = await mkdtemp(join(tmpdir(), 'kokoa-certbot-'));
  await expect(certbot(state).account({ server: pebble.server })).rejects.toMatchObject({
    code: 'acme_account_failed',
  });
  expect(performance.now() - started).toBeLessThan(30_000);
  expect(await readdir(join(state, 'acme'))).toEqual([]);
  await rm(state, { recursive: true });
  await pebble.start();
});

test.each([
  ['*.hoge.com', 'a wildcard'],
  ['--server=https://evil.example', 'an option'],
  ['a.hoge.com,b.hoge.com', 'a list'],
  ['A.hoge.com', 'upper case'],
  ['../../etc', 'a path'],
])('refuses to order %s: %s', async (hostname) => {
  await expect(certbot().order({ server: pebble.server }, hostname)).rejects.toMatchObject({
    code: 'acme_order_failed',
  });
});

test('refuses a server that is no https URL and an email that is none', async () => {
  await expect(certbot().account({ server: 'http://127.0.0.1/dir' })).rejects.toMatchObject({
    code: 'acme_account_failed',
  });
  await expect(certbot().account({ server: pebble.server, email: '--x y@z' })).rejects.toMatchObject({
    code: 'acme_account_failed',
  });
});

test('nothing that a CA made larger than it may be is read', async () => {
  const live = join(stateDir, 'large', 'live', 'a.hoge.com');
  await mkdir(live, { recursive: true });
  await writeFile(join(live, 'privkey.pem'), '-----');
  const holding = async (count: number) => {
    await writeFile(join(live, 'fullchain.pem'), `${'é'.repeat(count)}-----`);
    return readLive(join(stateDir, 'large'), 'a.hoge.com');
  };
  expect(await holding(1000)).toMatchObject({ key: '-----' });
  expect(await holding(40_000)).toBeUndefined();

  const state = await mkdtemp(join(tmpdir(), 'kokoa-certbot-'));
  await certbot(state).account({ server: pebble.server });
  const [registration] = (await readdir(state, { recursive: true })).filter((path) => path.endsWith('/regr.json'));
  const unable = createCertbot({ binary: '/nowhere/certbot', stateDir: state });
  await writeFile(join(state, registration!), JSON.stringify({ body: 'x'.repeat(1000) }));
  expect(await unable.account({ server: pebble.server })).toMatch(/^[A-Za-z0-9_-]{43}$/);
  await writeFile(join(state, registration!), JSON.stringify({ body: 'x'.repeat(70_000) }));
  const again = createCertbot({ binary: '/nowhere/certbot', stateDir: state });
  await expect(again.account({ server: pebble.server })).rejects.toMatchObject({ code: 'certbot_failed' });
  await rm(state, { recursive: true });
});

test('a missing certbot is named', async () => {
  const state = await mkdtemp(join(tmpdir(), 'kokoa-certbot-'));
  const ca = createCertbot({ binary: '/nowhere/certbot', stateDir: state });
  await expect(ca.account({ server: pebble.server })).rejects.toThrow(/cannot run certbot/);
  await rm(state, { recursive: true });
});
