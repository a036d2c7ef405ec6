// An edge whose CA refuses for too long: it goes to the other one, with that account, under the same law as ever, and comes back after a day.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { KokoaError } from '../bundle/error.ts';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import { createMemoryControlPlane, type MemoryControlPlane } from '../test/fakes/memory-control-plane.ts';
import { createTestPool, POOL, served, type TestEdge, type TestPool, until } from './pool.fixture.ts';
import type { AcmeServer } from './ports/certificate-authority.ts';

const DAY_MS = 86_400_000;
const FIRST = 'https://first.example/dir';
const OTHER = 'https://other.example/dir';
const ACME = { server: FIRST, email: 'ops@hoge.com', fallback: { server: OTHER, email: 'other@hoge.com' } };

let maker: CertificateMaker;
let plane: MemoryControlPlane;
let pool: TestPool;
let ahead = 0;
let orders: { acme: AcmeServer; hostname: string }[] = [];
/** Code of what each CA answers to an order; absent: a certificate. */
let refusals = new Map<string, string>();

beforeAll(async () => {
  maker = await createCertificateMaker();
});
afterAll(() => maker.close());
beforeEach(async () => {
  ahead = 0;
  orders = [];
  refusals = new Map([[FIRST, 'acme_unavailable']]);
  plane = createMemoryControlPlane(POOL);
  const connect = () => ({
    account: async ({ server }: AcmeServer) => accountAt(server),
    async order(acme: AcmeServer, hostname: string) {
      orders.push({ acme, hostname });
      const code = refusals.get(acme.server);
      if (code) throw new KokoaError(code, 'refused');
      return maker.make({ names: [`DNS:${hostname}`] });
    },
  });
  const ca = { connect, orders: [], fail() {}, issueInstead() {} };
  pool = await createTestPool(plane, ca, () => Date.now() + ahead);
});
afterEach(() => pool.close());

const accountAt = (server: string) => `account-at-${new URL(server).hostname}`;
const servers = () => orders.map(({ acme }) => acme.server);
const configure = (edge: TestEdge, acme: typeof ACME | { server: string } = ACME, name = 'app.hoge.com') =>
  pool.configure([edge], { [name]: edge.member.node }, { acme });

/** An edge whose first CA has refused once, and that is announced with its account. */
async function refusedEdge(): Promise<TestEdge> {
  const edge = await pool.addEdge('osaka-1');
  edge.member.acmeThumbprint = accountAt(FIRST);
  edge.start();
  configure(edge);
  await until('the first CA refused', () => edge.log.some((line) => line.includes('could not be ordered')));
  return edge;
}

/** As the reconciler would, once it was told of the account. */
function announce(edge: TestEdge): void {
  edge.member.acmeThumbprint = edge.accounts.at(-1)!;
  configure(edge);
}

test('a day without one success: the other CA is used, once every edge answers for that account, and the first again after a day', async () => {
  const edge = await refusedEdge();
  ahead = DAY_MS - 10_000;
  configure(edge);
  await until('it was refused again', () => orders.length === 2);
  expect(edge.accounts).toEqual([accountAt(FIRST)]);

  ahead = DAY_MS + 1_000;
  configure(edge);
  await until('the other account is announced', () => edge.accounts.at(-1) === accountAt(OTHER));
  // Not before the config names it: nobody would answer for it.
  await until('there was time to order', () => plane.isWaiting('osaka-1'));
  expect(servers()).toEqual([FIRST, FIRST]);
  announce(edge);
  await until('it is served', () => served(edge).length === 1);
  expect(orders.at(-1)).toEqual({ acme: ACME.fallback, hostname: 'app.hoge.com' });

  await edge.stop();
  edge.start();
  configure(edge);
  await until('it is the other one after a restart, too', () => edge.accounts.length === 3);
  expect(edge.accounts.at(-1)).toBe(accountAt(OTHER));

  ahead = 2 * DAY_MS + 2_000;
  configure(edge, ACME, 'wiki.fuga.com');
  await until('the first account is announced again', () => edge.accounts.at(-1) === accountAt(FIRST));
  refusals.clear();
  edge.member.acmeThumbprint = accountAt(FIRST);
  configure(edge, ACME, 'wiki.fuga.com');
  await until('the first CA issues', () => servers().at(-1) === FIRST && served(edge).includes('wiki.fuga.com'));
  expect(edge.log.filter((line) => line.includes('the fallback is used for a day'))).toHaveLength(1);
  expect(edge.log.filter((line) => line.includes('the first CA is used again'))).toHaveLength(1);
});

test('names whose validation fails for days move nobody to another CA', async () => {
  refusals.set(FIRST, 'acme_validation_failed');
  const edge = await refusedEdge();
  for (let day = 1; day <= 3; day += 1) {
    ahead = day * DAY_MS;
    configure(edge);
    await until('it is tried again', () => orders.length === day + 1);
  }
  expect(edge.accounts).toEqual([accountAt(FIRST)]);
});

test('without a fallback nothing is given up', async () => {
  const edge = await refusedEdge();
  ahead = 2 * DAY_MS;
  configure(edge, { server: FIRST });
  await until('it is tried again', () => orders.length === 2);
  expect(edge.accounts).toEqual([accountAt(FIRST)]);
});

test('a note that is torn is no note, and refusals are remembered over a restart', async () => {
  const edge = await refusedEdge();
  const note = join(pool.folder, 'osaka-1-0', 'acme', 'standing.json');
  await until('it is kept', async () => (await readFile(note, 'utf8').catch(() => '')).includes('refusesSinceMs'));
  await edge.stop();
  ahead = DAY_MS + 1_000;
  edge.start();
  configure(edge);
  await until('the other account is announced', () => edge.accounts.at(-1) === accountAt(OTHER));
  await edge.stop();
  await writeFile(note, '{"server":');
  edge.start();
  configure(edge);
  await until('it begins with the first one', () => edge.accounts.at(-1) === accountAt(FIRST));
});
