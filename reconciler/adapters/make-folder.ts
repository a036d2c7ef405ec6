// mkdir -p that says what the disk says: node's own, with `recursive`, answers ENOENT to whatever a disk has against a directory.
import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes it and its parents, private to the owner; one that is there stays as it is. @throws what the file system says */
export async function makeFolder(path: string, isParentMade = false): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || isParentMade || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await makeFolder(path, true);
  }
}

/** The same where nothing may happen in between. @throws what the file system says */
export function makeFolderSync(path: string, isParentMade = false): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT' || isParentMade || dirname(path) === path) throw error;
    makeFolderSync(dirname(path));
    makeFolderSync(path, true);
  }
}
