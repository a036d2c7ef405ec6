// A folder of data that a command adds to. Law: nothing is written that would not validate together with everything else, and
// nothing that exists is overwritten.
import { chmod, lstat, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256Hex } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { Kokoa } from '../../schemas/types.ts';
import { checkAll, viewOf } from '../core/check.ts';
import type { AnyLoadedFile } from '../core/files.ts';
import { loadFile } from '../core/load.ts';
import { compareProblems } from '../core/problem.ts';
import { type Judgement, judgeDir, renderJudgement } from './validate.ts';

const FILE_MODE = 0o644;

export interface DataFolder {
  dir: string;
  judgement: Judgement;
  kokoa: Kokoa;
}

/** @throws KokoaError usage when DIR cannot be read, kokoa_missing */
export function openDataFolder(dir: string): DataFolder {
  const judgement = judgeDir(dir);
  const kokoa = viewOf(judgement.loaded).kokoa?.value;
  if (kokoa !== undefined) return { dir, judgement, kokoa };
  throw new KokoaError('kokoa_missing', `${join(dir, 'kokoa.yaml')} is missing or not valid`, {
    hint: `name the folder of the data with --dir, or run: kokoa validate ${dir}`,
  });
}

/** @throws KokoaError file_exists */
export async function refuseExisting({ dir }: DataFolder, path: string, hint: string): Promise<void> {
  const exists = await lstat(join(dir, path)).then(
    () => true,
    () => false,
  );
  if (exists) throw new KokoaError('file_exists', `${path} exists already and is not overwritten`, { hint });
}

/** Writes a new file. False: it would not validate; the problems were printed on stderr and nothing was written. */
export async function writeNewFile(folder: DataFolder, path: string, text: string): Promise<boolean> {
  if (!validates(folder, path, text)) return false;
  await mkdir(dirname(join(folder.dir, path)), { recursive: true });
  await writeFile(join(folder.dir, path), text, { flag: 'wx', mode: FILE_MODE });
  return true;
}

/** The same for a file that is to be replaced, which happens at once or not at all; its mode stays. */
export async function replaceFile(folder: DataFolder, path: string, text: string): Promise<boolean> {
  if (!validates(folder, path, text)) return false;
  const place = join(folder.dir, path);
  const temporary = `${place}.new`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await chmod(temporary, (await stat(place)).mode & 0o777);
    await rename(temporary, place);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return true;
}

function validates({ dir, judgement }: DataFolder, path: string, text: string): boolean {
  const bytes = Buffer.from(text);
  const file = loadFile(path, sha256Hex(bytes), bytes);
  const others = judgement.loaded.filter((other) => other.path !== path);
  const loaded: AnyLoadedFile[] = [...others, file];
  const problems = [...loaded.flatMap((one) => one.problems), ...checkAll(viewOf(loaded))]
    .filter(({ severity }) => severity === 'error')
    .sort(compareProblems);
  if (problems.length === 0) return true;
  const files = [...judgement.files.filter((other) => other.path !== path), { path, blob: file.blob, bytes }];
  process.stderr.write(renderJudgement({ problems, loaded, files }, dir, 'text'));
  process.stderr.write(`${path} was not written.\n`);
  return false;
}
