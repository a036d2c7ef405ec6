// Puts a whole tree of new files into a folder that has nothing in it. Law: all of them or none; nothing that exists is overwritten.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import type { InitFile } from '../core/init-files.ts';
import { writingTo } from './unwritable.ts';

/** A new clone of a repository without commits has nothing else. */
const MAY_BE_THERE = new Set(['.git']);
const SHOWN_MAX = 3;

/** `dir` may be missing. @throws KokoaError folder_not_empty, unwritable */
export async function placeTree(dir: string, files: readonly InitFile[]): Promise<void> {
  const there = await entriesOf(dir);
  refuseUsed(dir, there ?? []);
  const stage = there === undefined ? `${dir}.${randomBytes(6).toString('hex')}` : join(dir, '.kokoa-init');
  const moved: string[] = [];
  try {
    await writingTo(dir, writeAll(stage, files));
    if (there === undefined) await writingTo(dir, rename(stage, dir));
    else
      for (const name of (await readdir(stage)).sort()) {
        await writingTo(dir, rename(join(stage, name), join(dir, name)));
        moved.push(name);
      }
  } catch (error) {
    for (const name of moved) await rm(join(dir, name), { recursive: true, force: true });
    throw error;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function entriesOf(dir: string): Promise<string[] | undefined> {
  return readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new KokoaError('unwritable', `${dir} is no folder that can be read (${error.code})`, { cause: error });
  });
}

function refuseUsed(dir: string, there: readonly string[]): void {
  const others = there.filter((name) => !MAY_BE_THERE.has(name)).sort();
  if (others.length === 0) return;
  const shown = others.slice(0, SHOWN_MAX).map((name) => JSON.stringify(name.slice(0, 80)));
  throw new KokoaError('folder_not_empty', `found ${shown.join(', ')} in ${dir}, expected an empty folder`, {
    hint: 'Name a new folder, or a clone of a repository without commits. Nothing was written.',
  });
}

async function writeAll(stage: string, files: readonly InitFile[]): Promise<void> {
  await mkdir(dirname(stage), { recursive: true });
  await mkdir(stage);
  for (const { path, text } of files) {
    const place = join(stage, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, text, { flag: 'wx' });
  }
}
