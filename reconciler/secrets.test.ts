// Secrets from where they stand to the sealed text of a pool: with real age, real files, and a store that forgets when it is told to.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PoolIdentity } from '../bundle/api.ts';
import type { SecretReference } from '../schemas/types.ts';
import { createMemoryStore, type MemoryStore } from '../test/fakes/memory-store.ts';
import { createLog } from './adapters/log.ts';
import { createMetrics } from './adapters/metrics.ts';
import { createSecretSealing, sealTo } from './adapters/secret-age.ts';
import { createSecretPlaces } from './adapters/secret-places.ts';
import { teamSecretText } from './core/team-secret.ts';
import type { SecretSealing } from './ports/secrets.ts';
import { createSecrets, type Secrets, type WantedSecret } from './secrets.ts';
import { createSecretsLog } from './secrets-log.ts';

const HOUR_MS = 3600_000;
const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
/** Never to be seen anywhere but inside a sealed text. */
const CANARY = 'CANARYCANARYCANARYCANA';
const USERS = `alice:$apr1$itvs33EV$${CANARY}\n`;
const OTHERS = `bob:$apr1$itvs33EV$${CANARY}\n`;

let top: string;
let store: MemoryStore;
let identity: string;
let sealing: SecretSealing;
let secrets: Secrets;
const pools = new Map<string, SecretSealing>();
let env: Record<string, string>;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-secrets-'));
  store = createMemoryStore();
  identity = await generateX25519Identity();
  env = {};
  await start();
  for (const pool of ['default', 'spare']) await announce(pool, 1);
});
afterEach(() => rm(top, { recursive: true, force: true }));

/** A new reconciler over the same disk, store and key. */
async function start(sealMsMax?: number): Promise<void> {
  sealing = await createSecretSealing(identity);
  const places = createSecretPlaces({
    secretsDir: join(top, 'secrets'),
    credentialsDir: join(top, 'credentials'),
    env,
  });
  secrets = createSecrets({ places, sealing, store, ...(sealMsMax !== undefined && { sealMsMax }) });
}

async function announce(pool: string, epoch: number): Promise<void> {
  const own = await generateX25519Identity();
  pools.set(pool, await createSecretSealing(own));
  const recipient = await identityToRecipient(own);
  await store.putIdentity({ pool, epoch, recipient, wraps: { e1: 'x' }, by: 'e1', signature: 's' } as PoolIdentity);
}

async function put(folder: string, name: string, text: string): Promise<void> {
  await mkdir(join(top, folder), { recursive: true });
  await writeFile(join(top, folder, name), text);
}

const want = (reference: SecretReference, more: Partial<WantedSecret> = {}): WantedSecret => ({
  ...{ pool: 'default', team: 'hoge', reference, file: 'routes/hoge/app.yaml', ...more },
});
const sealedFor = async (team: string, users = USERS): Promise<SecretReference> => ({
  sealed: await sealTo(sealing.recipient, teamSecretText({ team, users })),
});
/** The sealed texts, in the order in which they are wanted. */
async function prepare(wanted: WantedSecret[], nowMs = NOW_MS): Promise<(string | undefined)[]> {
  const prepared = await secrets.prepare(wanted, new Date(nowMs));
  return wanted.map(({ pool, team, reference }) => prepared.of(pool, team, reference));
}
const openedBy = async (pool: string, sealed: string | undefined) => pools.get(pool)!.open(sealed!);
const reasons = () => secrets.problems().map(({ reason }) => reason);

it('brings every kind of reference to the pool that asks, in one canonical text', async () => {
  await put('secrets/hoge', 'wiki', `# who may\r\n${USERS.trim()}\r\n`);
  await put('credentials', 'hoge.wiki', USERS.trim());
  env.KOKOA_SECRET_HOGE__WIKI = USERS;
  await start();
  const references = [{ file: 'wiki' }, { credential: 'wiki' }, { env: 'WIKI' }, await sealedFor('hoge')];
  const wanted = references.flatMap((reference) => [want(reference), want(reference, { pool: 'spare' })]);
  const sealed = await prepare(wanted);
  for (const [index, { pool }] of wanted.entries()) expect(await openedBy(pool, sealed[index])).toBe(USERS);
  expect(secrets.problems()).toEqual([
    expect.objectContaining({ severity: 'warning', reference: 'env WIKI', file: 'routes/hoge/app.yaml' }),
    expect.objectContaining({ severity: 'warning' }),
  ]);
});

it('answers the same bytes for as long as nothing changes, also after a restart', async () => {
  await put('secrets/hoge', 'wiki', USERS);
  const wanted = [want({ file: 'wiki' }), want(await sealedFor('hoge'))];
  const first = await prepare(wanted);
  expect(await prepare(wanted.toReversed())).toEqual(first.toReversed());
  await start();
  expect(await prepare(wanted)).toEqual(first);
});

it('answers the same object when every answer is the same, so that nothing is compiled again', async () => {
  await put('secrets/hoge', 'wiki', USERS);
  const wanted = [want({ file: 'wiki' }), want({ file: 'none' })];
  const first = await secrets.prepare(wanted, new Date(NOW_MS));
  expect(await secrets.prepare(wanted.toReversed(), new Date(NOW_MS + 1))).toBe(first);
  await put('secrets/hoge', 'wiki', OTHERS);
  expect(await secrets.prepare(wanted, new Date(NOW_MS))).not.toBe(first);
  expect(await openedBy('default', first.of('default', 'hoge', wanted[0]!.reference))).toBe(USERS);
});

it('seals anew what a changed file says, and to the key that the pool has now', async () => {
  await put('secrets/hoge', 'wiki', USERS);
  const wanted = [want({ file: 'wiki' }), want(await sealedFor('hoge'))];
  const first = await prepare(wanted);
  await put('secrets/hoge', 'wiki', OTHERS);
  const second = await prepare(wanted);
  expect([await openedBy('default', second[0]), second[1]]).toEqual([OTHERS, first[1]]);
  await announce('default', 2);
  const third = await prepare(wanted);
  expect(await openedBy('default', third[0])).toBe(OTHERS);
  expect(await openedBy('default', third[1])).toBe(USERS);
  expect(await store.sealedTexts()).toHaveLength(3);
});

it('forgets what nobody asked for in an hour, and not before', async () => {
  const [one, other] = [want(await sealedFor('hoge')), want(await sealedFor('hoge', OTHERS))];
  const [first] = await prepare([one, other]);
  await prepare([other], NOW_MS + 0.9 * HOUR_MS);
  expect(await store.sealedTexts()).toHaveLength(2);
  expect(await prepare([one], NOW_MS + 0.9 * HOUR_MS)).toEqual([first]);
  await prepare([other], NOW_MS + 2 * HOUR_MS);
  expect(await store.sealedTexts()).toHaveLength(1);
});

it.each<[string, () => Promise<WantedSecret>, RegExp]>([
  ['a file that is not there', async () => want({ file: 'none' }), /no such file/],
  ['a variable that is not set', async () => want({ env: 'NONE' }), /KOKOA_SECRET_HOGE__NONE is not set/],
  ['a sealed text of another team', async () => want(await sealedFor('fuga')), /sealed for another team/],
  [
    'a text for somebody else',
    async () => want({ sealed: await sealTo(pools.get('spare')!.recipient, '{}') }),
    /not open/,
  ],
  ['a text that is damaged', async () => want({ sealed: 'YWdlLWVuY3J5cHRpb24=' }), /does not open/],
  ['something else inside', async () => want({ sealed: await sealTo(sealing.recipient, '[1]') }), /something else/],
  ['a password inside', async () => want(await sealedFor('hoge', `a:${CANARY}`)), /line 1: found no hash/],
  ['a pool without edges', async () => want(await sealedFor('hoge'), { pool: 'empty' }), /no edge of pool empty/],
])('lets nobody in for %s, says so with file and reference, and goes on with the rest', async (_, bad, words) => {
  await put('secrets/hoge', 'wiki', USERS);
  const wanted = [await bad(), want({ file: 'wiki' })];
  for (let runs = 0; runs < 2; runs += 1) {
    const [missing, good] = await prepare(wanted);
    expect([missing, await openedBy('default', good)]).toEqual([undefined, USERS]);
    expect(secrets.problems()).toEqual([
      {
        severity: 'error',
        kind: 'users',
        file: 'routes/hoge/app.yaml',
        reference: expect.stringMatching(/^(file none|env NONE|sealed [0-9a-f]{8})$/),
        reason: expect.stringMatching(words),
      },
    ]);
  }
});

it('opens nothing for a team that copied another one’s text or name', async () => {
  await put('secrets/fuga', 'wiki', USERS);
  await put('credentials', 'fuga.wiki', USERS);
  const sealed = await sealedFor('fuga');
  await prepare([want(sealed, { team: 'fuga' })]);
  const wanted = [sealed, { file: 'wiki' }, { credential: 'wiki' }].map((reference) => want(reference));
  expect(await prepare(wanted)).toEqual([undefined, undefined, undefined]);
});

it('keeps what is older while time is short, and says what is not done yet', async () => {
  const wanted = [want(await sealedFor('hoge'))];
  const first = await prepare(wanted);
  await announce('default', 2);
  await start(0);
  const [more] = [want(await sealedFor('hoge', OTHERS))];
  const prepared = await secrets.prepare([...wanted, more], new Date(NOW_MS));
  expect(prepared.complete).toBe(false);
  expect(prepared.of('default', 'hoge', wanted[0]!.reference)).toBe(first[0]);
  expect(prepared.of('default', 'hoge', more.reference)).toBeUndefined();
  expect(reasons()).toEqual([expect.stringContaining('no time')]);
  await start();
  expect((await secrets.prepare([...wanted, more], new Date(NOW_MS))).complete).toBe(true);
  expect(reasons()).toEqual([]);
});

it('remembers nothing that the store did not take', async () => {
  const wanted = [want(await sealedFor('hoge'))];
  store.failNext('changeSealedTexts', new Error('disk full'));
  await expect(prepare(wanted)).rejects.toThrow('disk full');
  const [sealed] = await prepare(wanted);
  expect((await store.sealedTexts()).map((one) => one.sealed)).toEqual([sealed]);
});

it('shows no password, hash or key in problems, log lines, metrics, errors or the store', async () => {
  await put('secrets/hoge', 'plain', `alice:${CANARY}`);
  await put('secrets/hoge', 'cut', `alice:$2y$05$${CANARY}\n`);
  await put('secrets/hoge', 'swapped', `${CANARY} ${CANARY}${CANARY}${CANARY}:x`);
  await put('secrets/hoge', 'good', USERS);
  const lines: string[] = [];
  const log = createLog({ format: 'json', level: 'debug', write: (line) => void lines.push(line) });
  const metrics = createMetrics();
  const wanted = await Promise.all([
    ...['plain', 'cut', 'swapped', 'good'].map((file) => want({ file })),
    sealedFor('fuga').then(want),
    sealedFor('hoge', `x:${CANARY}`).then(want),
  ]);
  await prepare(wanted);
  createSecretsLog(log, sealing.recipient).ran(secrets.problems(), 'age1other');
  metrics.unusableSecrets(secrets.problems().length);
  expect(lines.length).toBe(6);
  const failure = await sealing.open('YQ==').catch((error: Error) => JSON.stringify([error.message, error.stack]));
  const seen = [JSON.stringify(secrets.problems()), lines.join(''), (await metrics.text()).body, failure];
  seen.push(JSON.stringify(await store.sealedTexts()), JSON.stringify(sealing));
  for (const text of seen) expect(text).not.toMatch(/CANARY|AGE-SECRET/);
});

it('logs a change once, and the end of the trouble', () => {
  const lines: string[] = [];
  const log = createLog({ format: 'text', write: (line) => void lines.push(line) });
  const secretsLog = createSecretsLog(log, 'age1own');
  const problem = {
    severity: 'error',
    kind: 'users',
    file: 'routes/hoge/app.yaml',
    reference: 'file wiki',
    reason: 'gone',
  } as const;
  for (let runs = 0; runs < 3; runs += 1) secretsLog.ran([problem], 'age1own');
  secretsLog.ran([{ ...problem, reason: 'other' }], 'age1other');
  secretsLog.ran([{ ...problem, severity: 'warning' }], 'age1other');
  secretsLog.ran([], undefined);
  expect(lines.map((line) => line.slice(25).trimEnd())).toEqual([
    'WARN  a secret is not usable; nobody gets in there at=routes/hoge/app.yaml reference="file wiki" reason=gone',
    'WARN  a secret is not usable; nobody gets in there at=routes/hoge/app.yaml reference="file wiki" reason=other',
    expect.stringContaining(
      'kokoa.yaml names another sealing key than this reconciler has found=age1other own=age1own',
    ),
    expect.stringContaining('WARN  a secret is exposed'),
    'INFO  all secrets are usable again',
  ]);
  secretsLog.ran(
    Array.from({ length: 30 }, (_, n) => ({ ...problem, file: `f${n}` })),
    undefined,
  );
  expect(lines).toHaveLength(5 + 21);
});
