// When a CA says so, a certificate is renewed earlier: over HTTPS for real, and whatever the answer is, nothing worse than that happens.
import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import { type AcmeTestServer, startAcmeServer } from '../test/fakes/acme-server.ts';
import type { Fault } from '../test/fakes/acme-server-faults.ts';
import {
  createMemoryCertificateAuthority,
  type MemoryCertificateAuthority,
} from '../test/fakes/memory-certificate-authority.ts';
import { createMemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { createRenewalInfo } from './adapters/renewal-info.ts';
import { certificateId } from './core/renewal-info.ts';
import { createTestPool, POOL, type TestEdge, type TestPool, until } from './pool.fixture.ts';

const [NAME, DAY_MS] = ['app.hoge.com', 86_400_000];
const AKI = { extensions: ['authorityKeyIdentifier = keyid:always'] };

let maker: CertificateMaker;
let acme: AcmeTestServer;
let ca: MemoryCertificateAuthority;
let pool: TestPool;
let edge: TestEdge;
let ahead = 0;

beforeAll(async () => {
  [maker, acme] = [await createCertificateMaker(), await startAcmeServer({ validate: () => true })];
});
afterAll(async () => {
  await Promise.all([maker.close(), acme.close()]);
});
beforeEach(async () => {
  ahead = 0;
  acme.misbehave();
  acme.nameRenewalInfo(undefined);
  ca = createMemoryCertificateAuthority(maker);
  const source = createRenewalInfo({ caFile: acme.caFile });
  const plane = createMemoryControlPlane(POOL);
  pool = await createTestPool(plane, ca, () => Date.now() + ahead, undefined, source);
  edge = await pool.addEdge('osaka-1');
});
afterEach(() => pool.close());

const configure = () => pool.configure([edge], { [NAME]: 'osaka-1' }, { acme: { server: acme.server } });
const stored = async () => (await edge.store.read(NAME))?.fullchain;
const window = (startMs: number, endMs: number) => ({
  suggestedWindow: { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() },
});
const inDays = (from: number, to: number) => window(Date.now() + from * DAY_MS, Date.now() + to * DAY_MS);

/** Another name comes, and is ordered: whatever was due before was seen. */
async function theirTurn(): Promise<void> {
  pool.configure([edge], { [NAME]: 'osaka-1', 'turn.hoge.com': 'osaka-1' }, { acme: { server: acme.server } });
  await until('the order loop had its turn', () => ca.orders.includes('turn.hoge.com'));
}

/** The edge holds a certificate of 90 days, ten days old, and runs. */
async function hold(source: 'ordered' | 'imported' = 'ordered'): Promise<string> {
  const times = { notBefore: new Date(Date.now() - 10 * DAY_MS), notAfter: new Date(Date.now() + 80 * DAY_MS) };
  const made = await maker.make({ names: [`DNS:${NAME}`], ...times, ...AKI });
  await edge.store.write(NAME, made, source);
  edge.start();
  configure();
  return (await stored())!;
}

test('a window that is over (a revocation): it is renewed once, asked for by its own id, and the next one is left alone', async () => {
  const asked = new Set<string>();
  acme.suggest((certId) => {
    asked.add(certId);
    return { ...inDays(-2, -1), explanationURL: 'https://ca.example/why' };
  });
  ca.issueInstead(NAME, { names: [`DNS:${NAME}`], ...AKI });
  const before = await hold();
  await until('it was renewed', async () => (await stored()) !== before);
  expect([...asked]).toEqual([certificateId(new X509Certificate(before).raw)]);
  await until('it was asked about the new one', () => asked.size === 2);
  // That one is an hour old, and said to be over: it waits for a thirtieth of its life.
  ahead = 2.5 * DAY_MS;
  await theirTurn();
  expect(ca.orders).toEqual([NAME, 'turn.hoge.com']);
  ahead = 3 * DAY_MS;
  configure();
  await until('it is time', () => ca.orders.length === 3);
  expect(edge.log.find((line) => line.includes('suggests to renew'))).toContain('https://ca.example/why');
});

test.each<[string, () => object | string | undefined]>([
  ['later than our own third', () => inDays(200, 300)],
  ['backwards', () => inDays(-1, -2)],
  ['of 300 000 years', () => ({ suggestedWindow: { start: '2026-11-01T00:00:00Z', end: '+275760-09-13T00:00:00Z' } })],
  ['none: it does not know the certificate', () => undefined],
])('a window %s renews nothing now', async (_title, suggestion) => {
  acme.suggest(suggestion);
  const count = acme.requests.length;
  await hold();
  await until('it was asked', () => acme.requests.slice(count).includes('renewalInfo'));
  await theirTurn();
  expect(ca.orders).toEqual(['turn.hoge.com']);
});

test('an imported certificate is not asked about', async () => {
  acme.suggest(() => inDays(-2, -1));
  const count = acme.requests.length;
  await hold('imported');
  await until('the order loop had its turn', () => edge.accounts.length === 1);
  configure();
  expect(acme.requests.slice(count)).toEqual([]);
});

const ID = 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE';
const never = new AbortController().signal;
test.each<[string, Fault, string]>([
  ['503', { kind: 'refuse', status: 503 }, 'it answers 503'],
  ['a torn answer', { kind: 'close' }, 'ECONNRESET'],
  ['too much', { kind: 'swell', bytes: 10_000_000 }, 'at most 8192'],
])('%s is no answer', async (_title, fault, reason) => {
  acme.suggest(() => inDays(1, 2));
  acme.misbehave((kind) => (kind === 'renewalInfo' ? fault : undefined));
  const info = await createRenewalInfo({ caFile: acme.caFile }).ask(acme.server, ID, never);
  expect(info).toEqual({ kind: 'failed', reason: expect.stringContaining(reason) });
});

test('the directory is asked once, the answer says when to ask again, and a CA that is not trusted is not asked', async () => {
  acme.suggest(() => inDays(1, 2), '120');
  const count = acme.requests.length;
  const source = createRenewalInfo({ caFile: acme.caFile });
  for (let turn = 0; turn < 2; turn += 1)
    expect(await source.ask(acme.server, ID, never)).toMatchObject({ kind: 'answered', askAgainMs: 120_000 });
  expect(acme.requests.slice(count)).toEqual(['directory', 'renewalInfo', 'renewalInfo']);
  expect(await createRenewalInfo({}).ask(acme.server, ID, never)).toMatchObject({ kind: 'failed' });
});

test.each([
  ['nothing', ''],
  ['plain HTTP', 'http://127.0.0.1:1/info'],
  ['another host', 'https://169.254.169.254/info'],
  ['no URL', 'info'],
])('a directory that names %s for renewals offers none', async (_title, renewalInfoAt) => {
  acme.nameRenewalInfo(renewalInfoAt);
  expect(await createRenewalInfo({ caFile: acme.caFile }).ask(acme.server, ID, never)).toEqual({ kind: 'unsupported' });
});
