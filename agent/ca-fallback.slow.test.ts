// The same with two real servers, real certbot and a certificate that is due: it is served until the other CA's one is there.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import { type AcmeTestServer, startAcmeServer } from '../test/fakes/acme-server.ts';
import { createMemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { createCertbot } from './adapters/certbot.ts';
import { createTestPool, POOL, served, type TestEdge } from './pool.fixture.ts';

const HOUR_MS = 3_600_000;
const NAME = 'app.hoge.com';
/** certbot needs seconds of a core; a loaded machine has few. */
const LONG = { timeout: 60_000, interval: 50 };

let ahead = 0;
let folder: string;
let maker: CertificateMaker;
let edge: TestEdge | undefined;
let first: AcmeTestServer;
let other: AcmeTestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kokoa-fallback-'));
  maker = await createCertificateMaker();
  const start = () =>
    startAcmeServer({
      now: () => Date.now() + ahead,
      lifetimeMs: 12 * HOUR_MS,
      // What the edge answers with is what the config says.
      validate: ({ token, value }) => value === `${token}.${edge?.member.acmeThumbprint}`,
    });
  [first, other] = [await start(), await start()];
});
afterAll(async () => {
  await Promise.all([first.close(), other.close(), maker.close()]);
  await rm(folder, { recursive: true, force: true });
});

test('a CA that answers 503 for a sixth of the lifetime of what is due: one order at the other one, and nothing was lost', async () => {
  first.misbehave((kind) => (kind === 'newOrder' ? { kind: 'refuse', status: 503, retryAfter: '1200' } : undefined));
  const caFile = join(folder, 'both.pem');
  await writeFile(caFile, `${await readFile(first.caFile, 'utf8')}${await readFile(other.caFile, 'utf8')}`);
  const certbot = createCertbot({ binary: 'certbot', stateDir: folder, caFile });
  const plane = createMemoryControlPlane(POOL);
  const ca = { connect: () => certbot, orders: [], fail() {}, issueInstead() {} };
  const pool = await createTestPool(plane, ca, () => Date.now() + ahead);
  try {
    edge = await pool.addEdge('osaka-1');
    const configure = () =>
      pool.configure(
        [edge!],
        { [NAME]: 'osaka-1' },
        { acme: { server: first.server, fallback: { server: other.server } } },
      );
    const now = Date.now();
    const times = { notBefore: new Date(now - 8.5 * HOUR_MS), notAfter: new Date(now + 3.5 * HOUR_MS) };
    const held = await maker.make({ names: [`DNS:${NAME}`], ...times });
    await edge.store.write(NAME, held, 'ordered');
    edge.start();
    configure();
    await vi.waitFor(() => expect(edge!.accounts).toHaveLength(1), LONG);
    edge.member.acmeThumbprint = edge.accounts[0]!;
    configure();
    const refusals = () => edge!.log.filter((line) => line.includes('acme_unavailable')).length;
    await vi.waitFor(() => expect(refusals()).toBe(1), LONG);
    // Fifteen minutes are not twenty.
    ahead = 900_000;
    configure();
    await vi.waitFor(() => expect(plane.isWaiting('osaka-1')).toBe(true), LONG);
    expect(refusals()).toBe(1);
    expect(first.requests.filter((kind) => kind === 'newOrder')).toHaveLength(1);
    ahead = 2 * HOUR_MS + 5_000;
    configure();
    await vi.waitFor(() => expect(edge!.accounts).toHaveLength(2), LONG);
    expect(await edge.store.read(NAME)).toMatchObject({ fullchain: held.fullchain });
    edge.member.acmeThumbprint = edge.accounts[1]!;
    configure();
    const stored = async () => (await edge!.store.read(NAME))?.fullchain;
    await vi.waitFor(async () => expect(await stored()).not.toBe(held.fullchain), LONG);
    expect(served(edge)).toEqual([NAME]);
    expect(other.finalised).toEqual([NAME]);
    expect([first.finalised, first.failedValidations, other.failedValidations]).toEqual([[], [], []]);
  } finally {
    await pool.close();
  }
});
