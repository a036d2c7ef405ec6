// Logins on an edge, with real age and real files: they appear before they are needed, or as soon as they can, and never by mistake.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Chunk } from '../bundle/config.ts';
import { age } from './adapters/age.ts';
import { createPoolKeyring } from './adapters/pool-keyring.ts';
import { createUsersDir } from './adapters/users-dir.ts';
import { usersFileName } from './core/users-file.ts';
import type { PoolKeyring } from './ports/pool-keyring.ts';
import { createUsersFiles, UNUSED_KEPT_MS, type UsersFiles } from './users-files.ts';

const SOON = { timeout: 10_000, interval: 10 };
const USERS = 'alice:$apr1$itvs33EV$CANARYCANARYCANARYCANA\n';
const OTHERS = `bob:$2y$05$${'CANARY'.repeat(9).slice(0, 53)}\n`;

let top: string;
let keyring: PoolKeyring;
let users: UsersFiles;
let nowMs: number;
let lines: string[];
let opened: number;
let stop: AbortController;
let running: Promise<void> | undefined;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-users-'));
  [nowMs, lines, running] = [Date.parse('2026-11-21T12:00:00Z'), [], undefined];
  stop = new AbortController();
  keyring = createPoolKeyring(join(top, 'pool.key'));
  opened = 0;
  users = create();
});
afterEach(async () => {
  stop.abort();
  await running;
  await rm(top, { recursive: true, force: true });
});

const counted: Pick<typeof age, 'open'> = {
  open(...given) {
    opened += 1;
    return age.open(...given);
  },
};

/** The same disk, a new process. */
function create(patienceMs = 0): UsersFiles {
  const log = (fields: object, message: string) => void lines.push(JSON.stringify({ message, ...fields }));
  return createUsersFiles({
    ...{ store: createUsersDir({ dir: join(top, 'users') }), keyring, sealing: counted },
    ...{ log: { info: log, warn: log }, now: () => nowMs, patienceMs },
  });
}

/** A new identity of the pool, sealing lists to it; the edge holds it once it is told. */
async function newIdentity(epoch = 1) {
  const identity = await age.generate();
  const recipient = await age.recipientOf(identity);
  return {
    seal: (text: string) => age.seal([recipient], text),
    arrive: () => keyring.save({ pool: 'default', epoch, recipient, identity, wrappedFor: {} }),
  };
}

const chunksOf = (hosts: Record<string, string | undefined>): Chunk[] => [
  {
    routes: Object.entries(hosts).map(([hostname, sealed]) => ({
      ...{ hostname, backends: [], limits: { maxBodyBytes: 1 } },
      auth: { kind: 'basic', ...(sealed !== undefined && { sealed }) },
    })),
  },
];
const fileOf = (sealed: string) => join(top, 'users', usersFileName(sealed));
const contentOf = (sealed: string) => readFile(fileOf(sealed), 'utf8').catch(() => undefined);
const run = () => {
  running = users.run(stop.signal);
};
/** One look at everything, as if its time had come. */
async function lookOnce(): Promise<void> {
  const once = new AbortController();
  const looking = users.run(once.signal);
  once.abort();
  await looking;
}

it('writes the lists of a bundle before it is served, for root and the web server alone', async () => {
  const pool = await newIdentity();
  await pool.arrive();
  const [one, other] = [await pool.seal(USERS), await pool.seal(OTHERS)];
  const umask = process.umask(0);
  await users.prepare(chunksOf({ 'a.hoge.com': one, 'b.hoge.com': other })).finally(() => process.umask(umask));
  expect([await contentOf(one), await contentOf(other)]).toEqual([USERS, OTHERS]);
  expect((await stat(fileOf(one))).mode & 0o777).toBe(0o640);
  expect((await stat(join(top, 'users'))).mode & 0o777).toBe(0o750);
  users.configure(chunksOf({ 'a.hoge.com': one, 'b.hoge.com': other }));
  expect(users.status()).toEqual({ quarantined: [] });
});

it('waits a moment for a key that is on its way', async () => {
  users = create(30_000);
  const pool = await newIdentity();
  const sealed = await pool.seal(USERS);
  const preparing = users.prepare(chunksOf({ 'a.hoge.com': sealed }));
  await pool.arrive();
  await preparing;
  expect(await contentOf(sealed)).toBe(USERS);
});

it('reports a host until the key arrives, and then writes its list without a new bundle', async () => {
  const pool = await newIdentity();
  const sealed = await pool.seal(USERS);
  await users.prepare(chunksOf({ 'a.hoge.com': sealed }));
  users.configure(chunksOf({ 'a.hoge.com': sealed, 'b.hoge.com': undefined }));
  const waiting = { hostname: 'a.hoge.com', reason: 'its logins wait for the key of the pool' };
  const unsent = { hostname: 'b.hoge.com', reason: 'the control plane has not resolved its logins' };
  expect(users.status()).toEqual({ quarantined: [unsent, waiting] });
  const revision = users.revision();
  run();
  await pool.arrive();
  await expect.poll(() => contentOf(sealed), SOON).toBe(USERS);
  await expect.poll(() => users.status(), SOON).toEqual({ quarantined: [unsent] });
  expect(users.revision()).not.toBe(revision);
});

it('follows the pool to a new key, and keeps the old file for as long as it is named', async () => {
  const [old, next] = [await newIdentity(), await newIdentity(2)];
  await old.arrive();
  const [before, after] = [await old.seal(USERS), await next.seal(USERS)];
  await users.prepare(chunksOf({ 'a.hoge.com': before }));
  users.configure(chunksOf({ 'a.hoge.com': before }));
  await users.prepare(chunksOf({ 'a.hoge.com': after }));
  expect(await contentOf(after)).toBeUndefined();
  await next.arrive();
  // A restart in between: the new key does not open the old text, and the file of before goes on.
  users = create();
  users.configure(chunksOf({ 'a.hoge.com': before }));
  await lookOnce();
  expect([await contentOf(before), users.status()]).toEqual([USERS, { quarantined: [] }]);
  await users.prepare(chunksOf({ 'a.hoge.com': after }));
  expect(await contentOf(after)).toBe(USERS);
});

it.each<[string, (seal: (text: string) => Promise<string>) => Promise<string>, RegExp]>([
  ['is for another pool', async () => (await newIdentity()).seal(USERS), /do not open/],
  ['is damaged', async (seal) => (await seal(USERS)).replace(/.{4}$/, 'AAAA'), /do not open/],
  ['holds a password', (seal) => seal('alice:CANARY\n'), /refused: line 1/],
  ['would keep a worker busy', (seal) => seal(OTHERS.replace('$05', '$31')), /refused: line 1/],
  ['is empty', (seal) => seal(''), /refused: found no lines/],
])('writes nothing for a list that %s, and the others all the same', async (_, make, reason) => {
  const pool = await newIdentity();
  await pool.arrive();
  const [bad, good] = [await make(pool.seal), await pool.seal(USERS)];
  const chunks = chunksOf({ 'bad.hoge.com': bad, 'good.hoge.com': good });
  await users.prepare(chunks);
  users.configure(chunks);
  await lookOnce();
  expect([await contentOf(bad), await contentOf(good)]).toEqual([undefined, USERS]);
  expect(users.status()).toEqual({
    quarantined: [{ hostname: 'bad.hoge.com', reason: expect.stringMatching(reason) }],
  });
  expect(lines.filter((line) => line.includes('nobody can log in'))).toHaveLength(1);
  expect(lines.join('') + JSON.stringify(users.status())).not.toMatch(/CANARY|AGE-SECRET|alice/);
});

it('tries a list that does not open once with each key, however often it looks', async () => {
  const pool = await newIdentity();
  await pool.arrive();
  users.configure(chunksOf({ 'a.hoge.com': await (await newIdentity()).seal(USERS) }));
  for (let looks = 0; looks < 3; looks += 1) await lookOnce();
  expect(opened).toBe(1);
  await (await newIdentity(2)).arrive();
  for (let looks = 0; looks < 3; looks += 1) await lookOnce();
  expect(opened).toBe(2);
});

it.each<[string, (path: string) => Promise<unknown>]>([
  ['removed', (path) => rm(path)],
  ['changed', (path) => writeFile(path, `${USERS}mallory:x\n`)],
  ['shown to everybody', (path) => chmod(path, 0o644)],
])('writes a file again that somebody has %s', async (_, change) => {
  const pool = await newIdentity();
  await pool.arrive();
  const sealed = await pool.seal(USERS);
  await users.prepare(chunksOf({ 'a.hoge.com': sealed }));
  users.configure(chunksOf({ 'a.hoge.com': sealed }));
  await lookOnce();
  await change(fileOf(sealed));
  await lookOnce();
  expect([await contentOf(sealed), (await stat(fileOf(sealed))).mode & 0o777]).toEqual([USERS, 0o640]);
  expect(lines.join('')).toContain('written again');
});

it('finds after a restart what was changed meanwhile, without making the start wait for it', async () => {
  const pool = await newIdentity();
  await pool.arrive();
  const sealed = await pool.seal(USERS);
  await users.prepare(chunksOf({ 'a.hoge.com': sealed }));
  await writeFile(fileOf(sealed), OTHERS);
  users = create();
  await users.prepare(chunksOf({ 'a.hoge.com': sealed }));
  expect(await contentOf(sealed)).toBe(OTHERS);
  users.configure(chunksOf({ 'a.hoge.com': sealed }));
  await lookOnce();
  expect(await contentOf(sealed)).toBe(USERS);
});

it('removes what no route names once old workers are gone, and nothing that a rollback may need', async () => {
  const pool = await newIdentity();
  await pool.arrive();
  const [one, other] = [await pool.seal(USERS), await pool.seal(OTHERS)];
  await users.prepare(chunksOf({ 'a.hoge.com': one }));
  users.configure(chunksOf({ 'a.hoge.com': one }));
  await writeFile(join(top, 'users', '.left.tmp'), '');
  await users.prepare(chunksOf({ 'a.hoge.com': other }));
  await lookOnce();
  nowMs += 2 * UNUSED_KEPT_MS;
  await lookOnce();
  expect((await readdir(join(top, 'users'))).sort()).toEqual([usersFileName(one), usersFileName(other)].sort());
  users.configure(chunksOf({ 'a.hoge.com': other }));
  await lookOnce();
  nowMs += UNUSED_KEPT_MS - 1;
  await lookOnce();
  expect(await contentOf(one)).toBe(USERS);
  nowMs += 1;
  await lookOnce();
  expect(await readdir(join(top, 'users'))).toEqual([usersFileName(other)]);
});

it('says what stands in the way when nothing can be written, and goes on', async () => {
  const pool = await newIdentity();
  await pool.arrive();
  await symlink('/proc/self', join(top, 'users'));
  const sealed = await pool.seal(USERS);
  const chunks = chunksOf({ 'a.hoge.com': sealed });
  await users.prepare(chunks);
  users.configure(chunks);
  expect(users.status().quarantined).toEqual([
    { hostname: 'a.hoge.com', reason: expect.stringMatching(/cannot be written/) },
  ]);
  await rm(join(top, 'users'));
  await mkdir(join(top, 'users'), { mode: 0o700 });
  await lookOnce();
  expect([await contentOf(sealed), users.status()]).toEqual([USERS, { quarantined: [] }]);
});
