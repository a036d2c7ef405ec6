// Every edge of a pool is lost: with the offline key a new one serves the same certificates, and the CA sees no order.
import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { age } from '../agent/adapters/age.ts';
import { restoreCertificates } from '../agent/import-certificate-parcel.ts';
import { createTestPool, POOL, served, type TestEdge, type TestPool, until } from '../agent/pool.fixture.ts';
import type { RelayResponse, SealedCertificate } from '../bundle/api.ts';
import type { PoolMember } from '../bundle/config.ts';
import { signRelayed } from '../bundle/relayed.ts';
import { openSqliteStore } from '../reconciler/adapters/store-sqlite.ts';
import type { BoundEnrolment, Store } from '../reconciler/ports/store.ts';
import { type CertificateMaker, createCertificateMaker } from './certificate-maker.ts';
import {
  createMemoryCertificateAuthority,
  type MemoryCertificateAuthority,
} from './fakes/memory-certificate-authority.ts';
import { createMemoryControlPlane, type MemoryControlPlane } from './fakes/memory-control-plane.ts';

const run = promisify(execFile);
const KOKOA = join(import.meta.dirname, '..', 'reconciler', 'main.ts');
const HOSTS = { 'app.hoge.com': 'osaka-1', 'wiki.fuga.com': 'tokyo-1' };
/** What begins later replaces what is in the mailbox. */
const LATER = new Date(Date.now() + 60_000).toISOString();
let maker: CertificateMaker;
let ca: MemoryCertificateAuthority;
let plane: MemoryControlPlane;
let pool: TestPool;
let folder: string;
let offline: string;
let escrow: string;

beforeAll(async () => {
  maker = await createCertificateMaker();
});
afterAll(() => maker.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kokoa-escrow-'));
  ca = createMemoryCertificateAuthority(maker);
  plane = createMemoryControlPlane(POOL);
  pool = await createTestPool(plane, ca);
  offline = await age.generate();
  escrow = await age.recipientOf(offline);
});
afterEach(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

/** A pool of two that has lost both; what is left is its mailbox, in a store of the control plane. */
async function lost(): Promise<{ pairs: Map<string, unknown>; mailbox: RelayResponse }> {
  const edges = [await pool.addEdge('osaka-1'), await pool.addEdge('tokyo-1')];
  for (const edge of edges) edge.start();
  pool.configure(edges, HOSTS, { escrow });
  const isThere = (edge: TestEdge) => served(edge).length === 2;
  await until('both serve both', () => edges.every(isThere) && plane.certificates.length >= 2);
  await until('it is wrapped to the escrow key', () => plane.identities.at(-1)!.escrow !== undefined);
  const pairs = new Map<string, unknown>();
  for (const name of Object.keys(HOSTS)) pairs.set(name, await edges[0]!.store.read(name));
  for (const edge of edges) await edge.stop();
  const answer = await plane.connect('osaka-1').relay(0, 0);
  if (answer.kind !== 'answered') throw new Error('the mailbox does not answer');
  const store = await openSqliteStore(join(folder, 'data', 'store'));
  await store.putIdentity(answer.relay.identity!);
  for (const item of answer.relay.certificates) await store.putCertificate(POOL, item);
  for (const { member } of edges) await store.saveEnrolment(enrolmentOf(member));
  await store.close();
  return { pairs, mailbox: answer.relay };
}

/** Under these keys a machine has a name. */
function enrolmentOf({ node, signingKey, recipient }: PoolMember): BoundEnrolment {
  const enrolment = { wireguardPublicKey: randomBytes(32).toString('base64'), signingKey, recipient, formats: [1] };
  return { node, tokenSha256: 'a'.repeat(64), generation: 1, sequence: 1, enrolment };
}

/** The store, for whoever may write it. */
async function write(change: (store: Store) => Promise<unknown>): Promise<void> {
  const store = await openSqliteStore(join(folder, 'data', 'store'));
  await change(store);
  await store.close();
}

const kokoa = (...words: string[]) => run('node', [KOKOA, 'certs', ...words], { cwd: folder });
const withData = () => ['--data', join(folder, 'data')];
/** The authority of these tests is none that browsers know. */
const withCa = () => ['--private-ca', maker.issuerFile];

async function keyFile(secret: string): Promise<string> {
  const path = join(folder, 'offline.key');
  await writeFile(path, `# public key: age1...\n${secret}\n`, { mode: 0o600 });
  return path;
}

test('a new edge serves the same certificates, and nothing is ordered', async () => {
  const { pairs } = await lost();
  const orders = ca.orders.length;
  const kyoto = await pool.addEdge('kyoto-1');
  const parcel = join(folder, 'parcel');
  const restoring = ['escrow-restore', POOL, '--recipient', kyoto.member.recipient, '--out', parcel];
  const { stdout } = await kokoa(...restoring, ...withCa(), '--key-file', await keyFile(offline), ...withData());
  expect(stdout).toContain('packed 2 certificates of pool default');

  // Only that machine can open it.
  const text = await readFile(parcel, 'utf8');
  expect(text).not.toMatch(/PRIVATE KEY|AGE-SECRET-KEY/);
  const request = { file: parcel, sealing: age, store: kyoto.store, now: Date.now() };
  await expect(restoreCertificates({ ...request, ageIdentity: await age.generate() })).rejects.toMatchObject({
    code: 'other_recipient',
  });
  const restored = await restoreCertificates({ ...request, ageIdentity: kyoto.ageIdentity });
  expect(restored).toEqual({ pool: POOL, names: Object.keys(HOSTS), leftOut: [] });
  // A second time nothing is left to do.
  expect((await restoreCertificates({ ...request, ageIdentity: kyoto.ageIdentity })).leftOut).toHaveLength(2);

  plane.lose();
  kyoto.start();
  pool.configure([kyoto], { 'app.hoge.com': 'kyoto-1', 'wiki.fuga.com': 'kyoto-1' }, { escrow });
  await until('it serves both', () => served(kyoto).length === 2);
  for (const [name, pair] of pairs) expect(await kyoto.store.read(name)).toEqual(pair);
  await until(
    'the pool has them again',
    () => plane.isWaiting('kyoto-1') && kyoto.certificates.status().quarantined?.length === 0,
  );
  expect(ca.orders.length).toBe(orders);
});

test('the list says who gave what, until when, and to which identity; nothing in the store opens it', async () => {
  const { mailbox, pairs } = await lost();
  const { stdout: table } = await kokoa('list', ...withData());
  expect(table).toContain(`identity ${mailbox.identity!.epoch}, by osaka-1, for osaka-1, tokyo-1, the escrow key`);
  expect(table).toMatch(/^app\.hoge\.com +osaka-1 +\d{4}-\d\d-\d\d \d{4}-\d\d-\d\d 1$/m);
  expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  const { pools } = JSON.parse((await kokoa('list', '-o', 'json', ...withData())).stdout) as { pools: unknown[] };
  expect(pools).toMatchObject([
    { pool: POOL, certificates: [{ name: 'app.hoge.com', epoch: 1 }, { name: 'wiki.fuga.com' }] },
  ]);
  expect((await kokoa('rekey', POOL, ...withData())).stdout).toContain('identityEpoch: 2');

  // The control plane holds no key that opens anything: neither as text nor in the bytes of its files.
  const bytes = (
    await Promise.all(
      ['', '-wal'].map((end) => readFile(join(folder, 'data/store', `kokoa.sqlite${end}`)).catch(() => '')),
    )
  )
    .map(String)
    .join();
  expect(bytes).toContain(mailbox.identity!.recipient);
  expect(bytes).not.toMatch(/AGE-SECRET-KEY|PRIVATE KEY/);
  for (const pair of pairs.values()) {
    const { key } = pair as { key: string };
    expect(bytes).not.toContain(key.split('\n')[1]);
  }
});

test('the offline key need not come to the machine of the reconciler; a wrong one, or none, is said', async () => {
  await lost();
  const exported = join(folder, 'mailbox.json');
  await writeFile(exported, (await kokoa('export', POOL, ...withData())).stdout);
  const recipient = await age.recipientOf(await age.generate());
  const restoring = (out: string) => [
    'escrow-restore',
    POOL,
    '--recipient',
    recipient,
    '--out',
    join(folder, out),
    '--from',
    exported,
  ];
  const wrong = kokoa(...restoring('wrong'), '--key-file', await keyFile(await age.generate()));
  await expect(wrong).rejects.toMatchObject({ stderr: expect.stringContaining('other_escrow') });
  const { stdout } = await kokoa(...restoring('right'), ...withCa(), '--key-file', await keyFile(offline));
  expect(stdout).toContain('packed 2');
  await expect(kokoa(...restoring('right'), ...withCa(), '--key-file', await keyFile(offline))).rejects.toMatchObject({
    stderr: expect.stringContaining('EEXIST'),
  });
});

test('what is given in place of a recipient is not shown where it is a secret, and a slip in one is told as that', async () => {
  const good = await age.recipientOf(await age.generate());
  const slip = good.slice(0, -1) + (good.endsWith('q') ? 'p' : 'q');
  const refusal = async (recipient: string) => {
    const restoring = [
      'escrow-restore',
      POOL,
      '--recipient',
      recipient,
      '--out',
      join(folder, 'parcel'),
      ...withData(),
    ];
    const failed = await kokoa(...restoring, '--key-file', await keyFile(offline)).catch((error: unknown) => error);
    return (failed as { stderr: string }).stderr;
  };
  for (const typed of [offline, offline.toLowerCase(), ` ${offline.slice(0, 50)}`, `x${offline}`, offline.slice(5)]) {
    const said = await refusal(typed);
    expect(said).toContain('expected age1 and 58 characters');
    expect(said.toUpperCase()).not.toContain(offline.slice(20, 32));
  }
  expect(await refusal(offline)).toContain('never an argument');
  expect(await refusal(slip)).toContain('checksum');
  expect(await refusal(`${good}q`)).toContain('found 63 characters');
});

test('a mailbox that is empty, or of another pool, is told with what to do', async () => {
  const store = await openSqliteStore(join(folder, 'data', 'store'));
  await store.close();
  const said = (error: { stderr: string }) => error.stderr.replace(/\s+/g, ' ');
  for (const command of ['rekey', 'export'])
    expect(await kokoa(command, POOL, ...withData()).catch(said)).toMatch(/has an edge joined\? See kokoa get edges/);
});

test('a pair that somebody who writes the store made is left out, whoever it names; so is what no authority that is known signed', async () => {
  const { mailbox } = await lost();
  const [app, wiki] = mailbox.certificates.toSorted((a, b) => (a.hostname < b.hostname ? -1 : 1)) as [
    SealedCertificate,
    SealedCertificate,
  ];
  const recipient = await age.recipientOf(await age.generate());
  const parcel = join(folder, 'parcel');
  const restore = async (...words: string[]) => {
    await rm(parcel, { force: true });
    const restoring = ['escrow-restore', POOL, '--recipient', recipient, '--out', parcel, ...words];
    return (await kokoa(...restoring, '--key-file', await keyFile(offline), ...withData())).stdout;
  };
  const unknown =
    /^left out 2 certificates of pool default:\n {2}2: no authority that browsers know signed it .*--private-ca\n {4}app.hoge.com, wiki.fuga.com\n$/;
  const nothing = {
    code: 1,
    stdout: expect.stringMatching(unknown),
    stderr: expect.stringContaining('nothing_packed'),
  };
  await expect(restore()).rejects.toMatchObject(nothing);
  await expect(readFile(parcel)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await restore(...withCa())).toMatch(/^packed 2 /);

  // With the name of an edge that is known, of one that is not, and with its name on the machine that is there now.
  const stranger = await createCertificateMaker('stranger CA');
  const { fullchain, key } = await stranger.make({ names: ['DNS:app.hoge.com'] }).finally(stranger.close);
  const sealed = await age.seal([mailbox.identity!.recipient], JSON.stringify({ fullchain, key }));
  const { privateKey } = generateKeyPairSync('ed25519');
  const made = (by: string) => signRelayed<SealedCertificate>({ ...app, sealed, by, notBefore: LATER }, privateKey);
  await write((store) => store.putCertificate(POOL, made('osaka-1')));
  expect(await restore(...withCa())).toMatch(
    / 1: its signature is not that of osaka-1: .*\n {4}app.hoge.com\npacked 1 /,
  );
  const nobody = { code: 2, stderr: expect.stringMatching(/--replaced: .*osaka-9.*\n.*osaka-1, tokyo-1/) };
  await expect(restore(...withCa(), '--replaced', 'osaka-9')).rejects.toMatchObject(nobody);
  expect(await restore(...withCa(), '--replaced', 'osaka-1')).toMatch(
    / 1: no authority .*stranger CA.*\n {4}app.hoge.com\npacked 1 /,
  );
  await write((store) => store.putCertificate(POOL, made('nobody-1')));
  expect(await restore(...withCa())).toMatch(/ 1: no authority .*stranger CA.*\n {4}app.hoge.com\npacked 1 /);

  // A lost edge whose name the new machine has: its former key is not known any more.
  const tokyo = { node: wiki.by, signingKey: 'A'.repeat(43), acmeThumbprint: 'x' };
  const other = await age.recipientOf(await age.generate());
  await write((store) => store.saveEnrolment(enrolmentOf({ ...tokyo, recipient: other })));
  const replaced = { code: 1, stdout: expect.stringMatching(/ 1: its signature is not that of tokyo-1: /) };
  await expect(restore(...withCa())).rejects.toMatchObject(replaced);
  expect(await restore(...withCa(), '--replaced', 'osaka-1', 'tokyo-1')).toMatch(/\npacked 1 /);
  await write((store) => store.saveEnrolment(enrolmentOf({ ...tokyo, recipient })));
  expect(await restore(...withCa())).toMatch(/\npacked 1 /);

  for (const wrong of [join(folder, 'offline.key'), join(folder, 'none'), folder])
    await expect(restore('--private-ca', wrong)).rejects.toMatchObject({
      stderr: expect.stringContaining('--private-ca'),
    });
});
