// An edge of the pool is compromised: what it had is ordered anew, each once, handed over under an identity that it does not have, and what
// was served is served on meanwhile.
import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import {
  createMemoryCertificateAuthority,
  type MemoryCertificateAuthority,
} from '../test/fakes/memory-certificate-authority.ts';
import { createMemoryControlPlane, type MemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { createTestPool, POOL, served, type TestEdge, type TestPool, until } from './pool.fixture.ts';

let maker: CertificateMaker;
let ca: MemoryCertificateAuthority;
let plane: MemoryControlPlane;
let pool: TestPool;
let ahead = 0;
const HOUR_MS = 3_600_000;
/** Nobody has a lease of before. */
const LEASE_OVER_MS = 11 * 60_000;
const APP = 'app.hoge.com';
const WIKI = 'wiki.hoge.com';
const GONE = { compromised: ['osaka-1/1'] };

beforeAll(async () => {
  maker = await createCertificateMaker();
});
afterAll(() => maker.close());
beforeEach(async () => {
  ahead = 0;
  ca = createMemoryCertificateAuthority(maker);
  plane = createMemoryControlPlane(POOL, () => Date.now() + ahead);
  pool = await createTestPool(plane, ca, () => Date.now() + ahead);
});
afterEach(() => pool.close());

/** Edges that serve both hosts by certificates of before; the CA dates all others back by an hour. */
async function servingPool(names: readonly string[], hosts: Record<string, string>): Promise<TestEdge[]> {
  const edges: TestEdge[] = [];
  for (const name of names) edges.push(await pool.addEdge(name));
  for (const hostname of Object.keys(hosts))
    ca.issueInstead(hostname, { names: [`DNS:${hostname}`], notBefore: new Date(Date.now() - 3 * HOUR_MS) });
  for (const edge of edges) edge.start();
  pool.configure(edges, hosts);
  await until('all serve all', () => edges.every((edge) => served(edge).length === Object.keys(hosts).length));
  await until('all is relayed', () => plane.certificates.length >= Object.keys(hosts).length);
  for (const hostname of Object.keys(hosts)) ca.issueInstead(hostname, undefined);
  ahead += LEASE_OVER_MS;
  return edges;
}

async function keyOf(edge: TestEdge, hostname: string): Promise<string> {
  return (await edge.store.read(hostname))?.key ?? '';
}

async function keptFrom(edge: TestEdge): Promise<Record<string, readonly string[]>> {
  const { held } = await edge.store.list();
  return Object.fromEntries(held.map((one) => [one.hostname, one.keptFrom]));
}

function exposed({ certificates }: TestEdge): (string | undefined)[] {
  return (certificates.status().certificates ?? []).map((one) => one.exposed);
}

const isClean = (edges: readonly TestEdge[]) => edges.every((edge) => exposed(edge).every((one) => one === undefined));

test('every certificate is ordered once more, by whoever orders now, and all get the new ones', async () => {
  const [osaka, tokyo, nagoya] = (await servingPool(['osaka-1', 'tokyo-1', 'nagoya-1'], {
    [APP]: 'osaka-1',
    [WIKI]: 'tokyo-1',
  })) as [TestEdge, TestEdge, TestEdge];
  const before = [await keyOf(tokyo, APP), await keyOf(tokyo, WIKI)];
  await osaka.stop();
  const stays = [tokyo, nagoya];
  const configure = () => pool.configure(stays, { [APP]: 'nagoya-1', [WIKI]: 'tokyo-1' }, GONE);
  configure();
  await until('none is exposed any more', () => ca.orders.length === 4 && isClean(stays));
  expect(ca.orders.slice(2).sort()).toEqual([APP, WIKI]);
  for (const hostname of [APP, WIKI]) {
    expect(before).not.toContain(await keyOf(tokyo, hostname));
    expect(await keyOf(nagoya, hostname)).toBe(await keyOf(tokyo, hostname));
  }
  expect(await keptFrom(tokyo)).toEqual({ [APP]: ['osaka-1/1'], [WIKI]: ['osaka-1/1'] });

  // Not again, also not by an edge that starts anew, nor by one that comes, and becomes the orderer.
  await nagoya.stop();
  nagoya.start();
  const kyoto = await pool.addEdge('kyoto-1');
  kyoto.start();
  ahead += 20_000;
  pool.configure([...stays, kyoto], { [APP]: 'kyoto-1', [WIKI]: 'kyoto-1' }, GONE);
  await until('the new edge serves both', () => served(kyoto).length === 2);
  expect(isClean([...stays, kyoto])).toBe(true);
  expect(await keptFrom(kyoto)).toEqual({ [APP]: ['osaka-1/1'], [WIKI]: ['osaka-1/1'] });
  expect(ca.orders.length).toBe(4);
});

test('an orderer that has an imported one orders none: it says so, the others where to look, and it does when that one is taken back', async () => {
  const hosts = { [APP]: 'tokyo-1' };
  const [osaka, tokyo, nagoya] = (await servingPool(['osaka-1', 'tokyo-1', 'nagoya-1'], hosts)) as [
    TestEdge,
    TestEdge,
    TestEdge,
  ];
  await osaka.stop();
  await tokyo.stop();
  const made = await maker.make({ names: [`DNS:${APP}`] });
  await tokyo.store.write(APP, made, 'imported');
  tokyo.start();
  const stays = [tokyo, nagoya];
  pool.configure(stays, hosts, GONE);
  const says = ({ log }: TestEdge) => log.filter((line) => line.includes('keeps this edge from ordering'));
  await until('the orderer says it', () => says(tokyo).length === 1 && exposed(nagoya)[0] !== undefined);
  expect(says(tokyo)[0]).toContain('kokoa-agent certs forget');
  expect(exposed(nagoya)[0]).toBe(
    'osaka-1 had its key; waiting for tokyo-1 to order it, which it does not while it has an imported one: kokoa-agent status there',
  );
  expect(says(nagoya)).toEqual([]);
  expect(ca.orders.length).toBe(1);

  // As by `kokoa-agent certs forget`, beside the agent; a new hostname makes it look at the disk at once.
  expect(await tokyo.store.remove(APP)).toBe(true);
  ahead += LEASE_OVER_MS;
  pool.configure(stays, { ...hosts, [WIKI]: 'nagoya-1' }, GONE);
  await until('none is exposed any more', () => served(tokyo).length === 2 && isClean(stays));
  expect(ca.orders.filter((name) => name === APP)).toHaveLength(2);
  expect(await keyOf(nagoya, APP)).toBe(await keyOf(tokyo, APP));
});

test('nothing new is sealed to an identity that the edge which is gone has', async () => {
  const [osaka, tokyo, nagoya] = (await servingPool(['osaka-1', 'tokyo-1', 'nagoya-1'], { [APP]: 'tokyo-1' })) as [
    TestEdge,
    TestEdge,
    TestEdge,
  ];
  const known = plane.identities.at(-1)!;
  expect(Object.keys(known.wraps)).toContain('osaka-1');
  const puts = plane.certificates.length;
  await osaka.stop();
  pool.configure([tokyo, nagoya], { [APP]: 'tokyo-1' }, GONE);
  await until('both have the new one', () => ca.orders.length === 2 && isClean([tokyo, nagoya]));
  const later = plane.certificates.slice(puts);
  expect(later.length).toBeGreaterThan(0);
  expect(later.map(({ recipient }) => recipient)).not.toContain(known.recipient);
});

test('while the authority refuses, the old one is served, and the status says why it is still there', async () => {
  const [, tokyo] = (await servingPool(['osaka-1', 'tokyo-1'], { [APP]: 'tokyo-1' })) as [TestEdge, TestEdge];
  const before = await keyOf(tokyo, APP);
  ca.fail(APP, 1, 'acme_rate_limited');
  pool.configure([tokyo], { [APP]: 'tokyo-1' }, GONE);
  await until('the failure is told', () => exposed(tokyo)[0]?.includes('acme_rate_limited') === true);
  expect(exposed(tokyo)).toEqual([`osaka-1 had its key; acme_rate_limited: the CA refused ${APP}`]);
  expect([served(tokyo), await keyOf(tokyo, APP)]).toEqual([[APP], before]);
  ahead += 61_000;
  pool.configure([tokyo], { [APP]: 'tokyo-1' }, GONE);
  await until('it is replaced', () => isClean([tokyo]));
  expect(await keyOf(tokyo, APP)).not.toBe(before);
  const told = tokyo.log.filter((line) => line.includes('a compromised edge had the key'));
  expect(told.length).toBeLessThanOrEqual(1);
});

test('a second edge that is compromised costs one more order, and the first one none', async () => {
  const [, tokyo] = (await servingPool(['osaka-1', 'tokyo-1'], { [APP]: 'tokyo-1' })) as [TestEdge, TestEdge];
  ca.issueInstead(APP, { names: [`DNS:${APP}`], notBefore: new Date(Date.now() - 2 * HOUR_MS) });
  pool.configure([tokyo], { [APP]: 'tokyo-1' }, GONE);
  await until('it is replaced', () => ca.orders.length === 2 && isClean([tokyo]));
  ca.issueInstead(APP, undefined);
  pool.configure([tokyo], { [APP]: 'tokyo-1' }, { compromised: ['nagoya-1/2', 'osaka-1/1'] });
  await until('it is replaced again', () => ca.orders.length === 3 && isClean([tokyo]));
  expect(await keptFrom(tokyo)).toEqual({ [APP]: ['nagoya-1/2', 'osaka-1/1'] });
  // Whose file is removed from git is not on the list any more.
  pool.configure([tokyo], { [APP]: 'tokyo-1' }, { compromised: ['nagoya-1/2'] });
  pool.configure([tokyo], { [APP]: 'tokyo-1' });
  await until('it had time to order', () => plane.isWaiting('tokyo-1'));
  expect(ca.orders.length).toBe(3);
});

test('what a person imported or brought is nobody’s to order', async () => {
  const tokyo = await pool.addEdge('tokyo-1');
  for (const [hostname, source] of [
    [APP, 'imported'],
    [WIKI, 'given'],
  ] as const)
    await tokyo.store.write(hostname, await maker.make({ names: [`DNS:${hostname}`] }), source);
  tokyo.start();
  pool.configure([tokyo], { [APP]: 'tokyo-1' }, GONE, { [WIKI]: {} });
  await until('both are held', () => tokyo.certificates.holds(APP) === true);
  await until('it had time to order', () => plane.isWaiting('tokyo-1'));
  expect([ca.orders, exposed(tokyo).filter(Boolean)]).toEqual([[], []]);
});

test('an edge that had said of its own certificate that it would never have it is not believed', async () => {
  const [osaka, tokyo] = (await servingPool(['osaka-1', 'tokyo-1'], { [APP]: 'osaka-1' })) as [TestEdge, TestEdge];
  const lie = await maker.make({ names: [`DNS:${APP}`], notBefore: new Date(Date.now() - 2 * HOUR_MS) });
  await osaka.stop();
  await osaka.store.write(APP, lie, 'ordered', ['osaka-1/1']);
  osaka.start();
  pool.configure([osaka, tokyo], { [APP]: 'osaka-1' });
  const { fingerprint256 } = new X509Certificate(lie.leaf);
  const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase();
  await until('the other one took it', async () => (await tokyo.store.list()).held[0]?.fingerprint256 === fingerprint);
  expect(await keptFrom(tokyo)).toEqual({ [APP]: [] });
  await osaka.stop();
  pool.configure([tokyo], { [APP]: 'tokyo-1' }, GONE);
  await until('it is replaced', () => ca.orders.length === 2 && isClean([tokyo]));
});

test('no certificate of a compromised edge stands in the way by its times', async () => {
  const [osaka, tokyo, nagoya] = (await servingPool(['osaka-1', 'tokyo-1', 'nagoya-1'], { [APP]: 'osaka-1' })) as [
    TestEdge,
    TestEdge,
    TestEdge,
  ];
  // As late as others take it; the authority dates its own back.
  const late = await maker.make({ names: [`DNS:${APP}`], notBefore: new Date(Date.now() + ahead + 60_000) });
  await osaka.stop();
  await osaka.store.write(APP, late, 'ordered');
  osaka.start();
  pool.configure([osaka, tokyo, nagoya], { [APP]: 'osaka-1' });
  for (const edge of [tokyo, nagoya])
    await until('the others took it', async () => (await keyOf(edge, APP)) === (await keyOf(osaka, APP)));
  const bad = await keyOf(osaka, APP);
  await osaka.stop();
  plane.letReplace();
  pool.configure([tokyo, nagoya], { [APP]: 'tokyo-1' }, GONE);
  await until('both have another one', () => ca.orders.length === 2 && isClean([tokyo, nagoya]));
  expect([await keyOf(tokyo, APP), await keyOf(nagoya, APP)]).not.toContain(bad);
  expect(await keyOf(nagoya, APP)).toBe(await keyOf(tokyo, APP));
});

test('what is said of it fits into a report, whatever the authority says and however many they were', async () => {
  const [, tokyo] = (await servingPool(['osaka-1', 'tokyo-1'], { [APP]: 'tokyo-1' })) as [TestEdge, TestEdge];
  ca.fail(APP, 9, `acme_${'x'.repeat(400)}`);
  const compromised = Array.from({ length: 1_000 }, (_, n) => `${'n'.repeat(50)}${n}/1`).sort();
  pool.configure([tokyo], { [APP]: 'tokyo-1' }, { compromised });
  await until(
    'it is said',
    () => exposed(tokyo)[0]?.includes('and 995 more had its key; acme_x') === true || exposed(tokyo)[0]?.length === 300,
  );
  expect(exposed(tokyo)[0]?.length).toBeLessThanOrEqual(300);
});
