// Certificates of six hours, under clocks that go half an hour further with each step (libfaketime): the reconciler, two edges with their nginx
// and certbot, and an authority that is down for the last third of each life but its final tenth. None ends, and none is renewed twice.
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findOwn } from '../../agent/adapters/detached.ts';
import { allApplied } from '../../lab/converged.ts';
import { routeFile } from '../../lab/example-data.ts';
import { type LoopbackWorld, startLoopback } from '../../lab/loopback-world.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { eventually } from '../../lab/story.ts';
import { EDGES, type EdgeName } from '../../lab/world.ts';
import { createWrongClock, NOTICED_MS, type WrongClock } from '../../lab/wrong-clock.ts';
import { type AcmeTestServer, startAcmeServer } from '../fakes/acme-server.ts';

const MINUTE_MS = 60_000;
const LIFE_MS = 6 * 60 * MINUTE_MS;
const LIVES = 2;
const NAMES = ['app.hoge.com', 'wiki.fuga.com'] as const;
const ORDERED_MS = 60_000;
const STORY_MS = 900_000;
/** After a config is applied, until what is due has begun. */
const BEGUN_MS = 1_500;

let run: Run;
let folder: string;
let clock: WrongClock;
let acme: AcmeTestServer;
let world: LoopbackWorld;
let aheadMs = 0;
let turn = 0;
let refused = 0;

beforeAll(async () => {
  run = createRun();
  folder = await mkdtemp(join(tmpdir(), 'kokoa-six-hours-'));
  clock = createWrongClock(folder);
  acme = await startAcmeServer({ now: nowMs, lifetimeMs: LIFE_MS, validate: answeredByAll });
  world = await startLoopback(run, { acme: { server: acme.server, caFile: acme.caFile }, env: clock.env });
  const { developer, files, agents } = world;
  await developer.commit({ 'edges/osaka-1.yaml': files['edges/osaka-1.yaml']! }, 'the second edge');
  for (const edge of EDGES) {
    expect(await agents[edge].join()).toMatchObject({ exitCode: 0 });
    await agents[edge].start(clock.env);
  }
  await allHoldNewest(NAMES.length);
}, STORY_MS);

afterAll(async () => {
  expect((await run?.end()) ?? []).toEqual([]);
  await acme?.close();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

function nowMs(): number {
  return Date.now() + aheadMs;
}

/** As an authority looks from several places: each edge has to answer. */
async function answeredByAll({ name, token, value }: { name: string; token: string; value: string }): Promise<boolean> {
  const answers = EDGES.map(async (edge) => {
    const { address, httpPort } = world.doors[edge];
    const { stdout } = await world.operator.attempt('curl', [
      ...['-sS', '--max-time', '5', '-H', `Host: ${name}`],
      `http://${address}:${httpPort}/.well-known/acme-challenge/${token}`,
    ]);
    return stdout === value;
  });
  return (await Promise.all(answers)).every((answer) => answer);
}

/** What visitors are shown: the certificate that ends then (ms since the epoch). */
function servedUntilMs(edge: EdgeName, servername: string): Promise<number> {
  const { address: host, httpsPort: port } = world.doors[edge];
  return new Promise((resolve, reject) => {
    // By the clock of this process it may not be valid yet.
    const socket = connect({ host, port, servername, rejectUnauthorized: false }, () => {
      resolve(Date.parse(socket.getPeerCertificate().valid_to));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

const issuedOf = (name: string) => acme.finalised.filter((one) => one === name).length;

/** When the newest certificate of a name ends (ms since the epoch). */
function newestEndMs(name: string): number {
  const leaves = acme.issued().map(({ fullchain }) => new X509Certificate(fullchain));
  return Math.max(...leaves.filter((leaf) => leaf.checkHost(name)).map((leaf) => leaf.validToDate.getTime()));
}

/** Those of this run. */
async function certbots(): Promise<number> {
  return (await findOwn((argv) => argv.some((word) => word.startsWith(`--config-dir=${run.directory}/`)))).length;
}

async function allHoldNewest(issued: number): Promise<void> {
  let said = '';
  await eventually({
    expected: `${issued} certificates are issued, and every edge shows the newest`,
    async look() {
      const shown = await Promise.all(
        EDGES.flatMap((edge) =>
          NAMES.map(async (name) => (await servedUntilMs(edge, name).catch(() => 0)) === newestEndMs(name)),
        ),
      );
      said = `${acme.finalised.length} issued, shown ${shown.join()}`;
      return acme.finalised.length === issued && shown.every((one) => one) ? true : undefined;
    },
    found: () => said,
    timeoutMs: ORDERED_MS,
  });
}

/** Time passes, every edge hears of a change, and what became due is ordered or refused. */
async function step(ms: number): Promise<void> {
  aheadMs += ms;
  clock.set(aheadMs);
  await delay(3 * NOTICED_MS);
  turn += 1;
  const route = routeFile('app.hoge.com', 'home', 8080 + (turn % 2));
  await world.developer.commit({ 'routes/hoge/app.hoge.com.yaml': route }, `turn ${turn}`);
  await allApplied(world, EDGES, ORDERED_MS);
  await delay(BEGUN_MS);
  await eventually({
    expected: 'no certbot works',
    look: async () => ((await certbots()) === 0 ? true : undefined),
    found: () => 'one that works',
    timeoutMs: ORDERED_MS,
  });
  for (const edge of EDGES)
    for (const name of NAMES) {
      const until = await servedUntilMs(edge, name).catch((error) => explained(error, edge));
      expect(until, `${name} at ${edge}`).toBeGreaterThan(nowMs());
    }
}

/** What the web server says of it. */
async function explained(error: Error, edge: EdgeName): Promise<never> {
  const log = await readFile(join(world.agents[edge].stateDir, 'run', 'nginx.log'), 'utf8');
  throw new Error(`${edge}: ${error.message}\n${log.slice(-2_000)}`, { cause: error });
}

it('none ends and none is renewed twice, looked at every half hour', { timeout: STORY_MS }, async () => {
  for (let life = 1; life <= LIVES; life += 1) {
    const endMs = Math.min(...NAMES.map(newestEndMs));
    while (nowMs() < endMs - LIFE_MS / 3 - 30 * MINUTE_MS) await step(30 * MINUTE_MS);
    expect(NAMES.map(issuedOf)).toEqual(NAMES.map(() => life));

    acme.misbehave(() => {
      refused += 1;
      return { kind: 'refuse', status: 503 };
    });
    const before = refused;
    while (nowMs() < endMs - LIFE_MS / 10 - 30 * MINUTE_MS) await step(30 * MINUTE_MS);
    await step(endMs - LIFE_MS / 10 - nowMs());
    expect(NAMES.map(issuedOf)).toEqual(NAMES.map(() => life));
    expect(refused).toBeGreaterThan(before);

    acme.misbehave();
    for (let tries = 0; tries < 3; tries += 1) await step(5 * MINUTE_MS);
    await allHoldNewest(NAMES.length * (life + 1));
    expect(NAMES.map(issuedOf)).toEqual(NAMES.map(() => life + 1));
  }
});
