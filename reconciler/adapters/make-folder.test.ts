// Both ways to make a folder: the same folders, and the file system's own word where it does not go.
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder, makeFolderSync } from './make-folder.ts';

let top: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-folder-'));
});
afterEach(() => rm(top, { recursive: true, force: true }));

const WAYS = [
  ['at leisure', makeFolder],
  ['at once', async (path: string) => makeFolderSync(path)],
] as const;

test.each(WAYS)('%s: parents too, private, and one that is there stays as it is', async (_, make) => {
  const path = join(top, 'a/b/c');
  await make(path);
  for (const one of ['a', 'a/b', 'a/b/c']) expect((await stat(join(top, one))).mode & 0o777).toBe(0o700);
  await writeFile(join(path, 'file'), 'kept');
  await make(path);
  expect(await readdir(path)).toEqual(['file']);
});

test.each(WAYS)('%s: a file, or a link to nowhere, in its place is said as it is', async (_, make) => {
  await writeFile(join(top, 'file'), '');
  await symlink(join(top, 'nowhere'), join(top, 'link'));
  await expect(make(join(top, 'file'))).rejects.toMatchObject({ code: 'EEXIST', path: join(top, 'file') });
  await expect(make(join(top, 'file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(make(join(top, 'link/below'))).rejects.toMatchObject({
    code: expect.stringMatching(/^E(NOENT|EXIST)$/),
  });
  await mkdir(join(top, 'real'));
  await symlink(join(top, 'real'), join(top, 'other'));
  await make(join(top, 'other'));
});
