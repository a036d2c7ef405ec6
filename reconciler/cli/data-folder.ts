// A folder of data that a command adds to. Law: nothing is written that brings an error which was not there before, and nothing
// that exists is overwritten.
import { chmod, lstat, mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { sha256Hex } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { Kokoa } from '../../schemas/types.ts';
import { checkAll, viewOf } from '../core/check.ts';
import type { AnyLoadedFile } from '../core/files.ts';
import { loadFile } from '../core/load.ts';
import { settleClashes } from '../core/ownership-clash.ts';
import { compareProblems, type Problem } from '../core/problem.ts';
import { isError, type Judgement } from './judgement.ts';
import { printable } from './problem-text.ts';
import { writingTo } from './unwritable.ts';
import { judgeDir, renderJudgement } from './validate.ts';

const FILE_MODE = 0o644;
/** Files with errors of their own that are named. */
const OTHERS_SHOWN_MAX = 3;

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

/**
 * Writes a new file. False: it would not validate; the problems were printed on stderr and nothing was written.
 * @throws KokoaError unwritable
 */
export async function writeNewFile(folder: DataFolder, path: string, text: string): Promise<boolean> {
  if (!validates(folder, path, text)) return false;
  const place = join(folder.dir, path);
  await writingTo(path, mkdir(dirname(place), { recursive: true }));
  await refuseElsewhere(folder.dir, path);
  await writingTo(path, writeFile(place, text, { flag: 'wx', mode: FILE_MODE }));
  return true;
}

/** The same for a file that is to be replaced, which happens at once or not at all; its mode stays. */
export async function replaceFile(folder: DataFolder, path: string, text: string): Promise<boolean> {
  if (!validates(folder, path, text)) return false;
  await writingTo(path, replace(join(folder.dir, path), text));
  return true;
}

async function replace(place: string, text: string): Promise<void> {
  const temporary = `${place}.new`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await chmod(temporary, (await stat(place)).mode & 0o777);
    await rename(temporary, place);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Errors that stood there before are another's to mend: they are named, and nobody has to wait for that. */
function validates({ dir, judgement }: DataFolder, path: string, text: string): boolean {
  const bytes = Buffer.from(text);
  const file = loadFile(path, sha256Hex(bytes), bytes);
  const loaded: AnyLoadedFile[] = [...judgement.loaded.filter((other) => other.path !== path), file];
  const before = new Set(judgement.problems.filter((problem) => problem.file !== path).map(identityOf));
  const sides = { base: viewOf(judgement.loaded), head: viewOf(loaded) };
  const found = [...loaded.flatMap((one) => one.problems), ...checkAll(sides.head)];
  const errors = settleClashes(sides, found).problems.filter(isError).sort(compareProblems);
  const problems = errors.filter((problem) => !before.has(identityOf(problem)));
  if (problems.length > 0) {
    const files = [...judgement.files.filter((other) => other.path !== path), { path, blob: file.blob, bytes }];
    process.stderr.write(renderJudgement({ problems, loaded, files }, dir, 'text'));
    process.stderr.write(`${path} was not written.\n`);
    return false;
  }
  warnOfOthers(errors);
  return true;
}

function identityOf({ file, rule, message }: Problem): string {
  return JSON.stringify([file, rule, message]);
}

function warnOfOthers(errors: readonly Problem[]): void {
  const files = [...new Set(errors.map(({ file }) => file))];
  if (files.length === 0) return;
  const shown = files.slice(0, OTHERS_SHOWN_MAX).map(printable).join(', ');
  const more = files.length > OTHERS_SHOWN_MAX ? ` and ${files.length - OTHERS_SHOWN_MAX} more` : '';
  console.error(`warning: not of this file, but kokoa validate will refuse ${shown}${more}`);
}

/** A folder that is a link leads out of the data. @throws KokoaError file_elsewhere */
async function refuseElsewhere(dir: string, path: string): Promise<void> {
  const [top, folder] = await Promise.all([realpath(dir), realpath(dirname(join(dir, path)))]);
  if (relative(top, folder) === dirname(path)) return;
  throw new KokoaError(
    'file_elsewhere',
    `${dirname(path)} is a link to another folder, expected a folder of the data`,
    {
      hint: 'put a plain folder in its place',
    },
  );
}
