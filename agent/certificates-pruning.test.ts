// Certificates that nothing needs go after a week, with real files, over restarts and clock jumps.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type CertificateMaker, createCertificateMaker, type MadeCertificate } from '../test/certificate-maker.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { createUnwantedFile } from './adapters/unwanted-file.ts';
import type { EdgeView } from './certificate-orders.ts';
import { createCertificateShelf } from './certificate-shelf.ts';
import { createPruning, PRUNING_MS } from './certificates-pruning.ts';

const DAY_MS = 24 * 3_600_000;
const NAMES = ['app.hoge.com', 'old.hoge.com', 'own.hoge.com'];

let maker: CertificateMaker;
let made: MadeCertificate[];
let folder: string;
let log: string[];
/** Wall clock and the one that nobody sets. */
let wallMs: number;
let upMs: number;
let wanted: string[] | undefined;

beforeAll(async () => {
  maker = await createCertificateMaker();
  made = await Promise.all(NAMES.map((name) => maker.make({ names: [`DNS:${name}`] })));
});
afterAll(() => maker.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kokoa-pruning-'));
  [log, wallMs, upMs, wanted] = [[], Date.now(), 0, ['app.hoge.com']];
  const store = createCertsDir({ dir: join(folder, 'certs') });
  for (const [index, name] of NAMES.entries())
    await store.write(name, made[index]!, name === 'own.hoge.com' ? 'imported' : 'ordered');
});
afterEach(() => rm(folder, { recursive: true }));

/** An agent that has just been started on these files. */
async function start() {
  const shelf = createCertificateShelf(createCertsDir({ dir: join(folder, 'certs') }));
  await shelf.refresh();
  const told = (fields: object, message: string) => log.push(JSON.stringify({ message, ...fields }));
  const pruning = createPruning({
    view: () => view(),
    shelf,
    unwanted: createUnwantedFile(join(folder, 'unwanted.json')),
    log: { info: told, warn: told },
    now: () => wallMs,
    monotonicMs: () => upMs,
  });
  return { shelf, look: pruning.look };
}

function view(): EdgeView | undefined {
  if (!wanted) return undefined;
  const certificates = new Map(wanted.map((name) => [name, 'me']));
  const servedBy = new Map(wanted.map((name) => [name, name]));
  return { config: { node: 'me' } as EdgeView['config'], certificates, servedBy };
}

/** Each look counts two hours at most. */
async function run({ look }: { look(): Promise<void> }, hours: number): Promise<void> {
  for (let passed = 0; passed <= hours; passed += 2) {
    await look();
    upMs += 2 * PRUNING_MS;
  }
}

/** As an agent left it that ran for so long. */
async function counted(hours: number): Promise<void> {
  const ms = hours * 3_600_000;
  await createUnwantedFile(join(folder, 'unwanted.json')).write(new Map(NAMES.slice(1).map((name) => [name, ms])));
}

async function namesOnDisk(): Promise<string[]> {
  const { held } = await createCertsDir({ dir: join(folder, 'certs') }).list();
  return held.map(({ hostname }) => hostname);
}

test('what no route has needed for seven days goes with its key, an imported one too, and each is said', async () => {
  await counted(160);
  const agent = await start();
  await run(agent, 6);
  expect(await namesOnDisk()).toEqual(NAMES);
  expect(log).toEqual([]);
  await agent.look();
  expect(await namesOnDisk()).toEqual(['app.hoge.com']);
  await expect(stat(join(folder, 'certs', '.versions', 'old.hoge.com'))).rejects.toThrow('ENOENT');
  expect([...agent.shelf.all()].map(({ hostname }) => hostname)).toEqual(['app.hoge.com']);
  expect(log.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      message: expect.stringContaining('removed'),
      hostname: 'old.hoge.com',
      source: 'ordered',
    }),
    expect.objectContaining({ hostname: 'own.hoge.com', source: 'imported', fingerprint256: expect.any(String) }),
  ]);
  expect(await readFile(join(folder, 'unwanted.json'), 'utf8')).toBe('{}\n');
});

test('hours are counted from the beginning and over restarts, and the time between them is not', async () => {
  await run(await start(), 12);
  upMs = 0;
  wallMs += 365 * DAY_MS;
  await run(await start(), 4);
  const kept = await createUnwantedFile(join(folder, 'unwanted.json')).read();
  expect([...kept]).toEqual([
    ['old.hoge.com', 16 * 3_600_000],
    ['own.hoge.com', 16 * 3_600_000],
  ]);
});

test('a clock that jumps a year ahead and back changes nothing', async () => {
  await counted(160);
  const agent = await start();
  await agent.look();
  wallMs += 365 * DAY_MS;
  await agent.look();
  wallMs -= 730 * DAY_MS;
  await agent.look();
  expect(await namesOnDisk()).toEqual(NAMES);
});

test('of a month in which the machine slept two hours count', async () => {
  await counted(164);
  const agent = await start();
  await agent.look();
  upMs += 30 * DAY_MS;
  await agent.look();
  expect(await namesOnDisk()).toEqual(NAMES);
});

test('nothing goes while the configuration is not known, whatever was counted before', async () => {
  await counted(168);
  wanted = undefined;
  await run(await start(), 10);
  expect(await namesOnDisk()).toEqual(NAMES);
});

test('a route that comes back in time keeps its certificate, and it begins anew', async () => {
  await counted(166);
  wanted = ['app.hoge.com', 'old.hoge.com'];
  const agent = await start();
  await agent.look();
  wanted = ['app.hoge.com'];
  await run(agent, 10);
  expect(await namesOnDisk()).toEqual(['app.hoge.com', 'old.hoge.com']);
});

test.each(['', '{"old.hoge.com":', '[]', '{"old.hoge.com":-5}', '{"old.hoge.com":"x"}', '{"../evil":9}'])(
  'what was counted and is damaged, as %j, only delays',
  async (damage) => {
    await writeFile(join(folder, 'unwanted.json'), damage);
    await run(await start(), 2);
    expect(await namesOnDisk()).toEqual(NAMES);
  },
);

test('a torn one that nothing needs goes too', async () => {
  await counted(168);
  await rm(join(folder, 'certs', 'old.hoge.com', 'fullchain.pem'));
  await (await start()).look();
  await expect(stat(join(folder, 'certs', '.versions', 'old.hoge.com'))).rejects.toThrow('ENOENT');
});
