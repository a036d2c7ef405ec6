// What `kokoa keys` prints: public facts, what to do next, at most 80 columns.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadKeys, ROOT_LIFETIME_MS } from '../adapters/key-files.ts';
import { keysInit, keysRotate, keysStatus, registerKeys } from './keys.ts';

const NOW = new Date(Date.UTC(2030, 0, 1));
const DAY_MS = 86_400_000;
let parent: string;
let dir: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'kokoa-cli-'));
  dir = join(parent, 'keys');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

test.each([
  ['a development set', () => keysInit({ dir, now: NOW }), 'kokoa serve'],
  [
    'a production set',
    () => keysInit({ dir, production: { rootDir: join(parent, 'r') }, now: NOW }),
    'Take them offline',
  ],
  ['a rotation', () => keysInit({ dir, now: NOW }).then(() => keysRotate({ dir, now: NOW })), 'Restart the reconciler'],
])('%s prints its fingerprint and what comes next, in 80 columns and without a key', async (_title, run, next) => {
  const lines = await run();
  const { fingerprint } = await loadKeys(dir);
  expect(lines).toContain(`fingerprint  ${fingerprint}`);
  expect(lines.join('\n')).toContain(next);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  const secrets = (await readFile(join(dir, 'online.json'), 'utf8')).match(/[A-Za-z0-9+/]{40,}/g) ?? [];
  expect(secrets.length).toBeGreaterThanOrEqual(3);
  for (const secret of secrets) expect(lines.join('\n')).not.toContain(secret);
});

test.each([
  [0, 'in 730 days'],
  [ROOT_LIFETIME_MS - 10 * DAY_MS, 'Renew the root'],
  [ROOT_LIFETIME_MS + DAY_MS, 'expired'],
])('status says how long the root is good for, after %d ms', async (later, words) => {
  await keysInit({ dir, now: NOW });
  expect((await keysStatus({ dir, now: new Date(NOW.getTime() + later) })).join('\n')).toContain(words);
});

test('status without keys says how to make some', async () => {
  await expect(keysStatus({ dir })).rejects.toMatchObject({
    code: 'keys_missing',
    hint: `Make some: kokoa keys init --dir ${dir}`,
  });
});

test('a set elsewhere is tried out with its directory, and one that cannot be written is named', async () => {
  expect(await keysInit({ dir, now: NOW })).toContain(`Try it: kokoa serve --keys ${dir}`);
  const below = join(dir, 'online.json', 'a', 'keys');
  await expect(keysInit({ dir: below, now: NOW })).rejects.toMatchObject({
    code: 'unwritable',
    message: `cannot write ${below} (ENOTDIR)`,
  });
});

test('the commands take their options from the command line', async () => {
  const printed = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const run = async (...words: string[]) => {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    registerKeys(program);
    await program.parseAsync(['keys', ...words], { from: 'user' });
  };
  const rootDir = join(parent, 'r');
  await run('init', '--dir', dir, '--production', '--root-dir', rootDir, '--root-keys', '5', '--threshold', '3');
  await run('status', '--dir', dir);
  await run('rotate', '--dir', dir, '--root-dir', rootDir);
  expect(printed.mock.calls.flat()).toContain('root         version 2, 3 of 5 keys sign the next one');
  await expect(run('init', '--root-keys', 'x')).rejects.toMatchObject({ code: 'commander.invalidArgument' });
  printed.mockRestore();
});
