// Hosts that share one certificate: ordered once, handed over once, and missed by nobody while it is not there.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import {
  createMemoryCertificateAuthority,
  type MemoryCertificateAuthority,
} from '../test/fakes/memory-certificate-authority.ts';
import { createMemoryControlPlane, type MemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { createTestPool, POOL, served, type TestPool, until } from './pool.fixture.ts';

const HOSTS = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`h${at}.hoge.com`, 'osaka-1']));
let maker: CertificateMaker;
let ca: MemoryCertificateAuthority;
let plane: MemoryControlPlane;
let pool: TestPool;

beforeEach(async () => {
  maker = await createCertificateMaker('wildcards');
  ca = createMemoryCertificateAuthority(maker);
  plane = createMemoryControlPlane(POOL);
  pool = await createTestPool(plane, ca);
});

afterEach(async () => {
  await pool.close();
  await maker.close();
});

test('100 hosts of one zone: one lease, one order, one certificate in the mailbox, and every edge serves them all', async () => {
  const edges = [await pool.addEdge('osaka-1'), await pool.addEdge('tokyo-1')];
  for (const edge of edges) edge.start();
  pool.configure(edges, HOSTS, {}, {}, '*.hoge.com');
  for (const edge of edges) {
    await until('it has the wildcard', () => served(edge).includes('*.hoge.com'));
    expect(Object.keys(HOSTS).every((hostname) => edge.certificates.holds(hostname))).toBe(true);
    expect(edge.certificates.status().quarantined).toEqual([]);
  }
  expect(ca.orders).toEqual(['*.hoge.com']);
  expect(plane.leases.map(({ hostname }) => hostname)).toEqual(['*.hoge.com']);
  expect(new Set(plane.certificates.map(({ hostname }) => hostname))).toEqual(new Set(['*.hoge.com']));
});

test('a host that changes to a wildcard and back is covered all the time', async () => {
  const only = await pool.addEdge('osaka-1');
  only.start();
  const host = { 'app.hoge.com': 'osaka-1' };
  pool.configure([only], host);
  await until('its own is there', () => served(only).includes('app.hoge.com'));

  ca.fail('*.hoge.com', 1);
  pool.configure([only], { ...host, 'new.hoge.com': 'osaka-1' }, {}, {}, '*.hoge.com');
  await until('the wildcard failed', () => only.certificates.unobtained().length > 0);
  expect(only.certificates.holds('app.hoge.com')).toBe(true);
  expect(only.certificates.isHeld('*.hoge.com')).toBe(false);
  expect(only.certificates.status().quarantined?.map(({ hostname }) => hostname)).toEqual(['new.hoge.com']);

  await only.store.write('*.hoge.com', await maker.make({ names: ['DNS:*.hoge.com'] }), 'relayed');
  pool.configure([only], { 'new.hoge.com': 'osaka-1' });
  await only.stop();
  only.start();
  pool.configure([only], { 'new.hoge.com': 'osaka-1' });
  await until('it was read', () => only.certificates.isHeld('*.hoge.com') === true);
  expect(only.certificates.holds('new.hoge.com')).toBe(true);
});

test('a wildcard that nobody can order says what to do', async () => {
  const only = await pool.addEdge('osaka-1');
  only.start();
  pool.configure([only], { '*.w.hoge.com': undefined as unknown as string });
  await until('it is told', () => only.certificates.status().quarantined?.length === 1);
  expect(only.certificates.status().quarantined?.[0]?.reason).toContain('import its certificate');
});
