// suspend, resume, revoke and restrictions as a person runs them, on a real store: beside whoever holds it, and where they must refuse.
import { chmod, chown, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DATABASE_FILE } from '../adapters/store-database.ts';
import { openSqliteStore } from '../adapters/store-sqlite.ts';
import type { Store } from '../ports/store.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const COLUMNS = 80;
const NOBODY = 65534;

let data: string;
let file: string;
let store: Store;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'kokoa-restriction-'));
  file = join(data, 'store', DATABASE_FILE);
  store = await openSqliteStore(join(data, 'store'));
  const slot = { role: 'edge', state: 'active', generation: 1, tokenSha256: 't' } as const;
  await store.saveSlots([
    { ...slot, node: 'tokyo-1' },
    { ...slot, node: 'tokyo-2', state: 'suspended' },
    { ...slot, node: 'home', role: 'origin' },
  ]);
});
afterEach(async () => {
  await store.close();
  await rm(data, { recursive: true, force: true });
});

async function kokoa(...args: string[]) {
  const env = { COLUMNS: String(COLUMNS), NO_COLOR: '1' };
  const { stdout, stderr, exitCode } = await execa(process.execPath, [MAIN, ...args], { env, reject: false });
  return { stdout, stderr, exitCode };
}

it.each(['suspend', 'resume', 'revoke', 'restrictions'])('explains %s in 80 columns', async (command) => {
  const { stdout, exitCode } = await kokoa(command, '--help');
  expect([exitCode, stdout.includes('--data <dir>')]).toEqual([0, true]);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(COLUMNS);
});

it('restricts, lists and gives back beside whoever holds the store', async () => {
  const reason = 'r'.repeat(78);
  const suspended = await kokoa('suspend', 'tokyo-1', '--data', data, '--reason', reason);
  expect(suspended).toMatchObject({ exitCode: 0, stderr: '' });
  expect(suspended.stdout).toMatch(
    /^suspended {4}tokyo-1 \(edge; git says active\)\n[\s\S]*\neffective {4}within a second$/,
  );
  expect(suspended.stdout).toContain(`\nto undo it   kokoa resume tokyo-1 --data ${data}\n`);
  expect((await kokoa('revoke', 'home', '--data', data)).exitCode).toBe(0);
  expect(await store.restrictions()).toEqual([
    { node: 'home', state: 'revoked', reason: '', sinceMs: expect.any(Number), generation: 1, tokenSha256: 't' },
    { node: 'tokyo-1', state: 'suspended', reason, sinceMs: expect.any(Number), generation: 1, tokenSha256: 't' },
  ]);
  const { stdout } = await kokoa('restrictions', '--data', data);
  expect(stdout.replace(/20\d\d-\S*Z/g, 'TIME').replace(/ +/g, ' ')).toBe(
    ['NODE STATE SINCE GIT SAYS', 'home revoked TIME active', 'tokyo-1 suspended TIME active', ` ${reason}`].join('\n'),
  );
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(COLUMNS);
  const json = JSON.parse((await kokoa('restrictions', '--data', data, '-o', 'json')).stdout) as object;
  expect(json).toEqual({
    restrictions: [
      {
        node: 'home',
        state: 'revoked',
        over: false,
        since: expect.any(String),
        reason: '',
        generation: 1,
        git: 'active',
      },
      expect.objectContaining({ node: 'tokyo-1', state: 'suspended', reason }),
    ],
  });
  expect((await kokoa('resume', 'tokyo-1', '--data', data)).exitCode).toBe(0);
  expect(await kokoa('resume', 'home', '--data', data)).toMatchObject({
    ...{ exitCode: 1, stdout: '' },
    stderr: expect.stringMatching(/never good\s+again \(revoked_for_good\)\n[\s\S]*kokoa origin token home/),
  });
  expect((await store.restrictions()).map(({ node }) => node)).toEqual(['home']);
  await store.saveSlots([{ node: 'home', role: 'origin', state: 'active', generation: 2, tokenSha256: 'u' }]);
  expect((await kokoa('restrictions', '--data', data)).stdout).toMatch(/^home +revoked, over /m);
});

it('works while no reconciler runs, says so, and leaves no file behind', async () => {
  await store.close();
  const before = await readdir(join(data, 'store'));
  expect((await kokoa('restrictions', '--data', data)).stdout).toBe('no node is restricted on this machine');
  expect((await kokoa('suspend', 'tokyo-1', '--data', data)).stdout).toContain('when kokoa serve starts again');
  expect(await readdir(join(data, 'store'))).toEqual(before);
  store = await openSqliteStore(join(data, 'store'));
  expect(await store.restrictions()).toHaveLength(1);
});

it.each([
  ['is too long', 'r'.repeat(79), 'found 79 characters, expected at most 78'],
  ['has two lines', 'a\nb', 'expected one line of printable characters'],
  ['acts on a terminal', '\u001b[2J', '\\u{1b}[2J'],
  ['turns the text around', '\u202egood', '\\u{202e}good'],
])('refuses a reason that %s', async (_, reason, words) => {
  const { exitCode, stderr } = await kokoa('revoke', 'tokyo-1', '--data', data, '--reason', reason);
  expect([exitCode, stderr.includes(words)]).toEqual([2, true]);
  expect(await store.restrictions()).toEqual([]);
});

async function refused(code: string, words: RegExp): Promise<void> {
  for (const args of [['suspend', 'tokyo-1'], ['restrictions']]) {
    const { exitCode, stderr } = await kokoa(...args, '--data', data);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`(${code})`)]);
    expect(stderr).toMatch(words);
  }
}

it('refuses a store that is not there, and makes none', async () => {
  await store.close();
  await rm(join(data, 'store'), { recursive: true });
  await refused('store_missing', /there is no store in .*\n {2}Name the directory/);
  expect(await readdir(data)).toEqual([]);
});

it.each([
  ['newer', 99, 'store_too_new', /format 99/],
  ['older', 2, 'store_too_old', /format 2; .*version need/s],
] as const)('refuses a store of a %s version, and leaves it as it is', async (_, format, code, words) => {
  await store.close();
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA user_version = ${format}`);
  database.close();
  await refused(code, words);
  const after = new DatabaseSync(file, { readOnly: true });
  expect(after.prepare('PRAGMA user_version').get()).toEqual({ user_version: format });
  after.close();
});

it('refuses a store that somebody else has locked', { timeout: 60_000 }, async () => {
  const other = new DatabaseSync(file);
  other.exec('BEGIN IMMEDIATE');
  await refused('store_locked', /try again/);
  other.close();
});

it('refuses who may not write the store, and leaves it to its owner when root writes', async () => {
  if (process.getuid?.() !== 0) return expect(process.getuid?.()).toBeGreaterThan(0);
  await store.close();
  await chmod(data, 0o755);
  for (const path of [join(data, 'store'), file]) await chown(path, 1, 1);
  const { stderr } = await execa(process.execPath, [MAIN, 'suspend', 'tokyo-1', '--data', data], {
    ...{ uid: NOBODY, gid: NOBODY, reject: false },
  });
  expect(stderr).toMatch(/\(store_denied\)\n {2}Run it as the user of the reconciler, or as root\./);
  // A reconciler that was killed leaves its files; whoever writes next must not take them from it.
  const holder = new DatabaseSync(file);
  holder.exec('PRAGMA journal_mode = WAL; BEGIN; SELECT * FROM slots; COMMIT');
  expect((await kokoa('suspend', 'tokyo-1', '--data', data)).exitCode).toBe(0);
  const owners = await Promise.all(['', '-wal', '-shm'].map(async (end) => (await stat(`${file}${end}`)).uid));
  holder.close();
  expect(owners).toEqual([1, 1, 1]);
});
