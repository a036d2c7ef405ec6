// The pool's identity on disk.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPoolKeyring } from './pool-keyring.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kokoa-keyring-'));
});
afterEach(() => rm(folder, { recursive: true }));

const HELD = { pool: 'p', epoch: 3, recipient: 'age1x', identity: 'AGE-SECRET-KEY-1X', wrappedFor: { a: 'age1a' } };

test('what was saved is loaded again, and only the owner may read it', async () => {
  const path = join(folder, 'deep', 'pool-identity.json');
  await createPoolKeyring(path).save(HELD);
  expect(await createPoolKeyring(path).load()).toEqual(HELD);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test.each([
  '',
  '{',
  'null',
  '[]',
  '{"pool":"p"}',
  JSON.stringify({ ...HELD, epoch: 'x' }),
  JSON.stringify({ ...HELD, wrappedFor: { a: 1 } }),
])('the text %j counts as absent', async (text) => {
  await writeFile(join(folder, 'file'), text);
  expect(await createPoolKeyring(join(folder, 'file')).load()).toBeUndefined();
});

test('a place that cannot be written is an error with the path', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(createPoolKeyring(join(folder, 'file', 'below')).save(HELD)).rejects.toMatchObject({
    code: 'keyring_failed',
  });
});
