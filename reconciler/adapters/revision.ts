// The data as a commit of the clone around a folder has it, read from git's objects and never from a checkout. Law: no hook, no filter
// and no remote takes part, nothing is written, and the answer has the same shape and limits as reading the folder itself.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { sha256Hex } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { FileChange } from '../core/files.ts';
import { DATA_FOLDERS, kindOf } from '../core/paths.ts';
import type { Problem } from '../core/problem.ts';
import { FILE_BYTES_MAX } from '../core/yaml-text.ts';
import { DATA_LIMITS, type DataDir, notPlain, type Refusal, SILENT_NAME, UNREAD } from './data-dir.ts';
import { gitDetail } from './git-mirror.ts';
import { openGitObjects } from './git-objects.ts';
import { GIT_OUTPUT_BYTES_MAX, runGit } from './git-run.ts';
import { inFolderOrder, parseTree, type TreeEntry } from './git-tree.ts';

export interface Revision extends DataDir {
  /** The full id of the commit that the name stood for. */
  commit: string;
}

const REVISION_CHARS_MAX = 256;
const READ_AHEAD = 64;
const SHA1_CHARS = 40;
const FETCH_HINT = 'fetch it, such as: git fetch origin; a shallow clone has only the newest commits';
const TOO_DEEP: Refusal = {
  rule: 'KK101',
  message: `found more than ${DATA_LIMITS.depth} folders inside each other, expected fewer`,
  hint: 'put files into routes/TEAM/, origins/ or edges/',
};

/**
 * Reads kokoa.yaml, routes/, origins/ and edges/ of `dir` as they are in the commit `rev`; none of them where the commit has no such
 * folder. Blobs are the sha256 of the bytes, as of a folder; a file above the loader's size is a stand-in that the loader refuses.
 * `known`: files that were read elsewhere; one that has the id of an entry at its path is the entry, and is not read again.
 * @throws KokoaError usage for a `rev` that is none and a `dir` outside of a clone, git_missing, git_failed, data_too_large,
 *   object_missing
 */
export async function readRevision(dir: string, rev: string, known: readonly FileChange[] = []): Promise<Revision> {
  requireFolder(dir);
  const asked = JSON.stringify(rev.slice(0, REVISION_CHARS_MAX));
  if (rev === '' || rev.length > REVISION_CHARS_MAX || rev.startsWith('-') || /[\x00-\x20\x7f]/.test(rev))
    throw usage(`found the revision ${asked}, expected the name of a commit, such as origin/main`);
  const outside = (detail: string) =>
    usage(`the folder ${JSON.stringify(dir)} is in no clone that git reads: ${detail}`);
  const gitDir = (await git(dir, ['rev-parse', '--absolute-git-dir'], outside)).toString().replace(/\n$/, '');
  const unknown = () => usage(`found the revision ${asked}, expected a commit that this clone has`, FETCH_HINT);
  const named = await git(dir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`], unknown);
  const commit = named.toString().trim();
  if (!/^[0-9a-f]{40,64}$/.test(commit)) throw unknown();
  const plan = planOf(await entriesOf(dir, commit));
  return { commit, files: await contentsOf(gitDir, plan.wanted, known), problems: plan.problems };
}

/** @throws KokoaError usage */
function requireFolder(dir: string): void {
  try {
    if (statSync(dir).isDirectory()) return;
  } catch {
    // Whatever the reason is, it cannot be read.
  }
  throw usage(`cannot read the folder ${JSON.stringify(dir)}`, 'name the folder that holds kokoa.yaml');
}

/** What lies in the folder itself and below its data folders; paths are relative to it. */
async function entriesOf(dir: string, commit: string): Promise<TreeEntry[]> {
  const list = async (...args: string[]) => parseTree(await git(dir, ['ls-tree', '-z', '--long', ...args]));
  const top = (await list(commit)).filter(({ path }) => DATA_FOLDERS.includes(path) || kindOf(path) !== undefined);
  const folders = top.filter(({ path, type }) => type === 'tree' && DATA_FOLDERS.includes(path));
  const below = folders.length === 0 ? [] : await list('-r', commit, '--', ...folders.map(({ path }) => `${path}/`));
  return [...top.filter((entry) => !folders.includes(entry)), ...below].sort(inFolderOrder);
}

interface ReadingPlan {
  wanted: TreeEntry[];
  problems: Problem[];
}

/** Which entries are data, what is to be said of the others, and where it ends because there is too much. */
function planOf(entries: readonly TreeEntry[]): ReadingPlan {
  const wanted: TreeEntry[] = [];
  const problems = new Map<string, Problem>();
  let bytes = 0;
  const note = (file: string, refusal: Refusal | undefined, severity: Problem['severity'] = 'error') => {
    if (refusal !== undefined) problems.set(file, { file, line: 1, column: 1, severity, ...refusal });
  };
  for (const [index, entry] of entries.entries()) {
    const { path, size } = entry;
    const folders = path.split('/').slice(0, -1);
    if (folders.some((name) => name.startsWith('.'))) continue;
    bytes += Math.min(size ?? 0, FILE_BYTES_MAX + 1);
    const limit = index >= DATA_LIMITS.files ? `${DATA_LIMITS.files} files` : `${DATA_LIMITS.bytes} bytes in all`;
    if (index >= DATA_LIMITS.files || bytes > DATA_LIMITS.bytes) {
      note(path, tooLarge(limit));
      break;
    }
    if (folders.length > DATA_LIMITS.depth) note(folders.slice(0, DATA_LIMITS.depth + 1).join('/'), TOO_DEEP);
    else if (DATA_FOLDERS.includes(path)) note(path, notPlain(`${typeOf(entry)}, expected a folder`));
    else if (kindOf(path) !== undefined) {
      const refusal = refusalOf(entry);
      if (refusal === undefined) wanted.push(entry);
      else note(path, refusal);
    } else if (!SILENT_NAME.test(path.slice(path.lastIndexOf('/') + 1))) note(path, UNREAD, 'warning');
  }
  return { wanted, problems: [...problems.values()] };
}

/** @throws KokoaError git_objects_failed, object_missing where a partial clone left something out */
async function contentsOf(
  gitDir: string,
  wanted: readonly TreeEntry[],
  known: readonly FileChange[],
): Promise<FileChange[]> {
  const knownAt = new Map(known.map((file) => [file.path, file]));
  const objects = openGitObjects(gitDir, environment());
  const files: FileChange[] = [];
  const read = async ({ path, id, size }: TreeEntry): Promise<FileChange> => {
    if (size === undefined) throw lacking(path);
    if (size > FILE_BYTES_MAX) return { path, blob: id, bytes: new Uint8Array(FILE_BYTES_MAX + 1) };
    const same = knownAt.get(path);
    if (same?.bytes?.length === size && objectId(same.bytes, id.length) === id) return same;
    const bytes = await objects.contents(id);
    return { path, blob: sha256Hex(bytes), bytes };
  };
  try {
    for (let at = 0; at < wanted.length; at += READ_AHEAD)
      files.push(...(await Promise.all(wanted.slice(at, at + READ_AHEAD).map(read))));
  } finally {
    await objects.close();
  }
  return files;
}

/** Git's id of a file's content (gitformat-pack(5), "object names"): of the length that the clone's ids have. */
function objectId(bytes: Uint8Array, length: number): string {
  const hash = createHash(length === SHA1_CHARS ? 'sha1' : 'sha256');
  return hash.update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

/** What is not read, and why; undefined: a plain file with a name that can be shown. */
function refusalOf(entry: TreeEntry): Refusal | undefined {
  if (entry.type !== 'blob' || entry.mode === '120000') return notPlain(`${typeOf(entry)}, expected a plain file`);
  return entry.path.includes('\ufffd') ? notPlain('a name that is no UTF-8 text, expected one') : undefined;
}

function typeOf({ mode, type }: TreeEntry): string {
  if (mode === '120000') return 'a symbolic link';
  return type === 'commit' ? 'a submodule' : type === 'tree' ? 'a folder' : 'a file';
}

function tooLarge(limit: string): Refusal {
  const message = `found more than ${limit}, expected fewer: the rest was not read`;
  return { rule: 'KK001', message, hint: 'split the data' };
}

async function git(dir: string, args: string[], refused?: (detail: string) => KokoaError): Promise<Buffer> {
  const result = await runGit(args, environment(), dir);
  if (!result.failed) return Buffer.from(result.stdout);
  if (result.code === 'ENOENT')
    throw new KokoaError('git_missing', 'git was not found', { hint: 'Install it: apt install git.', cause: result });
  if (result.isMaxBuffer)
    throw new KokoaError('data_too_large', `the commit holds more names than fit into ${GIT_OUTPUT_BYTES_MAX} bytes`);
  const detail = gitDetail(Buffer.from(result.stderr ?? []).toString());
  if (refused !== undefined && result.exitCode !== undefined) throw refused(detail);
  throw new KokoaError('git_failed', `git ${args[0]} failed: ${detail}`);
}

/**
 * The user's own configuration counts, because it names the clones of others that may be read. No object is replaced by another,
 * and none that is missing is fetched: a clone can name a program for that.
 */
function environment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'XDG_CONFIG_HOME'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const fixed = { LC_ALL: 'C', GIT_NO_REPLACE_OBJECTS: '1', GIT_ALLOW_PROTOCOL: 'none', GIT_TERMINAL_PROMPT: '0' };
  return { ...Object.fromEntries(kept), ...fixed };
}

function lacking(path: string): KokoaError {
  return new KokoaError('object_missing', `the clone lacks the content of ${JSON.stringify(path)} in that commit`, {
    hint: 'Nothing is fetched for it. Use a clone without --filter.',
  });
}

function usage(message: string, hint?: string): KokoaError {
  return new KokoaError('usage', message, hint === undefined ? {} : { hint });
}
