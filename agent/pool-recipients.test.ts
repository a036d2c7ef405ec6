// Who gets the pool's identity: a stranger is said and shown until a person knows it, and nothing goes to it where that is asked for first.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ESCROW_NAME, type PoolIdentity } from '../bundle/api.ts';
import type { PoolMember } from '../bundle/config.ts';
import { signRelayed } from '../bundle/relayed.ts';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import {
  createMemoryCertificateAuthority,
  type MemoryCertificateAuthority,
} from '../test/fakes/memory-certificate-authority.ts';
import { createMemoryControlPlane, type MemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { age } from './adapters/age.ts';
import { createTestPool, POOL, served, type TestEdge, type TestPool, until } from './pool.fixture.ts';

const HOSTS = { 'app.hoge.com': 'osaka-1', 'wiki.fuga.com': 'osaka-1' };
let maker: CertificateMaker;
let ca: MemoryCertificateAuthority;
let plane: MemoryControlPlane;
let pool: TestPool;
/** Added to the clock of every edge. */
let ahead = 0;

beforeAll(async () => {
  maker = await createCertificateMaker();
});
afterAll(() => maker.close());
beforeEach(async () => {
  ahead = 0;
  ca = createMemoryCertificateAuthority(maker);
  plane = createMemoryControlPlane(POOL);
  pool = await createTestPool(plane, ca, () => Date.now() + ahead);
});
afterEach(() => pool.close());

const strangersOf = (edge: TestEdge) =>
  (edge.certificates.status().unacknowledged ?? []).map(({ name, withheld }) => (withheld ? `${name} waits` : name));
const saidBy = (edge: TestEdge, words: string) => edge.log.filter((line) => line.includes(words)).length;
const asRecipient = ({ node: name, recipient, signingKey }: PoolMember) => ({ name, recipient, signingKey });
const newest = () => plane.identities.at(-1)!;

/** osaka serves both hosts alone. */
async function first(approvalIsRequired: boolean): Promise<TestEdge> {
  const osaka = await pool.addEdge('osaka-1', { approvalIsRequired });
  osaka.start();
  pool.configure([osaka], HOSTS);
  await until('the first serves', () => served(osaka).length === 2 && plane.certificates.length === 2);
  return osaka;
}

test('a new recipient is an alarm until a person says that it is right; a restart neither forgets nor repeats it', async () => {
  const osaka = await first(false);
  expect(strangersOf(osaka)).toEqual([]);
  const kyoto = await pool.addEdge('kyoto-1');
  kyoto.start();
  pool.configure([osaka, kyoto], HOSTS);
  await until('the newcomer serves', () => served(kyoto).length === 2);
  expect(strangersOf(osaka)).toEqual(['kyoto-1']);
  // Who came to a pool knows those who were there.
  expect(strangersOf(kyoto)).toEqual([]);
  expect(saidBy(osaka, 'the signed config names a recipient not seen before')).toBe(1);
  expect(saidBy(osaka, 'wrapping the pool identity for a recipient not seen before')).toBe(1);

  await osaka.stop();
  osaka.start();
  pool.configure([osaka, kyoto], HOSTS);
  await until('it shows it again', () => strangersOf(osaka).length === 1);
  await osaka.book.approve(asRecipient(kyoto.member));
  pool.configure([osaka, kyoto], HOSTS);
  await until('it is known', () => strangersOf(osaka).length === 0);
  await until('it was written down', async () => (await osaka.book.approvals()).length === 0);
  await osaka.stop();
  osaka.start();
  pool.configure([osaka, kyoto], HOSTS);
  await until('it runs again', () => served(osaka).length === 2 && plane.isWaiting('osaka-1'));
  expect(strangersOf(osaka)).toEqual([]);
  expect(saidBy(osaka, 'not seen before')).toBe(2);
});

test('where approval is asked for, a newcomer gets nothing before, waits without an identity of its own, and all after', async () => {
  const osaka = await first(true);
  const kyoto = await pool.addEdge('kyoto-1');
  kyoto.start();
  pool.configure([osaka, kyoto], HOSTS);
  await until(
    'both wait for a person',
    () => strangersOf(osaka)[0] === 'kyoto-1 waits' && saidBy(kyoto, 'has to approve') > 0,
  );
  ahead = 10 * 60_000;
  pool.configure([osaka, kyoto], HOSTS);
  await until('both had time', () => plane.isWaiting('osaka-1') && plane.isWaiting('kyoto-1'));
  expect(new Set(plane.identities.map(({ epoch, by }) => `${epoch} ${by}`))).toEqual(new Set(['1 osaka-1']));
  expect(newest()).toMatchObject({ withheld: ['kyoto-1'], wraps: { 'osaka-1': expect.any(String) } });
  expect(Object.keys(newest().wraps)).toEqual(['osaka-1']);
  expect(served(kyoto)).toEqual([]);
  const waits = kyoto.certificates.status().quarantined;
  expect(waits?.map(({ reason }) => reason)).toEqual(Array(2).fill('a person has to approve this edge on osaka-1'));

  await osaka.book.approve(asRecipient(kyoto.member));
  await until('the newcomer serves both', () => served(kyoto).length === 2);
  expect(kyoto.certificates.status().quarantined).toEqual([]);
  expect(strangersOf(osaka)).toEqual([]);
  expect(newest().withheld).toBeUndefined();
  expect(ca.orders.length).toBe(2);
});

/** What whoever holds the online keys and the control plane can make of an edge's config, and put into the mailbox. */
async function thief(node: string) {
  const { privateKey } = generateKeyPairSync('ed25519');
  const own = await age.generate();
  const signingKey = createPublicKey(privateKey).export({ format: 'jwk' }).x!;
  const member: PoolMember = { node, recipient: await age.recipientOf(own), signingKey };
  const poolKey = await age.generate();
  const makes = async (epoch: number, members: readonly PoolMember[]) => {
    const wraps: Record<string, string> = {};
    for (const one of members) wraps[one.node] = await age.seal([one.recipient], poolKey);
    const item = { pool: POOL, epoch, recipient: await age.recipientOf(poolKey), wraps, by: node };
    return signRelayed<PoolIdentity>(item, privateKey);
  };
  const opens = async (sealed: string) => {
    for (const key of [own, poolKey]) {
      const text = await age.open(key, sealed).catch(() => undefined);
      if (text !== undefined) return text;
    }
    return undefined;
  };
  return { member, makes, opens };
}

test('stolen online keys that name a new recipient get nothing on edges that ask for approval', async () => {
  const osaka = await first(true);
  const mallory = await thief('mallory-1');
  const members = [mallory.member, osaka.member];
  pool.configure([osaka], HOSTS, { members });
  await until('it is shown', () => strangersOf(osaka)[0] === 'mallory-1 waits' && newest().withheld !== undefined);

  // Also not by an identity of their own, to which certificates would then be sealed.
  const made = await mallory.makes(50, members);
  await plane.connect('mallory-1').putIdentity(made);
  // An answer costs an epoch, so that there is one in 10 s at most.
  ahead = 15_000;
  pool.configure([osaka], HOSTS, { members });
  await until('it was answered', () => newest().epoch === 51);
  ahead = 10 * 60_000;
  pool.configure([osaka], { ...HOSTS, 'late.hoge.com': 'osaka-1' }, { members });
  await until('another certificate was put', () =>
    plane.certificates.some(({ hostname }) => hostname === 'late.hoge.com'),
  );
  expect(plane.identities.some(({ by, recipient }) => by === 'osaka-1' && recipient === made.recipient)).toBe(false);

  // Nor under the name of the edge itself.
  const double = await thief('osaka-1');
  pool.configure([osaka], HOSTS, { members: [double.member] });
  await until('it stops', () => saidBy(osaka, 'names other keys for this edge') === 1);
  // Nor as the key that is kept for the worst case.
  pool.configure([osaka], HOSTS, { members: [osaka.member], escrow: mallory.member.recipient });
  await until('that is shown', () => strangersOf(osaka)[0] === `${ESCROW_NAME} waits`);
  ahead = 20 * 60_000;
  pool.configure([osaka], HOSTS, { members: [osaka.member], escrow: mallory.member.recipient });
  await until('it had time', () => plane.isWaiting('osaka-1'));

  const texts = [
    ...plane.certificates.map(({ sealed }) => sealed),
    ...plane.identities
      .filter(({ by }) => by === 'osaka-1')
      .flatMap((one) => [...Object.values(one.wraps), one.escrow?.wrap]),
  ].filter((text) => text !== undefined);
  expect(texts.length).toBeGreaterThan(4);
  for (const text of texts) for (const who of [mallory, double]) expect(await who.opens(text)).toBeUndefined();
});

test('without approval the same keys get everything: the alarm is all there is', async () => {
  const osaka = await first(false);
  const mallory = await thief('mallory-1');
  pool.configure([osaka], HOSTS, { members: [mallory.member, osaka.member] });
  await until('it was wrapped', () => newest().wraps['mallory-1'] !== undefined);
  expect(await mallory.opens(newest().wraps['mallory-1']!)).toMatch(/^AGE-SECRET-KEY-1/);
  expect(strangersOf(osaka)).toEqual(['mallory-1']);
});

test('a certificate of a member that nobody approved here is not taken, and is once it was approved', async () => {
  const [osaka, tokyo] = [await pool.addEdge('osaka-1', { approvalIsRequired: true }), await pool.addEdge('tokyo-1')];
  for (const edge of [osaka, tokyo]) edge.start();
  const hosts = { 'wiki.fuga.com': 'tokyo-1' };
  pool.configure([osaka, tokyo], {});
  await until('osaka asks', () => strangersOf(osaka)[0] === 'tokyo-1 waits');
  await until('there is an identity', () => plane.isWaiting('osaka-1') && plane.identities.length > 0);
  const { recipient } = newest();
  const { fullchain, key, leaf } = await maker.make({ names: ['DNS:wiki.fuga.com'] });
  const { X509Certificate } = await import('node:crypto');
  const { validFromDate, validToDate } = new X509Certificate(leaf);
  const item = {
    ...{ hostname: 'wiki.fuga.com', recipient, by: 'tokyo-1' },
    sealed: await age.seal([recipient], JSON.stringify({ fullchain, key })),
    ...{ notBefore: validFromDate.toISOString(), notAfter: validToDate.toISOString() },
  };
  await plane.smuggle(signRelayed(item, tokyo.signingKey));
  pool.configure([osaka, tokyo], hosts);
  const reason = () => JSON.stringify(osaka.certificates.status().quarantined);
  await until('it says why', () => reason().includes('nobody approved its uploader tokyo-1'));
  await osaka.book.approve(asRecipient(tokyo.member));
  await until('it is served', () => served(osaka).includes('wiki.fuga.com'));
});

test('two edges that both ask for approval do not outbid each other for ever', async () => {
  const [osaka, tokyo] = [
    await pool.addEdge('osaka-1', { approvalIsRequired: true }),
    await pool.addEdge('tokyo-1', { approvalIsRequired: true }),
  ];
  for (const edge of [osaka, tokyo]) edge.start();
  pool.configure([osaka, tokyo], HOSTS);
  await until('both ask', () => [osaka, tokyo].every((edge) => strangersOf(edge).length === 1));
  for (const step of [1, 2, 3, 4]) {
    ahead = step * 60_000;
    pool.configure([osaka, tokyo], HOSTS);
    await until('both rest', () => plane.isWaiting('osaka-1') && plane.isWaiting('tokyo-1'));
  }
  expect(newest().epoch).toBeLessThanOrEqual(2);
  await osaka.book.approve(asRecipient(tokyo.member));
  await tokyo.book.approve(asRecipient(osaka.member));
  await until('both serve', () => [osaka, tokyo].every((edge) => served(edge).length === 2));
  expect(ca.orders.length).toBe(2);
});

test('an edge that leaves cannot open what comes after, and what was sealed before is sealed anew', async () => {
  const osaka = await first(false);
  const kyoto = await pool.addEdge('kyoto-1');
  kyoto.start();
  pool.configure([osaka, kyoto], HOSTS);
  await until('the newcomer serves', () => served(kyoto).length === 2);
  const before = newest();
  const leaversKey = await age.open(kyoto.ageIdentity, before.wraps['kyoto-1']!);
  await kyoto.stop();
  pool.configure([osaka], { ...HOSTS, 'late.hoge.com': 'osaka-1' });
  const isAfter = ({ recipient }: { recipient: string }) => recipient === newest().recipient;
  await until('there is a new identity', () => newest().epoch === before.epoch + 1);
  await until('all is sealed to it', () => plane.certificates.filter(isAfter).length === 3);
  expect(Object.keys(newest().wraps)).toEqual(['osaka-1']);
  for (const { sealed } of plane.certificates.filter(isAfter))
    for (const key of [leaversKey, kyoto.ageIdentity])
      await expect(age.open(key, sealed)).rejects.toThrow('cannot decrypt');
  for (const wrap of Object.values(newest().wraps)) await expect(age.open(kyoto.ageIdentity, wrap)).rejects.toThrow();
  expect(ca.orders.length).toBe(3);
});

test('the escrow key opens the identity and with it every certificate; another one makes a new identity', async () => {
  const osaka = await first(false);
  const [offline, other] = [await age.generate(), await age.generate()];
  const escrow = await age.recipientOf(offline);
  pool.configure([osaka], HOSTS, { escrow });
  await until('it is wrapped', () => newest().escrow !== undefined);
  expect(strangersOf(osaka)).toEqual([ESCROW_NAME]);
  const identity = await age.open(offline, newest().escrow!.wrap);
  for (const { sealed } of plane.certificates) expect(await age.open(identity, sealed)).toContain('PRIVATE KEY');

  pool.configure([osaka], HOSTS, { escrow: await age.recipientOf(other) });
  await until('it is another identity', () => newest().epoch === 2);
  expect(saidBy(osaka, 'the escrow key is another one now')).toBe(1);
  const next = newest();
  await expect(age.open(offline, next.escrow!.wrap)).rejects.toThrow('cannot decrypt');
  expect(await age.recipientOf(await age.open(other, next.escrow!.wrap))).toBe(next.recipient);
});

test('identityEpoch asks a pool for a new identity, and everything is sealed to it without an order', async () => {
  const osaka = await first(false);
  const [{ recipient: former }] = plane.identities as [PoolIdentity];
  pool.configure([osaka], HOSTS, { identityEpoch: 5 });
  await until('all is sealed anew', () => {
    const anew = plane.certificates.filter(({ recipient }) => recipient !== former);
    return newest().epoch === 5 && new Set(anew.map(({ hostname }) => hostname)).size === 2;
  });
  expect(ca.orders.length).toBe(2);
});

test('two edges that see different fleets keep one identity, and each makes a new one when somebody leaves whom the other let in', async () => {
  const [osaka, tokyo, kyoto] = [
    await pool.addEdge('osaka-1'),
    await pool.addEdge('tokyo-1'),
    await pool.addEdge('kyoto-1'),
  ];
  for (const edge of [osaka, tokyo]) edge.start();
  pool.configure([osaka, tokyo], HOSTS);
  await until('both serve', () => [osaka, tokyo].every((edge) => served(edge).length === 2));
  const both = [osaka.member, tokyo.member];
  kyoto.start();
  pool.configure([osaka], HOSTS, { members: both });
  pool.configure([tokyo, kyoto], HOSTS, { members: [...both, kyoto.member] });
  await until('the newcomer serves', () => served(kyoto).length === 2);
  ahead = 5 * 60_000;
  pool.configure([osaka], HOSTS, { members: both });
  await until('both rest', () => plane.isWaiting('osaka-1') && plane.isWaiting('tokyo-1'));
  expect(new Set(plane.identities.map(({ epoch }) => epoch))).toEqual(new Set([1]));

  // Now it sees the same, and the one that wrapped is gone for a while.
  pool.configure([osaka], HOSTS, { members: [...both, kyoto.member] });
  await until('it was told', () => strangersOf(osaka).includes('kyoto-1'));
  await until('it rests', () => plane.isWaiting('osaka-1'));
  for (const edge of [tokyo, kyoto]) await edge.stop();
  pool.configure([osaka], HOSTS, { members: both });
  await until('there is a new identity without it', () => newest().epoch === 2);
  expect(newest().by).toBe('osaka-1');
  expect(Object.keys(newest().wraps).sort()).toEqual(['osaka-1', 'tokyo-1']);
  expect(ca.orders.length).toBe(2);
});
