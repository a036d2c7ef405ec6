// Certificates that people bring, through whole runs: read from real files, judged, sealed to the pool, published, and never seen anywhere
// else. What is put there anew arrives without a commit.
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { PoolIdentity } from '../bundle/api.ts';
import { judgeCertificate } from '../bundle/certificate.ts';
import type { EdgeConfig, WireRoute } from '../bundle/config.ts';
import { type PackedChunk, unpackRoute } from '../bundle/route-texts.ts';
import { type CertificateMaker, createCertificateMaker, type MadeCertificate } from '../test/certificate-maker.ts';
import { createLog } from './adapters/log.ts';
import { createMetrics } from './adapters/metrics.ts';
import { createSecretSealing } from './adapters/secret-age.ts';
import { createSecretPlaces } from './adapters/secret-places.ts';
import type { SecretSealing } from './ports/secrets.ts';
import { createSecrets, type Secrets } from './secrets.ts';
import { createSecretsLog } from './secrets-log.ts';
import { configOf, createSite, FLEET, route, type Site } from './site.fixture.ts';

const HOST = 'app.hoge.com';
const PATH = 'routes/hoge/app.yaml';
const DAY_MS = 86_400_000;
const app = (more: string) => ({ [PATH]: `${route(HOST)}${more}` });
const OWN = app('tls:\n  certificate:\n    file: app\n');

let maker: CertificateMaker;
let first: MadeCertificate;
let second: MadeCertificate;
beforeAll(async () => {
  maker = await createCertificateMaker('Hoge CA');
  [first, second] = await Promise.all([
    maker.make({ names: [`DNS:${HOST}`, 'DNS:b.hoge.com'] }),
    maker.make({ names: [`DNS:${HOST}`] }),
  ]);
}, 30_000);
afterAll(() => maker.close());

let top: string;
let site: Site;
let secrets: Secrets;
let sealing: SecretSealing;
let openPool: SecretSealing['open'];
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-own-'));
  sealing = await createSecretSealing(await generateX25519Identity());
  site = await createSite({ ...FLEET, ...OWN });
  // The authority of the test is made now.
  site.clock.ms = Date.now();
  startSecrets();
  await announce(1);
});
afterEach(() => rm(top, { recursive: true, force: true }));

/** Of a reconciler that starts over the same disk, store and key. */
function startSecrets(): void {
  const places = createSecretPlaces({
    secretsDir: join(top, 'secrets'),
    credentialsDir: join(top, 'credentials'),
    env: {},
  });
  secrets = createSecrets({ places, sealing, store: site.store });
  site.deps.secrets = secrets;
}

/** An edge gives the pool a key, or another one. */
async function announce(epoch: number): Promise<void> {
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const item = { pool: 'default', epoch, recipient, wraps: { e1: 'x' }, by: 'e1', signature: 's' };
  await site.store.putIdentity(item as PoolIdentity);
  openPool = (await createSecretSealing(identity)).open;
}

/** As docs/secrets.md says: a new file, renamed. */
async function put(text: string, folder = 'secrets/hoge', name = 'app'): Promise<void> {
  await mkdir(join(top, folder), { recursive: true });
  await writeFile(join(top, folder, '.new'), text);
  await rename(join(top, folder, '.new'), join(top, folder, name));
}

async function published(hostname = HOST): Promise<WireRoute> {
  const texts = await chunkTexts();
  const routes = texts.flatMap((text) => (JSON.parse(text) as PackedChunk).routes.map(unpackRoute));
  return routes.find((one) => one.hostname === hostname)!;
}

async function chunkTexts(): Promise<string[]> {
  const { chunks } = ((await configOf(site.store, 'e1')) as EdgeConfig).edge;
  return Promise.all(chunks.map(async ({ sha256 }) => (await site.store.blob(sha256))!));
}

const opened = async (wire: WireRoute) => JSON.parse(await openPool(wire.ownCertificate!.sealed!));
const wholeOf = ({ fullchain, key }: MadeCertificate) => key + fullchain;
const reasons = () =>
  secrets
    .problems()
    .filter(({ severity }) => severity === 'error')
    .map(({ reason }) => reason);

it('publishes a pair that only the pool can open, for which nobody is named to order', async () => {
  await put(wholeOf(first));
  expect((await site.run()).kind).toBe('published');
  const wire = await published();
  expect(wire).not.toHaveProperty('orderer');
  const pair = await opened(wire);
  expect(judgeCertificate({ ...pair, hostname: HOST, now: Date.now() })).toMatchObject({ ok: true, ...pair });
  expect(pair.fullchain).toContain(first.leaf.trim());
});

it('reads a credential as well, and seals once what several hostnames share', async () => {
  await put(wholeOf(first), 'credentials', 'hoge.app');
  const named = (host: string) => `${route(host)}tls:\n  certificate:\n    credential: app\n`;
  await site.push({ [PATH]: named(HOST), 'routes/hoge/b.yaml': named('b.hoge.com') });
  const [one, other] = [await published(), await published('b.hoge.com')];
  expect(one.ownCertificate?.sealed).toBe(other.ownCertificate?.sealed);
  expect((await opened(one)).fullchain).toContain(first.leaf.trim());
});

it('brings what is put there anew to the edges without a commit, and the same bytes while nothing changes', async () => {
  await put(wholeOf(first));
  await site.run();
  const before = await published();
  startSecrets();
  await site.restart();
  expect((await site.run()).kind).toBe('unchanged');
  await put(wholeOf(second));
  expect((await site.run()).changed).toContain('e1');
  expect((await opened(await published())).fullchain).toContain(second.leaf.trim());
  await put(wholeOf(first));
  await site.run();
  expect(await published()).toEqual(before);
});

it('seals anew for another key of the pool', async () => {
  await put(wholeOf(first));
  await site.run();
  await announce(2);
  expect((await site.run(false)).kind).toBe('published');
  expect((await opened(await published())).fullchain).toContain(first.leaf.trim());
});

it.each<[string, () => string | undefined, RegExp]>([
  ['is not there', () => undefined, /no such file/],
  ['is for another name', () => wholeOf(second), /not for b\.hoge\.com/],
  ['has the key of another one', () => second.key + first.fullchain, /does not belong/],
  ['is no PEM', () => 'sesame', /found no certificate/],
])(
  'says of a certificate that %s what is wrong, names nobody to order, and goes on with the rest',
  async (_, text, reason) => {
    const named = 'tls:\n  certificate:\n    file: b\n';
    const whole = text();
    if (whole !== undefined) await put(whole, 'secrets/hoge', 'b');
    await put(wholeOf(first));
    expect((await site.push({ 'routes/hoge/b.yaml': `${route('b.hoge.com')}${named}` })).kind).toBe('published');
    expect(await published('b.hoge.com')).toMatchObject({ ownCertificate: {} });
    expect(await published('b.hoge.com')).not.toHaveProperty('orderer');
    expect((await published()).ownCertificate?.sealed).toBeDefined();
    const found = secrets.problems().filter(({ severity }) => severity === 'error');
    expect(found).toEqual([
      {
        severity: 'error',
        kind: 'certificate',
        file: 'routes/hoge/b.yaml',
        reference: 'file b',
        reason: expect.stringMatching(reason),
      },
    ]);
  },
);

it('notices by itself that a certificate has ended, and that another one ends soon', async () => {
  await put(wholeOf(first));
  await site.run();
  const warnings = () => secrets.problems().map(({ reason }) => reason.replace(/ on .*| 20.*| \(.*/, ''));
  expect(warnings()).toEqual(['no authority that browsers know signed it']);
  site.clock.ms += 61 * DAY_MS;
  await site.run(false);
  expect(warnings()).toEqual(['no authority that browsers know signed it', 'it ends']);
  site.clock.ms += 30 * DAY_MS;
  await site.run(false);
  expect(reasons()).toEqual([expect.stringMatching(/^valid until .*put a new one there$/)]);
  expect((await published()).ownCertificate).toEqual({});
});

it('names an orderer again when the route asks for no certificate of its own any more', async () => {
  await put(wholeOf(first));
  await site.run();
  await site.push(app(''));
  expect(await published()).not.toHaveProperty('ownCertificate');
});

it('shows nothing of a key in problems, log lines, metrics, the store or what is published', async () => {
  await put(wholeOf(first));
  await put(second.key + first.fullchain, 'secrets/hoge', 'swapped');
  await put(first.key.slice(0, 150) + first.fullchain, 'secrets/hoge', 'cut');
  const more = ['swapped', 'cut'].map((name) => [
    `routes/hoge/${name}.yaml`,
    `${route(`${name}.hoge.com`)}tls:\n  certificate:\n    file: ${name}\n`,
  ]);
  await site.push(Object.fromEntries(more));
  expect(reasons()).toHaveLength(2);
  const lines: string[] = [];
  const log = createLog({ format: 'json', level: 'debug', write: (line) => void lines.push(line) });
  const metrics = createMetrics();
  createSecretsLog(log, sealing.recipient).ran(secrets.problems(), undefined);
  metrics.unusableSecrets(reasons().length);
  expect(lines).toHaveLength(3);
  const seen = [JSON.stringify(secrets.problems()), ...lines, (await metrics.text()).body];
  seen.push(JSON.stringify(await site.store.sealedTexts()), ...(await chunkTexts()));
  seen.push(JSON.stringify(await site.store.nodes()));
  const bodies = [first, second].flatMap(({ key }) =>
    key.split('\n').filter((line) => /^[A-Za-z0-9+/=]{20,}$/.test(line)),
  );
  expect(bodies.length).toBeGreaterThan(3);
  for (const text of seen) for (const body of bodies) expect(text).not.toContain(body);
  expect(await readdir(join(top, 'secrets/hoge'))).toHaveLength(3);
});
