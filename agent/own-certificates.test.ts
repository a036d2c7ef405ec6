// Certificates that people bring, on an edge: with real X.509, real age and real files. What does not open or pass takes nothing away, and a
// certificate that was given never goes further than its route.
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { judgeCertificate } from '../bundle/certificate.ts';
import type { Chunk } from '../bundle/config.ts';
import { type CertificateMaker, createCertificateMaker, type MadeCertificate } from '../test/certificate-maker.ts';
import { createMemoryCertificateAuthority } from '../test/fakes/memory-certificate-authority.ts';
import { createMemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { age } from './adapters/age.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { createPoolKeyring } from './adapters/pool-keyring.ts';
import { type CertificateShelf, createCertificateShelf } from './certificate-shelf.ts';
import { createOwnCertificates, type OwnCertificates } from './own-certificates.ts';
import { createTestPool, POOL, served, until } from './pool.fixture.ts';
import type { PoolKeyring } from './ports/pool-keyring.ts';

const HOST = 'app.hoge.com';
const MINUTE_MS = 60_000;
const SOON = { timeout: 10_000, interval: 10 };

let maker: CertificateMaker;
let first: MadeCertificate;
let older: MadeCertificate;
beforeAll(async () => {
  maker = await createCertificateMaker();
  const names = [`DNS:${HOST}`];
  const at = (minutes: number) => new Date(Date.now() + minutes * MINUTE_MS);
  [first, older] = await Promise.all([
    maker.make({ names, notBefore: at(-10) }),
    maker.make({ names, notBefore: at(-60 * 24) }),
  ]);
}, 30_000);
afterAll(() => maker.close());

const pairText = ({ fullchain, key }: Pick<MadeCertificate, 'fullchain' | 'key'>) => JSON.stringify({ fullchain, key });
/** Lines that only the key has. */
const secretLines = ({ key }: MadeCertificate) => key.split('\n').filter((line) => /^[A-Za-z0-9+/=]{20,}$/.test(line));

describe('on one edge', () => {
  let top: string;
  let keyring: PoolKeyring;
  let shelf: CertificateShelf;
  let own: OwnCertificates;
  let nowMs: number;
  let lines: string[];
  let reasons: Map<string, string | undefined>;
  let stored: string[];
  let seal: (text: string) => Promise<string>;
  beforeEach(async () => {
    top = await mkdtemp(join(tmpdir(), 'kokoa-given-'));
    [nowMs, lines, reasons, stored] = [Date.now(), [], new Map(), []];
    keyring = createPoolKeyring(join(top, 'pool.key'));
    await start();
    seal = await newIdentity(1);
  });
  afterEach(() => rm(top, { recursive: true, force: true }));

  /** The same disk, a new process. */
  async function start(): Promise<void> {
    shelf = createCertificateShelf(createCertsDir({ dir: join(top, 'certs') }));
    await shelf.refresh();
    const log = (fields: object, message: string) => void lines.push(JSON.stringify({ message, ...fields }));
    own = createOwnCertificates({
      ...{ shelf, keyring, sealing: age, log: { info: log, warn: log }, now: () => nowMs },
      explain: (hostname, reason) => void reasons.set(hostname, reason),
      onStored: (hostname) => void stored.push(hostname),
    });
  }

  /** The pool's, held by this edge when it resolves; answers what seals to it. */
  async function newIdentity(epoch: number) {
    const identity = await age.generate();
    const recipient = await age.recipientOf(identity);
    await keyring.save({ pool: 'default', epoch, recipient, identity, wrappedFor: {} });
    return (text: string) => age.seal([recipient], text);
  }

  const chunksOf = (hosts: Record<string, string | undefined>): Chunk[] => [
    {
      routes: Object.entries(hosts).map(([hostname, sealed]) => ({
        ...{ hostname, backends: [], limits: { maxBodyBytes: 1 } },
        ownCertificate: { ...(sealed !== undefined && { sealed }) },
      })),
    },
  ];

  /** One look at everything, as if its time had come. */
  async function lookOnce(): Promise<void> {
    const once = new AbortController();
    const looking = own.run(once.signal);
    once.abort();
    await looking;
  }

  async function give(hosts: Record<string, string | undefined>): Promise<void> {
    own.configure(chunksOf(hosts));
    await lookOnce();
  }

  async function heldLeaf(hostname = HOST): Promise<string | undefined> {
    return (await shelf.pair(hostname))?.fullchain.split('-----END')[0];
  }
  const leafOf = ({ leaf }: MadeCertificate) => leaf.split('-----END')[0];

  it('stores what was brought, replaces it by what is brought next, and an older one is as good', async () => {
    await give({ [HOST]: await seal(pairText(first)) });
    expect(shelf.get(HOST)).toMatchObject({ source: 'given' });
    expect(await heldLeaf()).toBe(leafOf(first));
    await give({ [HOST]: await seal(pairText(older)) });
    expect(await heldLeaf()).toBe(leafOf(older));
    expect(stored).toEqual([HOST, HOST]);
    expect(own.troubles().size).toBe(0);
    expect(lines.filter((line) => line.includes('stored the certificate brought'))).toHaveLength(2);
  });

  it.each<['ordered' | 'relayed' | 'imported']>([['ordered'], ['relayed'], ['imported']])(
    'takes the place of one that was %s',
    async (source) => {
      await put(older, source);
      await give({ [HOST]: await seal(pairText(first)) });
      expect([shelf.get(HOST)?.source, await heldLeaf()]).toEqual(['given', leafOf(first)]);
      // Somebody puts theirs there again behind the back of the agent.
      await put(older, source);
      await lookOnce();
      expect([shelf.get(HOST)?.source, await heldLeaf()]).toEqual(['given', leafOf(first)]);
    },
  );

  async function put(made: MadeCertificate, source: 'ordered' | 'relayed' | 'imported'): Promise<void> {
    const judged = judgeCertificate({ ...made, hostname: HOST, now: nowMs });
    if (!judged.ok) throw new Error(judged.detail);
    await shelf.put(HOST, judged, source);
  }

  it.each<[string, () => Promise<string | undefined>, RegExp]>([
    [
      'is for another name',
      async () => seal(pairText(await maker.make({ names: ['DNS:b.hoge.com'] }))),
      /refused: wrong_name/,
    ],
    ['has the key of another one', async () => seal(pairText({ ...first, key: older.key })), /refused: key_mismatch/],
    [
      'has ended',
      async () => seal(pairText(await maker.make({ names: [`DNS:${HOST}`], notAfter: new Date(nowMs - 1000) }))),
      /refused: expired: valid until [^,]*$/,
    ],
    [
      'is a CA',
      async () => seal(pairText(await maker.make({ names: [`DNS:${HOST}`], ca: true }))),
      /authority_certificate/,
    ],
    ['holds something else', async () => seal('{"fullchain":1}'), /holds no certificate and key/],
    [
      'is for another pool',
      async () => age.seal([await age.recipientOf(await age.generate())], pairText(first)),
      /does not open/,
    ],
    ['is damaged', async () => (await seal(pairText(first))).replace(/.{8}$/, 'AAAAAAAA'), /does not open/],
    ['is not there', async () => undefined, /control plane has no usable certificate/],
  ])('leaves what is held where the new one %s, says why once, and nothing of a key', async (_, make, reason) => {
    await give({ [HOST]: await seal(pairText(first)), 'good.hoge.com': undefined });
    const [bad, good] = [await make(), await maker.make({ names: ['DNS:good.hoge.com'] })];
    const chunks = { [HOST]: bad, 'good.hoge.com': await seal(pairText(good)) };
    lines = [];
    for (let looks = 0; looks < 3; looks += 1) await give(chunks);
    expect(await heldLeaf()).toBe(leafOf(first));
    expect(await heldLeaf('good.hoge.com')).toBe(leafOf(good));
    expect([...own.troubles()]).toEqual([[HOST, expect.stringMatching(reason)]]);
    expect(reasons.get(HOST)).toMatch(reason);
    expect(lines.filter((line) => line.includes('is not served'))).toHaveLength(1);
    for (const line of secretLines(first)) expect(lines.join('') + reasons.get(HOST)).not.toContain(line);
    await give({ [HOST]: await seal(pairText(first)) });
    expect([own.troubles().size, reasons.get(HOST)]).toEqual([0, undefined]);
  });

  it('waits for the key of the pool, and then needs no new bundle', async () => {
    await rm(join(top, 'pool.key'));
    const identity = await age.generate();
    const recipient = await age.recipientOf(identity);
    const stop = new AbortController();
    own.configure(chunksOf({ [HOST]: await age.seal([recipient], pairText(first)) }));
    const running = own.run(stop.signal);
    await expect.poll(() => own.troubles().get(HOST), SOON).toMatch(/waits for the key/);
    await keyring.save({ pool: 'default', epoch: 2, recipient, identity, wrappedFor: {} });
    await expect.poll(() => shelf.get(HOST)?.source, SOON).toBe('given');
    stop.abort();
    await running;
  });

  it('writes nothing again after a restart, nor for another key of the pool', async () => {
    const sealed = await seal(pairText(first));
    await give({ [HOST]: sealed });
    await start();
    await give({ [HOST]: sealed });
    const next = await newIdentity(2);
    await give({ [HOST]: await next(pairText(first)) });
    expect(stored).toEqual([HOST]);
    expect(shelf.revision()).toBe(1);
    expect(own.troubles().size).toBe(0);
  });

  it('goes on with what it holds when it was restarted between two keys of the pool', async () => {
    const sealed = await seal(pairText(first));
    await give({ [HOST]: sealed });
    await newIdentity(2);
    await start();
    await give({ [HOST]: sealed });
    expect(await heldLeaf()).toBe(leafOf(first));
    expect(own.troubles().get(HOST)).toMatch(/does not open/);
  });

  it('takes one that was not yet valid when its time has come', async () => {
    const coming = await maker.make({ names: [`DNS:${HOST}`], notBefore: new Date(nowMs + 60 * MINUTE_MS) });
    const sealed = await seal(pairText(coming));
    await give({ [HOST]: sealed });
    expect(own.troubles().get(HOST)).toMatch(/not_yet_valid/);
    nowMs += 61 * MINUTE_MS;
    await lookOnce();
    expect(shelf.get(HOST)?.source).toBe('given');
  });

  it('says what stands in the way when it cannot be stored, and stores it when that is gone', async () => {
    await symlink('/proc/self', join(top, 'certs'));
    const sealed = await seal(pairText(first));
    await give({ [HOST]: sealed });
    expect(own.troubles().get(HOST)).toMatch(/cannot be stored/);
    await rm(join(top, 'certs'));
    nowMs += MINUTE_MS;
    await lookOnce();
    expect(await heldLeaf()).toBe(leafOf(first));
  });

  it('forgets a route that asks for nothing any more', async () => {
    await give({ [HOST]: undefined });
    expect(own.troubles().size).toBe(1);
    await give({});
    expect([own.troubles().size, reasons.get(HOST)]).toEqual([0, undefined]);
  });
});

describe('in a pool', () => {
  it('is ordered and handed over by nobody; when it goes, one order is made, and it is served until then', async () => {
    const plane = createMemoryControlPlane(POOL);
    const ca = createMemoryCertificateAuthority(maker);
    const pool = await createTestPool(plane, ca);
    try {
      const edges = [await pool.addEdge('osaka-1'), await pool.addEdge('tokyo-1')];
      for (const edge of edges) edge.start();
      const hosts = { 'other.hoge.com': 'tokyo-1' };
      pool.configure(edges, hosts);
      await until('the pool works', () => edges.every((edge) => served(edge).length === 1));
      const { recipient } = plane.identities.at(-1)!;
      const brought = { [HOST]: { sealed: await age.seal([recipient], pairText(first)) } };
      pool.configure(edges, hosts, {}, brought);
      await until('both serve it', () => edges.every((edge) => served(edge).length === 2));
      const leafAt = async (at: number) => (await edges[at]!.store.read(HOST))?.fullchain;
      expect([await leafAt(0), await leafAt(1)]).toEqual([first.fullchain, first.fullchain]);
      // Something that is refused is said beside what is served.
      pool.configure(edges, hosts, {}, { [HOST]: { sealed: 'QUJD' } });
      const told = (at: number) => edges[at]!.certificates.status().quarantined;
      await until('it is said', () => told(0)?.length === 1);
      expect(told(0)).toEqual([{ hostname: HOST, reason: expect.stringMatching(/does not open/) }]);
      expect(served(edges[0]!)).toHaveLength(2);
      expect(plane.certificates.map(({ hostname }) => hostname)).toEqual(['other.hoge.com']);
      expect(ca.orders).toEqual(['other.hoge.com']);

      ca.fail(HOST, 1);
      pool.configure(edges, { ...hosts, [HOST]: 'osaka-1' });
      await until('an order failed', () => edges[0]!.log.some((line) => line.includes('could not be ordered')));
      expect([await leafAt(0), await leafAt(1)]).toEqual([first.fullchain, first.fullchain]);
      await edges[0]!.stop();
      edges[0]!.start();
      pool.configure(edges, { ...hosts, [HOST]: 'osaka-1' });
      // What the CA of the test makes began before what was brought.
      await until('both serve what was ordered', async () => {
        const [one, two] = [await leafAt(0), await leafAt(1)];
        return one === two && one !== first.fullchain;
      });
      expect(ca.orders).toEqual(['other.hoge.com', HOST, HOST]);
      expect(served(edges[1]!)).toEqual([HOST, 'other.hoge.com']);
      const said = JSON.stringify([plane.certificates, edges.map(({ log }) => log)]);
      for (const line of secretLines(first)) expect(said).not.toContain(line);
    } finally {
      await pool.close();
    }
  }, 60_000);

  it('does not take the place of a wildcard by which hosts of others are served', async () => {
    const plane = createMemoryControlPlane(POOL);
    const ca = createMemoryCertificateAuthority(maker);
    const pool = await createTestPool(plane, ca);
    try {
      const edge = await pool.addEdge('osaka-1');
      edge.start();
      pool.configure([edge], { 'other.fuga.com': 'osaka-1' });
      await until('the pool works', () => served(edge).length === 1);
      const wildcard = '*.hoge.com';
      const taking = await maker.make({ names: [`DNS:${wildcard}`], notBefore: new Date(Date.now() - MINUTE_MS) });
      const sealed = await age.seal([plane.identities.at(-1)!.recipient], pairText(taking));
      // The shared one is held already, then comes the route that brings another one.
      for (const host of [HOST, 'later.hoge.com']) {
        pool.configure([edge], { [host]: 'osaka-1' }, {}, { [wildcard]: { sealed } }, wildcard);
        await until('it was ordered', () => ca.orders.includes(wildcard) && served(edge).includes(wildcard));
        await edge.stop();
        edge.start();
        pool.configure([edge], { [host]: 'osaka-1' }, {}, { [wildcard]: { sealed } }, wildcard);
        await until('it is held', () => served(edge).includes(wildcard));
        const held = await edge.store.read(wildcard);
        expect(held?.fullchain).not.toBe(taking.fullchain);
      }
      expect(ca.orders).toEqual(['other.fuga.com', wildcard]);
      expect(edge.log.join()).not.toContain('stored the certificate brought');
    } finally {
      await pool.close();
    }
  }, 60_000);
});
