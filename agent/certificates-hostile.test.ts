// A mailbox that lies: whatever it shows, nothing wrong is stored, no older identity is taken, and the good names go on.
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PoolIdentity, RelayResponse, SealedCertificate } from '../bundle/api.ts';
import { signRelayed } from '../bundle/relayed.ts';
import { type CertificateMaker, createCertificateMaker, type MadeCertificate } from '../test/certificate-maker.ts';
import {
  createMemoryCertificateAuthority,
  type MemoryCertificateAuthority,
} from '../test/fakes/memory-certificate-authority.ts';
import { createMemoryControlPlane, type MemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { age } from './adapters/age.ts';
import { createTestPool, POOL, served, type TestEdge, type TestPool, until } from './pool.fixture.ts';

const DAY_MS = 86_400_000;
let maker: CertificateMaker;
let ca: MemoryCertificateAuthority;
let plane: MemoryControlPlane;
let pool: TestPool;
let osaka: TestEdge;
let tokyo: TestEdge;

beforeAll(async () => {
  maker = await createCertificateMaker();
});
afterAll(() => maker.close());
beforeEach(async () => {
  ca = createMemoryCertificateAuthority(maker);
  plane = createMemoryControlPlane(POOL);
  pool = await createTestPool(plane, ca);
  osaka = await pool.addEdge('osaka-1');
  tokyo = await pool.addEdge('tokyo-1');
});
afterEach(() => pool.close());

/** osaka orders app and nothing else is there yet; `victim.hoge.com` waits for a lease that does not come. */
async function begin(hosts: Record<string, string> = {}): Promise<void> {
  plane.refuseLease('victim.hoge.com', 60_000);
  for (const edge of [osaka, tokyo]) edge.start();
  pool.configure([osaka, tokyo], { 'app.hoge.com': 'osaka-1', 'victim.hoge.com': 'osaka-1', ...hosts });
  await until('app is served', () => [osaka, tokyo].every((edge) => served(edge).includes('app.hoge.com')));
}

interface Envelope {
  by: TestEdge;
  hostname?: string;
  made: { fullchain: string; key: string };
  times?: { notBefore: Date; notAfter: Date };
  text?: string;
}

async function sealed({ by, hostname = 'victim.hoge.com', made, times, text }: Envelope): Promise<SealedCertificate> {
  const { X509Certificate } = await import('node:crypto');
  const leaf = new X509Certificate(made.fullchain);
  const { recipient } = plane.identities.at(-1)!;
  const item = {
    hostname,
    recipient,
    sealed: await age.seal([recipient], text ?? JSON.stringify({ fullchain: made.fullchain, key: made.key })),
    notBefore: (times?.notBefore ?? leaf.validFromDate).toISOString(),
    notAfter: (times?.notAfter ?? leaf.validToDate).toISOString(),
    by: by.member.node,
  };
  return signRelayed<SealedCertificate>(item, by.signingKey);
}

function make(...names: string[]): Promise<MadeCertificate> {
  return maker.make({ names: names.map((name) => `DNS:${name}`) });
}

const WRONG: [string, string, () => Promise<SealedCertificate>][] = [
  [
    'no member of the pool signed',
    'no member',
    async () => {
      const stranger = { member: { ...osaka.member, node: 'stranger' }, signingKey: osaka.signingKey } as TestEdge;
      return sealed({ by: stranger, made: await make('victim.hoge.com') });
    },
  ],
  [
    'another key signed in a member’s name',
    'does not verify',
    async () => {
      const forger = { ...osaka, signingKey: generateKeyPairSync('ed25519').privateKey };
      return sealed({ by: forger, made: await make('victim.hoge.com') });
    },
  ],
  [
    'was moved to another hostname after it was signed',
    'does not verify',
    async () => {
      const item = await sealed({ by: osaka, hostname: 'app.hoge.com', made: await make('victim.hoge.com') });
      return { ...item, hostname: 'victim.hoge.com' };
    },
  ],
  ['is for another name', 'wrong_name', async () => sealed({ by: osaka, made: await make('app.hoge.com') })],
  [
    'has the key of another certificate',
    'key_mismatch',
    async () => {
      const [one, two] = [await make('victim.hoge.com'), await make('victim.hoge.com')];
      return sealed({ by: osaka, made: { fullchain: one.fullchain, key: two.key } });
    },
  ],
  [
    'says another validity than it has',
    'validity',
    async () => {
      const times = { notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + 400 * DAY_MS) };
      return sealed({ by: osaka, made: await make('victim.hoge.com'), times });
    },
  ],
  [
    'is no certificate at all',
    'no certificate and key',
    async () => sealed({ by: osaka, made: await make('victim.hoge.com'), text: '{"fullchain":1,"key":null}' }),
  ],
  [
    'is not encrypted',
    'base64',
    async () => {
      const item = await sealed({ by: osaka, made: await make('victim.hoge.com') });
      return signRelayed<SealedCertificate>({ ...item, sealed: '{"fullchain":"","key":""}' }, osaka.signingKey);
    },
  ],
  [
    'is cut in half',
    'cannot decrypt',
    async () => {
      const item = await sealed({ by: osaka, made: await make('victim.hoge.com') });
      const half = item.sealed.slice(0, Math.floor(item.sealed.length / 8) * 4);
      return signRelayed<SealedCertificate>({ ...item, sealed: half }, osaka.signingKey);
    },
  ],
];

test.each(WRONG)('a certificate that %s is not stored', async (_title, reason, wrong) => {
  await begin();
  await plane.smuggle(await wrong());
  await until('it was judged', () => JSON.stringify([tokyo.log, tokyo.certificates.status()]).includes(reason));
  expect(await tokyo.store.read('victim.hoge.com')).toBeUndefined();
  expect(served(tokyo)).toEqual(['app.hoge.com']);
});

test('an older certificate, rightly signed, does not come back', async () => {
  const old = await maker.make({ names: ['DNS:app.hoge.com'], notBefore: new Date(Date.now() - 30 * DAY_MS) });
  await begin();
  const replay = await sealed({ by: osaka, hostname: 'app.hoge.com', made: old });
  plane.lieTo('tokyo-1', (relay) => ({ ...relay, sequence: relay.sequence + 1000, certificates: [replay] }));
  await until('it was judged', () => tokyo.log.some((line) => line.includes('older than the one held')));
  expect(await tokyo.store.read('app.hoge.com')).toEqual(await osaka.store.read('app.hoge.com'));
});

test('a member that is not the orderer cannot replace a certificate that works; the orderer can', async () => {
  await begin();
  const newer = await maker.make({ names: ['DNS:app.hoge.com'], notBefore: new Date(Date.now() - 60_000) });
  const before = await osaka.store.read('app.hoge.com');
  await plane.smuggle(await sealed({ by: tokyo, hostname: 'app.hoge.com', made: newer }));
  await until('it was judged', () => osaka.log.some((line) => line.includes('tokyo-1 is not the orderer')));
  expect(await osaka.store.read('app.hoge.com')).toEqual(before);
  await plane.smuggle(await sealed({ by: osaka, hostname: 'app.hoge.com', made: newer }));
  await until(
    'tokyo took it',
    async () => (await tokyo.store.read('app.hoge.com'))?.fullchain.startsWith(newer.leaf.trim()) === true,
  );
});

test('a certificate that was imported here is not replaced from the mailbox', async () => {
  const own = await make('own.hoge.com');
  await tokyo.store.write('own.hoge.com', own, 'imported');
  await begin({ 'own.hoge.com': 'osaka-1' });
  await until('osaka ordered its own', () => served(osaka).includes('own.hoge.com'));
  await until('tokyo read everything', () => plane.isWaiting('tokyo-1'));
  expect(await tokyo.store.read('own.hoge.com')).toEqual({ fullchain: own.fullchain, key: own.key });
  expect(plane.certificates.every(({ by }) => by === 'osaka-1')).toBe(true);
});

const GARBAGE: [string, (relay: RelayResponse) => unknown][] = [
  ['no JSON object', () => 'garbage'],
  ['an array', () => []],
  [
    'a sequence that is none and items that are none',
    () => ({ sequence: 'x', identity: 7, certificates: [null, 1, {}, []] }),
  ],
  ['a sequence that goes back every time', () => ({ sequence: 0, certificates: [] })],
  [
    'names that are paths',
    (relay) => ({
      ...relay,
      certificates: relay.certificates.map((item) => ({ ...item, hostname: '../../etc/passwd' })),
    }),
  ],
];

test.each(GARBAGE)('an edge survives a mailbox with %s, and goes on when it heals', async (_title, lie) => {
  plane.lieTo('tokyo-1', lie);
  for (const edge of [osaka, tokyo]) edge.start();
  pool.configure([osaka, tokyo], { 'app.hoge.com': 'osaka-1' });
  await until('osaka serves', () => served(osaka).length === 1);
  expect(served(tokyo)).toEqual([]);
  plane.lieTo('tokyo-1', undefined);
  await until('tokyo serves', () => served(tokyo).length === 1);
});

test('a pool identity that is older, of a stranger, or not what it claims is never taken', async () => {
  await begin();
  const { recipient } = plane.identities.at(-1)!;
  const foreign = await age.generate();
  const forged = async (change: Partial<PoolIdentity>, by: TestEdge = osaka) => {
    const wraps = { 'tokyo-1': await age.seal([tokyo.member.recipient], foreign), 'osaka-1': 'x' };
    const item = {
      pool: POOL,
      epoch: 9,
      recipient: await age.recipientOf(foreign),
      wraps,
      by: by.member.node,
      ...change,
    };
    return signRelayed<PoolIdentity>(item, by.signingKey);
  };
  const stranger = { member: { ...osaka.member, node: 'stranger' }, signingKey: osaka.signingKey } as TestEdge;
  const lies = [
    await forged({}, stranger),
    await forged({ epoch: 0 }),
    await forged({ pool: 'other' }),
    await forged({ recipient }),
    { ...(await forged({})), epoch: 10 },
    { ...(await forged({})), wraps: null as never },
  ];
  for (const identity of lies) {
    plane.lieTo('tokyo-1', (relay) => ({ ...relay, sequence: relay.sequence + 1000, identity }));
    await until('it was shown', async () => (await plane.connect('tokyo-1').relay(0, 0)).kind === 'answered');
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect(tokyo.log.filter((line) => line.includes('opened the pool identity')).length).toBeLessThanOrEqual(1);
  }
  plane.lieTo('tokyo-1', undefined);
  plane.refuseLease('victim.hoge.com', undefined);
  pool.configure([osaka, tokyo], { 'app.hoge.com': 'osaka-1', 'late.hoge.com': 'osaka-1' });
  await until('the hand-over still works', () => served(tokyo).includes('late.hoge.com'));
  expect(plane.certificates.every((item) => item.recipient === recipient)).toBe(true);
});
