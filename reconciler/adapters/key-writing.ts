// Writes key files: modes hold before the first byte, a directory appears whole or not at all, and nothing that is there is overwritten.
import { lstat, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { makeFolder } from './make-folder.ts';

export interface NewFile {
  /** Relative to the directory. */
  path: string;
  text: string;
  mode: number;
}

/** Writes a whole directory beside its place and renames it there; an empty one may stand in the place. @throws KokoaError keys_exist */
export async function placeDirectory(dir: string, files: readonly NewFile[]): Promise<void> {
  const place = resolve(dir);
  await makeFolder(dirname(place));
  const scratch = await mkdtemp(join(dirname(place), `.${basename(place)}-`));
  try {
    for (const { path, text, mode } of files) {
      await makeFolder(dirname(join(scratch, path)));
      await writeNew(join(scratch, path), text, mode);
    }
    await syncDirectories(scratch, ...new Set(files.map(({ path }) => dirname(join(scratch, path)))));
    await rename(scratch, place);
    await syncDirectories(dirname(place));
  } catch (error) {
    await rm(scratch, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw keysExist(dir);
    throw error;
  }
}

/** Replaces one file in one step; what is left of a write that was cut off is written over. @throws KokoaError keys_unwritable */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await rm(temporary, { force: true });
    await writeNew(temporary, text, mode);
    await rename(temporary, path);
    await syncDirectories(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new KokoaError('keys_unwritable', `cannot write ${path} (${(cause as NodeJS.ErrnoException).code})`, {
      hint: 'Check free space, permissions and the disk, and run the command again. The keys that were there are still good.',
      cause,
    });
  }
}

/** Passes when `dir` is absent or an empty directory. @throws KokoaError keys_exist */
export async function checkAbsent(dir: string): Promise<void> {
  if (!(await exists(dir))) return;
  const entries = await readdir(dir).catch(() => ['not a directory']);
  if (entries.length > 0) throw keysExist(dir);
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectories(...paths: string[]): Promise<void> {
  for (const path of paths) {
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
  }
}

function keysExist(dir: string): KokoaError {
  return new KokoaError('keys_exist', `${dir} is not empty, and keys are never overwritten`, {
    hint: 'Name another directory. Nodes that joined under the old keys would not follow new ones.',
  });
}
