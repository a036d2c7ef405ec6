// Renewal as a pool does it: by the orderer, in time, once, and never in the way of what is served.
import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import { until } from './pool.fixture.ts';
import {
  createRenewalSite,
  HOUR_MS,
  LIFE_MS,
  liveThroughOutages,
  MINUTE_MS,
  type RenewalSite,
} from './renewal.fixture.ts';

const HOSTS = { 'app.hoge.com': 'osaka-1', 'wiki.fuga.com': 'tokyo-1' };
/** Every renewal is due by then. */
const DUE_MS = LIFE_MS * (2 / 3 + 1 / 30);

let maker: CertificateMaker;
let site: RenewalSite;

beforeAll(async () => {
  maker = await createCertificateMaker();
});
afterAll(() => maker.close());
beforeEach(async () => {
  site = await createRenewalSite(maker);
});
afterEach(() => site.close());

const ordersOf = (name: string) => site.issued.filter((one) => one.name === name);

test('a CA that is down for the last third of the life but its final tenth costs no certificate and no second order', async () => {
  await site.begin(['osaka-1', 'tokyo-1'], HOSTS);
  await liveThroughOutages(site, 1);
}, 60_000);

test('after a restart of all edges, and a clock that is set a day back and right again, nothing is renewed twice', async () => {
  await site.begin(['osaka-1', 'tokyo-1'], HOSTS);
  await site.step(DUE_MS);
  await site.share();
  expect(site.issued).toHaveLength(4);
  for (const edge of site.edges) await edge.stop();
  for (const edge of site.edges) edge.start();
  for (const ms of [MINUTE_MS, -24 * HOUR_MS, 24 * HOUR_MS, HOUR_MS]) await site.step(ms);
  expect(site.issued).toHaveLength(4);
  await site.expectWell();
}, 60_000);

test('an edge that becomes the orderer while another renews takes what that one got, and orders none', async () => {
  await site.begin(['kyoto-1', 'osaka-1', 'tokyo-1'], { 'app.hoge.com': 'osaka-1' });
  const moved = { 'app.hoge.com': 'tokyo-1' };
  site.beforeIssue = () => {
    site.orderers = moved;
    site.pool.configure(site.edges, moved);
  };
  await site.step(DUE_MS);
  const tokyo = site.edges[2]!;
  // The first, and the one that was ordered while it became the orderer.
  await until('the new orderer took it', () => tokyo.log.filter((line) => line.includes('took a')).length === 2);
  expect(tokyo.log.join('\n')).not.toContain('certificate ordered');
  await site.step(LIFE_MS / 24);
  expect(ordersOf('app.hoge.com').map(({ node }) => node)).toEqual(['osaka-1', 'osaka-1']);
  // Who is not the orderer waits with it until the end of the old one is near.
  expect(await notBefore(0)).toBe(site.issued[0]!.atMs);
  await site.step(LIFE_MS / 12);
  await site.share();
  await site.expectWell();
  expect(ordersOf('app.hoge.com')).toHaveLength(2);
}, 60_000);

async function notBefore(edge: number): Promise<number> {
  const pair = await site.edges[edge]!.store.read('app.hoge.com');
  return new X509Certificate(pair!.fullchain).validFromDate.getTime();
}

test('a CA that gives what is due already is asked again when half of that is over, and no sooner', async () => {
  await site.begin(['osaka-1'], { 'app.hoge.com': 'osaka-1' });
  site.ageMs = LIFE_MS - 80 * MINUTE_MS;
  await site.step(DUE_MS + HOUR_MS);
  for (let passed = 0; passed < 30; passed += 10) await site.step(10 * MINUTE_MS);
  expect(site.issued).toHaveLength(2);
  await site.step(11 * MINUTE_MS);
  expect(site.issued).toHaveLength(3);
}, 60_000);

test('what is imported is never renewed, and is said to end', async () => {
  await site.begin(['osaka-1'], { 'app.hoge.com': 'osaka-1' });
  const osaka = site.edges[0]!;
  const life = { notBefore: new Date(site.clockMs), notAfter: new Date(site.clockMs + LIFE_MS) };
  const made = await maker.make({ names: ['DNS:own.hoge.com'], ...life });
  await osaka.store.write('own.hoge.com', made, 'imported');
  // Not its own to order before it has seen it.
  site.orderers = { 'app.hoge.com': 'osaka-1', 'own.hoge.com': 'tokyo-1' };
  await site.step(0);
  await until('it is served', () => osaka.certificates.holds('own.hoge.com') === true);
  site.orderers = { 'app.hoge.com': 'osaka-1', 'own.hoge.com': 'osaka-1' };
  await site.step(LIFE_MS * 0.8);
  expect(ordersOf('own.hoge.com')).toEqual([]);
  expect(osaka.certificates.status().certificates).toEqual([
    { hostname: 'own.hoge.com', notAfter: life.notAfter.toISOString(), ending: expect.stringContaining('imported') },
    { hostname: 'app.hoge.com', notAfter: expect.any(String) },
  ]);
}, 60_000);

test('a renewal that fails is said with its reason while the old one is served, and not after it came', async () => {
  await site.begin(['osaka-1', 'tokyo-1'], { 'app.hoge.com': 'osaka-1' });
  site.caIsDown = true;
  await site.step(DUE_MS);
  const [osaka, tokyo] = site.edges;
  const endings = () =>
    site.edges.map(({ certificates }) => certificates.status().certificates!.map(({ ending }) => ending));
  expect(endings()).toEqual([[undefined], [undefined]]);
  await site.step(LIFE_MS * 0.08);
  expect(endings()).toEqual([['acme_unavailable: the CA does not answer'], ['waiting for osaka-1 to renew it']]);
  expect(osaka!.certificates.unobtained()).toEqual([
    { hostname: 'app.hoge.com', reason: 'acme_unavailable: the CA does not answer' },
  ]);
  expect([osaka!.certificates.broken(), osaka!.certificates.status().quarantined]).toEqual([[], []]);
  site.caIsDown = false;
  await site.step(20 * MINUTE_MS);
  await until('nothing ends soon any more', () => endings().flat().join('') === '');
  expect(osaka!.certificates.unobtained()).toEqual([]);
  expect(tokyo!.certificates.unobtained()).toEqual([]);
}, 60_000);
