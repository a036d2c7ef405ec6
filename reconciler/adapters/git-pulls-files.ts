// What differs between commits of a pull request, as files of the data: by the bytes in git, without a work tree. Law: a link, a submodule or
// what cannot be listed within the bounds is told, and never followed.
import { KokoaError } from '../../bundle/error.ts';
import { DATA_FOLDERS, kindOf } from '../core/paths.ts';
import { FILE_BYTES_MAX } from '../core/yaml-text.ts';
import type { ProposedFile } from '../ports/pull-source.ts';
import { notPlain, SILENT_NAME, UNREAD } from './data-dir.ts';
import { readCommit } from './git-commits.ts';
import type { GitDifferences } from './git-differences.ts';
import type { GitObjects } from './git-objects.ts';
import { MIB, type PullLimits, tooLarge } from './git-pulls-bounds.ts';
import { DATA_FILE, EMPTY_BLOB, isNullId, parseRaw, type RawChange } from './git-raw.ts';

export interface ProposedParts {
  objects: GitObjects;
  differences: GitDifferences;
  limits: Pick<PullLimits, 'files' | 'fileBytes'>;
}

const COMMIT_BYTES_MAX = MIB;
const READ_AHEAD = 64;
const NOT_A_FILE: Readonly<Record<string, string>> = {
  '120': 'a symbolic link, expected a plain file',
  '160': 'a submodule, expected a plain file',
};

/** As PullSource.changes. @throws KokoaError pull_too_large, git_failed, object_missing */
export async function proposedFiles(from: string, to: string, parts: ProposedParts): Promise<ProposedFile[]> {
  const { differences, limits } = parts;
  const output = await listed(async () => differences.between(await treeOf(from, parts), await treeOf(to, parts)));
  const entries = parseRaw(output);
  if (entries.length > limits.files) throw tooLarge(`it changes more than ${limits.files} files of the data`);
  const files: ProposedFile[] = [];
  let bytes = 0;
  for (let at = 0; at < entries.length; at += READ_AHEAD) {
    const page = await Promise.all(entries.slice(at, at + READ_AHEAD).map((entry) => readFile(entry, parts.objects)));
    for (const file of page) {
      if (file === undefined) continue;
      bytes += file.bytes?.length ?? 0;
      files.push(file);
    }
    if (bytes > limits.fileBytes) throw tooLarge(`its files hold more than ${limits.fileBytes / MIB} MiB`);
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Paths, sorted, of data files that `tree`, what git makes of the two, has otherwise than the branch with `files` over it. */
export async function differingFrom(
  tree: string,
  branch: string,
  files: readonly ProposedFile[],
  parts: ProposedParts,
): Promise<string[]> {
  const output = await listed(async () => parts.differences.between(await treeOf(branch, parts), tree));
  const merged = new Map(
    parseRaw(output).flatMap(({ path, oldMode, oldId, mode, newId }): [string, string | undefined][] => {
      const [before, after] = [
        isNullId(oldId) ? undefined : idOf(oldMode, oldId),
        isNullId(newId) ? undefined : idOf(mode, newId),
      ];
      return DATA_FILE.test(path) && before !== after ? [[path, after]] : [];
    }),
  );
  const told = new Map(files.filter(({ path }) => DATA_FILE.test(path)).map((file) => [file.path, file]));
  const isOther = (path: string) => {
    const file = told.get(path);
    return file === undefined || (file.problem === undefined && file.blob !== merged.get(path));
  };
  return [...new Set([...merged.keys(), ...told.keys()])].filter(isOther).sort();
}

async function readFile(
  { mode, oldMode, oldId, newId, path }: RawChange,
  objects: GitObjects,
): Promise<ProposedFile | undefined> {
  const before = DATA_FILE.test(path) && !isNullId(oldId) ? idOf(oldMode, oldId) : undefined;
  const gone: ProposedFile = { path, before, blob: undefined };
  const noted = (problem: ReturnType<typeof notPlain>, severity: 'error' | 'warning' = 'error') => ({
    ...gone,
    problem: { file: path, line: 1, column: 1, severity, ...problem },
  });
  if (isNullId(newId)) return kindOf(path) === undefined ? undefined : gone;
  if (DATA_FOLDERS.includes(path)) return noted(notPlain('a file, expected a folder'));
  if (kindOf(path) === undefined)
    return SILENT_NAME.test(path.slice(path.lastIndexOf('/') + 1)) ? undefined : noted(UNREAD, 'warning');
  const found = NOT_A_FILE[mode.slice(0, 3)];
  if (found !== undefined) return noted(notPlain(found));
  const info = await objects.info(newId);
  if (info === undefined) throw new KokoaError('object_missing', `object ${newId} is not in the mirror`);
  // A stand-in one byte too long: the loader says what is wrong.
  if (info.size > FILE_BYTES_MAX) return { path, before, blob: newId, bytes: new Uint8Array(FILE_BYTES_MAX + 1) };
  return { path, before, blob: newId, bytes: await objects.contents(newId) };
}

async function treeOf(commit: string, { objects }: ProposedParts): Promise<string> {
  // A commit holds any text; it is not read before its size is known.
  if (((await objects.info(commit))?.size ?? 0) > COMMIT_BYTES_MAX)
    throw tooLarge(`the commit ${commit} holds more than ${COMMIT_BYTES_MAX / MIB} MiB of words`);
  return (await readCommit(objects, commit)).tree;
}

/** As Source says it: what is no plain file counts as an empty one. */
function idOf(mode: string, id: string): string {
  return mode.startsWith('100') ? id : EMPTY_BLOB;
}

/** A list without end comes from folders that hold each other over and over. */
async function listed(list: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await list();
  } catch (error) {
    if (error instanceof KokoaError && /too much|in time|ended/.test(error.message))
      throw tooLarge('git cannot list within its bounds what it changes');
    throw error;
  }
}
