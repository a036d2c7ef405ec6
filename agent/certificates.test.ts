// Hand-over between edges of one pool: what is ordered once is served by all, and nothing wrong is ever stored.
import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { KokoaError } from '../bundle/error.ts';
import { verifyRelayed } from '../bundle/relayed.ts';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import {
  createMemoryCertificateAuthority,
  type MemoryCertificateAuthority,
} from '../test/fakes/memory-certificate-authority.ts';
import { createMemoryControlPlane, type MemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { createTestPool, POOL, served, type TestPool, until } from './pool.fixture.ts';

let maker: CertificateMaker;
let ca: MemoryCertificateAuthority;
let plane: MemoryControlPlane;
let pool: TestPool;
/** Added to the clock of every edge. */
let ahead = 0;
/** What the edges are told about it. */
let clockIsWrong = false;
const YEAR_MS = 365 * 24 * 3600_000;

beforeAll(async () => {
  maker = await createCertificateMaker();
});
afterAll(() => maker.close());
beforeEach(async () => {
  ahead = 0;
  ca = createMemoryCertificateAuthority(maker);
  plane = createMemoryControlPlane(POOL);
  clockIsWrong = false;
  pool = await createTestPool(
    plane,
    ca,
    () => Date.now() + ahead,
    () => clockIsWrong,
  );
});
afterEach(() => pool.close());

const HOSTS = { 'app.hoge.com': 'osaka-1', 'wiki.fuga.com': 'tokyo-1' };

test('two edges order one certificate each and both serve both', async () => {
  const [osaka, tokyo] = [await pool.addEdge('osaka-1'), await pool.addEdge('tokyo-1')];
  for (const edge of [osaka, tokyo]) edge.start();
  pool.configure([osaka, tokyo], HOSTS);
  await until('both serve both', () => [osaka, tokyo].every((edge) => served(edge).length === 2));
  expect(ca.orders.sort()).toEqual(Object.keys(HOSTS));
  for (const hostname of Object.keys(HOSTS)) {
    expect(await osaka.store.read(hostname)).toEqual(await tokyo.store.read(hostname));
    expect(await osaka.store.read(hostname)).toBeDefined();
  }
  expect(osaka.certificates.status().quarantined).toEqual([]);
  expect(osaka.accounts).toEqual(['thumbprint-of-osaka-1']);
  expect(new Set(plane.identities.map(({ epoch }) => epoch))).toEqual(new Set([1]));
});

test('a pool of one edge works, and what it relays nobody else can read', async () => {
  const only = await pool.addEdge('osaka-1');
  expect(only.certificates.holds('app.hoge.com')).toBeUndefined();
  only.start();
  pool.configure([only], { 'app.hoge.com': 'osaka-1' });
  await until('it is served and relayed', () => served(only).length === 1 && plane.certificates.length === 1);
  expect(['app.hoge.com', 'wiki.fuga.com'].map(only.certificates.holds)).toEqual([true, false]);
  ahead = 400 * 24 * 3600_000;
  expect(only.certificates.holds('app.hoge.com')).toBe(false);
  ahead = 0;
  const { key } = (await only.store.read('app.hoge.com'))!;
  expect(JSON.stringify([plane.certificates, plane.identities, only.log])).not.toContain(key.split('\n')[1]);
  expect(JSON.stringify([plane.certificates, plane.identities, only.log])).not.toContain('AGE-SECRET-KEY');
});

test('the control plane is asked before an order and told of its end, under the key of the edge', async () => {
  const only = await pool.addEdge('osaka-1');
  ca.fail('app.hoge.com', 1, 'acme_validation_failed');
  only.start();
  pool.configure([only], HOSTS_OF_OSAKA);
  await until('both ends are told', () => plane.ends.length === 2);
  const said = { server: 'https://ca.example/dir', by: 'osaka-1' };
  const byName = <T extends { name: string }>(items: readonly T[]) =>
    items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  expect(byName(plane.questions)).toMatchObject([
    { kind: 'lease', name: 'app.hoge.com', renewal: false, ...said },
    { kind: 'lease', name: 'wiki.hoge.com', renewal: false, ...said },
  ]);
  expect(byName(plane.ends)).toMatchObject([
    { kind: 'order_end', name: 'app.hoge.com', outcome: 'validation_failed', ...said },
    { kind: 'order_end', name: 'wiki.hoge.com', outcome: 'issued', ...said },
  ]);
  for (const item of [...plane.questions, ...plane.ends])
    expect(verifyRelayed(item, only.member.signingKey)).toBe(true);
});
const HOSTS_OF_OSAKA = { 'app.hoge.com': 'osaka-1', 'wiki.hoge.com': 'osaka-1' };

test('a certificate that was imported before its hostname came is seen with it, and not only at the next look', async () => {
  const only = await pool.addEdge('osaka-1');
  only.start();
  pool.configure([only], { 'app.hoge.com': 'osaka-1' });
  await until('the first is served', () => served(only).length === 1);
  // As by `kokoa-agent certs import`, beside the agent. Nobody is asked to order it.
  const { fullchain, key } = await maker.make({ names: ['DNS:blog.hoge.com'] });
  await only.store.write('blog.hoge.com', { fullchain, key }, 'imported');
  pool.configure([only], { 'app.hoge.com': 'osaka-1', 'blog.hoge.com': 'tokyo-1' });
  await until('the second is served', () => served(only).length === 2);
  expect(ca.orders).toEqual(['app.hoge.com']);
});

test('a certificate that is torn on disk breaks its own name, is named, and comes back from the pool without an order', async () => {
  const [osaka, tokyo] = [await pool.addEdge('osaka-1'), await pool.addEdge('tokyo-1')];
  for (const edge of [osaka, tokyo]) edge.start();
  pool.configure([osaka, tokyo], HOSTS);
  await until('both serve both', () => [osaka, tokyo].every((edge) => served(edge).length === 2));
  expect(osaka.certificates.broken()).toEqual([]);
  const before = await osaka.store.read('app.hoge.com');

  // Its own order, and one that was handed over, both cut short behind the back of the agent.
  const folder = (await readdir(pool.folder)).find((name) => name.startsWith('osaka-1'))!;
  const certs = join(pool.folder, folder, 'certs');
  for (const hostname of Object.keys(HOSTS)) await truncate(join(certs, hostname, 'key.pem'), 10);
  expect(await osaka.store.read('app.hoge.com')).toBeUndefined();
  // Nobody waits any more for what was handed over before.
  ahead = 90_000;
  // A new name makes it look at the disk at once, and not within half a minute.
  pool.configure([osaka, tokyo], { ...HOSTS, 'new.hoge.com': 'tokyo-1' });
  await until('both are named', () => osaka.certificates.broken().length === 2);
  expect(osaka.certificates.broken().map(({ reason }) => reason)).toEqual(
    Array(2).fill('its certificate on disk is not usable: torn: a file is missing, damaged or does not match'),
  );
  await until('all are served again', () => served(osaka).length === 3 && osaka.certificates.broken().length === 0);
  expect(await osaka.store.read('app.hoge.com')).toEqual(before);
  expect(ca.orders.sort()).toEqual([...Object.keys(HOSTS), 'new.hoge.com'].sort());
  const said = osaka.log.filter((line) => line.includes('not usable') && line.includes('app.hoge.com'));
  expect(said).toHaveLength(1);
});

test('a certificate that has ended is named as such, and one that was taken away is not', async () => {
  const only = await pool.addEdge('osaka-1');
  only.start();
  pool.configure([only], { 'app.hoge.com': 'osaka-1' });
  await until('it is served', () => served(only).length === 1);
  ahead = 400 * 24 * 3600_000;
  expect(only.certificates.broken()).toEqual([
    { hostname: 'app.hoge.com', reason: expect.stringMatching(/^its certificate ended on \d{4}-\d\d-\d\d$/) },
  ]);
  expect(only.certificates.status().quarantined?.[0]?.reason).toMatch(/^its certificate ended on .*; /);
  pool.configure([only], {});
  expect(only.certificates.broken()).toEqual([]);
});

test('an edge that joins later serves everything without an order, even what it is the orderer of now', async () => {
  const osaka = await pool.addEdge('osaka-1');
  osaka.start();
  pool.configure([osaka], { 'app.hoge.com': 'osaka-1', 'wiki.fuga.com': 'osaka-1' });
  await until('the first serves both', () => served(osaka).length === 2 && plane.certificates.length === 2);
  const newcomer = await pool.addEdge('kyoto-1');
  newcomer.start();
  pool.configure([osaka, newcomer], { 'app.hoge.com': 'kyoto-1', 'wiki.fuga.com': 'osaka-1' });
  await until('the newcomer serves both', () => served(newcomer).length === 2);
  expect(ca.orders.length).toBe(2);
  expect(osaka.log.join('\n')).toContain('a recipient not seen before');
  expect(osaka.log.join('\n')).toContain(newcomer.member.recipient);
});

test('an edge that replaces another gets everything from the one that stayed, under a new pool identity', async () => {
  const [gone, stays] = [await pool.addEdge('osaka-1'), await pool.addEdge('tokyo-1')];
  for (const edge of [gone, stays]) edge.start();
  pool.configure([gone, stays], HOSTS);
  await until('both serve both', () => [gone, stays].every((edge) => served(edge).length === 2));
  await gone.stop();
  const newcomer = await pool.addEdge('osaka-2');
  newcomer.start();
  pool.configure([stays, newcomer], { 'app.hoge.com': 'osaka-2', 'wiki.fuga.com': 'tokyo-1' });
  // A certificate that the removed edge put is given again by another holder after a grace of 15 s.
  ahead += 20_000;
  pool.configure([stays, newcomer], { 'app.hoge.com': 'osaka-2', 'wiki.fuga.com': 'tokyo-1' });
  await until('there is a new identity', () => plane.identities.at(-1)!.epoch > 1);
  await until('the newcomer opened it', () => newcomer.log.some((line) => line.includes('opened the pool identity')));
  ahead += 20_000;
  pool.configure([stays, newcomer], { 'app.hoge.com': 'osaka-2', 'wiki.fuga.com': 'tokyo-1' });
  await until('the newcomer serves both', () => served(newcomer).length === 2);
  expect(ca.orders.length).toBe(2);
  const last = plane.identities.at(-1)!;
  expect(Object.keys(last.wraps).sort()).toEqual(['osaka-2', 'tokyo-1']);
});

test('an edge whose machine was replaced under its old name is let in by a new identity', async () => {
  const [old, stays] = [await pool.addEdge('osaka-1'), await pool.addEdge('tokyo-1')];
  for (const edge of [old, stays]) edge.start();
  pool.configure([old, stays], HOSTS);
  await until('both serve both', () => [old, stays].every((edge) => served(edge).length === 2));
  await old.stop();
  const again = await pool.addEdge('osaka-1');
  again.start();
  pool.configure([again, stays], HOSTS);
  await until('the new machine is in', () => again.log.some((line) => line.includes('opened the pool identity')));
  ahead += 20_000;
  pool.configure([again, stays], HOSTS);
  await until('the new machine serves both', () => served(again).length === 2);
  expect(ca.orders.length).toBe(2);
});

test('a certificate that was stored and not relayed before a crash is relayed after the restart', async () => {
  const [osaka, tokyo] = [await pool.addEdge('osaka-1'), await pool.addEdge('tokyo-1')];
  osaka.start();
  pool.configure([osaka, tokyo], {});
  await until('the identity stands', () => plane.identities.length > 0 && plane.isWaiting('osaka-1'));
  const made = await maker.make({ names: ['DNS:app.hoge.com'] });
  await osaka.stop();
  await osaka.store.write('app.hoge.com', made, 'ordered');
  for (const edge of [osaka, tokyo]) edge.start();
  pool.configure([osaka, tokyo], { 'app.hoge.com': 'osaka-1' });
  await until('both serve it', () => [osaka, tokyo].every((edge) => served(edge).length === 1));
  expect(ca.orders).toEqual([]);
});

test('a mailbox that was lost is filled again from what the edges hold', async () => {
  const [osaka, tokyo] = [await pool.addEdge('osaka-1'), await pool.addEdge('tokyo-1')];
  for (const edge of [osaka, tokyo]) edge.start();
  pool.configure([osaka, tokyo], HOSTS);
  await until('both serve both', () => [osaka, tokyo].every((edge) => served(edge).length === 2));
  plane.lose();
  const before = plane.certificates.length;
  ahead += 90_000;
  pool.configure([osaka, tokyo], HOSTS);
  await until('both are relayed again', () => plane.certificates.length >= before + 2);
  expect(plane.identities.at(-1)!.epoch).toBe(1);
  expect(ca.orders.length).toBe(2);
});

test('a clock that was a year ahead and is set right does not put a failed order off for a year', async () => {
  const only = await pool.addEdge('osaka-1');
  ahead = YEAR_MS;
  ca.fail('app.hoge.com', 1);
  only.start();
  pool.configure([only], { 'app.hoge.com': 'osaka-1' });
  await until('it failed', () => only.log.some((line) => line.includes('could not be ordered')));
  ahead = 0;
  pool.configure([only], { 'app.hoge.com': 'osaka-1' });
  await until('it is served', () => served(only).length === 1);
});

test('what seems to have ended by a wrong clock is not ordered again', async () => {
  const only = await pool.addEdge('osaka-1');
  only.start();
  pool.configure([only], { 'app.hoge.com': 'osaka-1' });
  await until('it is served', () => served(only).length === 1);
  [ahead, clockIsWrong] = [YEAR_MS, true];
  pool.configure([only], { 'app.hoge.com': 'osaka-1', 'wiki.fuga.com': 'osaka-1' });
  await until('it seems to have ended', () => served(only).length === 0);
  await until('it had time to order', () => plane.isWaiting('osaka-1'));
  expect(ca.orders).toEqual(['app.hoge.com']);
  [ahead, clockIsWrong] = [0, false];
  pool.configure([only], { 'app.hoge.com': 'osaka-1', 'wiki.fuga.com': 'osaka-1' });
  await until('both are served', () => served(only).length === 2);
  expect(ca.orders).toEqual(['app.hoge.com', 'wiki.fuga.com']);
});

test('one name that fails costs itself alone, with the reason in the status, and is tried again later', async () => {
  const only = await pool.addEdge('osaka-1');
  ca.fail('broken.hoge.com', 1);
  ca.issueInstead('foreign.hoge.com', { names: ['DNS:else.example'] });
  only.start();
  const hosts = {
    'broken.hoge.com': 'osaka-1',
    'foreign.hoge.com': 'osaka-1',
    'app.hoge.com': 'osaka-1',
  };
  pool.configure([only], hosts);
  await until('the good one is served', () => served(only).includes('app.hoge.com'));
  await until('both failures are told', () => JSON.stringify(only.certificates.status()).includes('wrong_name'));
  const reasons = Object.fromEntries(
    only.certificates.status().quarantined!.map((each) => [each.hostname, each.reason]),
  );
  expect(reasons['broken.hoge.com']).toContain('the CA refused broken.hoge.com');
  const unobtained = () => only.certificates.unobtained().map(({ hostname }) => hostname);
  expect(unobtained().sort()).toEqual(['broken.hoge.com', 'foreign.hoge.com']);
  expect(reasons['foreign.hoge.com']).toContain('wrong_name');
  expect(await only.store.read('foreign.hoge.com')).toBeUndefined();
  expect(ca.orders.filter((hostname) => hostname === 'broken.hoge.com').length).toBe(1);
  ahead += 61_000;
  pool.configure([only], hosts);
  await until('the broken one is served', () => served(only).includes('broken.hoge.com'));
  expect(unobtained()).not.toContain('broken.hoge.com');
});

test('a refused lease is no failure: it is asked for again when the control plane says', async () => {
  const only = await pool.addEdge('osaka-1');
  plane.refuseLease('app.hoge.com', 250);
  only.start();
  pool.configure([only], { 'app.hoge.com': 'osaka-1' });
  await until('the reason is told', () => JSON.stringify(only.certificates.status()).includes('not every edge'));
  expect(ca.orders).toEqual([]);
  plane.refuseLease('app.hoge.com', undefined);
  await until('it is served', () => served(only).length === 1);
});

test('without an account every name that this edge would order says why, and not longer than that', async () => {
  let refuses = true;
  const { connect } = ca;
  ca.connect = (thumbprint) => ({
    ...connect(thumbprint),
    async account() {
      if (refuses) throw new KokoaError('acme_account_failed', 'refused', { hint: 'the CA does not answer' });
      return thumbprint;
    },
  });
  const only = await pool.addEdge('osaka-1');
  only.start();
  pool.configure([only], { 'app.hoge.com': 'osaka-1' });
  const said = () => only.certificates.unobtained().map(({ hostname, reason }) => [hostname, reason]);
  const why = 'acme_account_failed: the CA does not answer';
  await until('it is said', () => said().length === 1);
  // A name that comes later is not tried for before the account is.
  pool.configure([only], { 'app.hoge.com': 'osaka-1', 'wiki.fuga.com': 'osaka-1', 'far.hoge.com': 'tokyo-1' });
  await until('it is said of both', () => said().length === 2);
  expect(said()).toEqual([
    ['app.hoge.com', why],
    ['wiki.fuga.com', why],
  ]);
  expect(JSON.stringify(only.certificates.status().quarantined)).toContain(why);
  refuses = false;
  ahead += 61_000;
  pool.configure([only], { 'app.hoge.com': 'osaka-1', 'wiki.fuga.com': 'osaka-1', 'far.hoge.com': 'tokyo-1' });
  await until('both are served', () => served(only).length === 2);
  expect(said()).toEqual([]);
});

test('nothing is ordered before the signed config names this edge’s account', async () => {
  const only = await pool.addEdge('osaka-1');
  const { acmeThumbprint } = only.member;
  delete only.member.acmeThumbprint;
  only.start();
  pool.configure([only], { 'app.hoge.com': 'osaka-1' });
  await until('the account is announced', () => only.accounts.length === 1);
  await until('the mailbox is read', () => plane.isWaiting('osaka-1'));
  expect(plane.leases).toEqual([]);
  only.member.acmeThumbprint = acmeThumbprint!;
  pool.configure([only], { 'app.hoge.com': 'osaka-1' });
  await until('it is served', () => served(only).length === 1);
});

test('a control plane that is away delays the hand-over and loses nothing', async () => {
  const [osaka, tokyo] = [await pool.addEdge('osaka-1'), await pool.addEdge('tokyo-1')];
  for (const edge of [osaka, tokyo]) edge.start();
  pool.configure([osaka, tokyo], {});
  await until('the identity is shared', () => tokyo.log.some((line) => line.includes('opened the pool identity')));
  plane.setAway(true);
  pool.configure([osaka, tokyo], HOSTS);
  await until('the reason is told', () => JSON.stringify(osaka.certificates.status()).includes('no lease: away'));
  plane.setAway(false);
  await until('both serve both', () => [osaka, tokyo].every((edge) => served(edge).length === 2));
});
