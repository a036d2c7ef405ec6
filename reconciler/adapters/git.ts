// The desired state from one branch of a git repository, through a bare mirror without a work tree: a change costs what changed.
// A symbolic link or a submodule in the place of a data file counts as an empty file, so the loader names and refuses it.
import { resolve } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import type { FileChange } from '../core/files.ts';
import type { Source } from '../ports/source.ts';
import { branchTip, firstParents, isNearAncestor, readCommit } from './git-commits.ts';
import { openGitDifferences } from './git-differences.ts';
import {
  fetchBranch,
  gitDetail,
  isMirrorSound,
  prepareMirror,
  rebuildMirror,
  removeLocks,
  tidyMirror,
} from './git-mirror.ts';
import { openGitObjects } from './git-objects.ts';
import { DATA_FILE, EMPTY_BLOB, isNullId, parseRaw, type RawChange } from './git-raw.ts';
import { judgeBranch, parseRemote } from './git-remote.ts';
import { runGit } from './git-run.ts';
import { gitEnvironment, type MirrorOptions } from './git-settings.ts';

export interface GitSourceOptions {
  /** `https://`, `ssh://`, `user@host:path`, a local path, or `http://` to this machine. */
  url: string;
  branch: string;
  /** A directory of its own, empty or a mirror made before. */
  mirrorDir: string;
  caFile?: string;
  /** Value of an Authorization header, for https. */
  authorization?: string;
  log?: { info(fields: object, message: string): void };
}

/** Larger objects are never read: a stand-in one byte longer than this tells the loader that the file is too large. */
const FILE_BYTES_MAX = 1024 * 1024;
/** Together, what one call of `changes` may bring. */
const CHANGE_BYTES_MAX = 512 * 1024 * 1024;
const FILES_MAX = 500_000;
const READ_AHEAD = 64;
const TIDY_EVERY_FETCHES = 200;
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const FOLDERS = ['kokoa.yaml', 'kokoa.yml', 'routes', 'origins', 'edges'];
const OBJECT = /^[0-9a-f]{40}$/;

/** Prepares the mirror; nothing is fetched yet. @throws KokoaError remote_refused, branch_refused, mirror_not_ours, git_missing */
export async function openGitSource(options: GitSourceOptions): Promise<Source> {
  const mirror: MirrorOptions = {
    directory: resolve(options.mirrorDir),
    remote: parseRemote(options.url),
    branch: judgeBranch(options.branch),
    ...(options.caFile === undefined ? {} : { caFile: resolve(options.caFile) }),
    ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
  };
  await prepareMirror(mirror);
  const env = gitEnvironment(mirror);
  let objects = openGitObjects(mirror.directory, env);
  let differences = openGitDifferences(mirror.directory, env, FOLDERS);
  let damaged = false;
  let fetches = 0;

  async function rebuild(why: string) {
    options.log?.info({ why }, 'the mirror is damaged and is fetched anew');
    await Promise.all([objects.close(), differences.close()]);
    await rebuildMirror(mirror);
    objects = openGitObjects(mirror.directory, env);
    differences = openGitDifferences(mirror.directory, env, FOLDERS);
    damaged = false;
  }

  async function fetchMending(): Promise<void> {
    if (damaged) await rebuild('an object is missing');
    await removeLocks(mirror);
    try {
      await fetchBranch(mirror);
    } catch (error) {
      const code = error instanceof KokoaError ? error.code : undefined;
      if (code !== 'source_unreachable' || (await isMirrorSound(mirror))) throw error;
      await rebuild('it cannot be read');
      await fetchBranch(mirror);
    }
  }

  async function requireCommit(commit: string): Promise<void> {
    if (await isCommit(commit)) return;
    throw new KokoaError('commit_missing', `commit ${gitDetail(commit).slice(0, 64)} is not in the repository`, {
      hint: 'Its history was rewritten.',
    });
  }

  async function isCommit(commit: string): Promise<boolean> {
    return OBJECT.test(commit) && (await objects.info(commit))?.type === 'commit';
  }

  async function treeOf(commit: string | undefined): Promise<string> {
    return commit === undefined ? EMPTY_TREE : (await readCommit(objects, commit)).tree;
  }

  async function git(args: string[]): Promise<Uint8Array> {
    const result = await runGit(args, env);
    if (!result.failed) return result.stdout;
    damaged = true;
    throw new KokoaError('git_failed', `git ${args[0]} failed: ${gitDetail(Buffer.from(result.stderr).toString())}`);
  }

  async function read({ mode, newId, path }: RawChange): Promise<FileChange> {
    if (isNullId(newId)) return { path, blob: undefined };
    if (!mode.startsWith('100')) return { path, blob: EMPTY_BLOB, bytes: new Uint8Array() };
    const info = await objects.info(newId);
    if (info && info.size > FILE_BYTES_MAX) return { path, blob: newId, bytes: new Uint8Array(FILE_BYTES_MAX + 1) };
    if (info) return { path, blob: newId, bytes: await objects.contents(newId) };
    damaged = true;
    throw new KokoaError('object_missing', `object ${newId} of ${JSON.stringify(path)} is not in the mirror`, {
      hint: 'The mirror is fetched anew.',
    });
  }

  return {
    async fetch() {
      await fetchMending();
      fetches += 1;
      if (fetches % TIDY_EVERY_FETCHES === 0) await tidyMirror(mirror);
      const tip = await branchTip(objects, mirror.branch);
      if (tip !== undefined) return tip;
      damaged = true;
      throw new KokoaError('source_unreachable', 'the fetched branch holds no commit', {
        hint: 'The next poll tries again.',
      });
    },

    newestKnown: () => branchTip(objects, mirror.branch),

    async changes(from, to) {
      await requireCommit(to);
      if (from !== undefined) await requireCommit(from);
      const [fromTree, toTree] = await Promise.all([treeOf(from), treeOf(to)]);
      const output = await differences.between(fromTree, toTree);
      const entries = parseRaw(output).filter(({ path }) => DATA_FILE.test(path));
      if (entries.length > FILES_MAX) throw tooMuch(`${entries.length} files; at most ${FILES_MAX}`);
      const changes: FileChange[] = [];
      let total = 0;
      for (let at = 0; at < entries.length; at += READ_AHEAD) {
        for (const change of await Promise.all(entries.slice(at, at + READ_AHEAD).map(read))) {
          total += change.bytes?.length ?? 0;
          changes.push(change);
        }
        if (total > CHANGE_BYTES_MAX) throw tooMuch(`over ${CHANGE_BYTES_MAX} bytes`);
      }
      return changes;
    },

    async contents(blob) {
      const info = OBJECT.test(blob) ? await objects.info(blob) : undefined;
      return info?.type === 'blob' && info.size <= FILE_BYTES_MAX ? objects.contents(blob) : undefined;
    },

    async isAncestor(ancestor, descendant) {
      if (!(await isCommit(ancestor)) || !(await isCommit(descendant))) return false;
      if (await isNearAncestor(objects, ancestor, descendant)) return true;
      const result = await runGit(['merge-base', '--is-ancestor', ancestor, descendant], env);
      if (result.exitCode === 0 || result.exitCode === 1) return result.exitCode === 0;
      throw new KokoaError('git_failed', `git merge-base failed: ${gitDetail(Buffer.from(result.stderr).toString())}`);
    },

    // Ends where the file did not exist: a version from before a deletion is not an older version of this file.
    async *history(path, commit, limit) {
      await requireCommit(commit);
      const log = ['log', '--first-parent', '--diff-merges=first-parent', '--format=', '--raw', '-z', '--no-renames'];
      const output = await git([...log, '--no-abbrev', `--max-count=${Math.trunc(limit)}`, commit, '--', path]);
      for (const entry of parseRaw(output)) {
        if (isNullId(entry.oldId)) return;
        yield await read({ ...entry, mode: entry.oldMode, newId: entry.oldId });
      }
    },

    async firstParents(from, to, limit) {
      await requireCommit(to);
      return firstParents(objects, from, to, limit);
    },

    async close() {
      await Promise.all([objects.close(), differences.close()]);
    },
  };
}

function tooMuch(found: string): KokoaError {
  return new KokoaError('data_too_large', `the change holds ${found}`, { hint: 'Is this the right repository?' });
}
