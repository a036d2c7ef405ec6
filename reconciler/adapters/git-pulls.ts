// Pull requests in a mirror of their own, which borrows the objects of the main one. Law: what anybody proposed never enters the mirror that
// is published from; every step has a bound of time and bytes; and the whole may be thrown away at any time.
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';
import { DATA_FOLDERS, kindOf } from '../core/paths.ts';
import { FILE_BYTES_MAX } from '../core/yaml-text.ts';
import type { ProposedFile, PullSource } from '../ports/pull-source.ts';
import { notPlain, SILENT_NAME, UNREAD } from './data-dir.ts';
import { readCommit } from './git-commits.ts';
import { openGitDifferences } from './git-differences.ts';
import { bytesIn } from './git-disk.ts';
import { fetchRef, gitDetail, prepareMirror } from './git-mirror.ts';
import { openGitObjects } from './git-objects.ts';
import { DATA_FILE, EMPTY_BLOB, isNullId, parseRaw, type RawChange } from './git-raw.ts';
import { judgeBranch, parseRemote } from './git-remote.ts';
import { gitEnvironment, type MirrorOptions } from './git-settings.ts';

export interface GitPullsOptions {
  url: string;
  branch: string;
  /** A directory of its own. */
  pullsDir: string;
  /** The mirror of the followed branch (git.ts), whose objects are borrowed. */
  mirrorDir: string;
  caFile?: string;
  authorization?: string;
  limits?: Partial<PullLimits>;
}

export interface PullLimits {
  fetchMs: number;
  /** Bytes that one fetch may bring. */
  fetchBytes: number;
  /** Data files that one pull request may change, and their bytes. */
  files: number;
  fileBytes: number;
  /** Of every other git. */
  stepMs: number;
  /** Bytes of what git lists as different. */
  listBytes: number;
  /** The mirror begins anew above so many bytes. */
  keptBytes: number;
}

const MIB = 1024 * 1024;
export const PULL_LIMITS: PullLimits = {
  fetchMs: 45_000,
  fetchBytes: 128 * MIB,
  files: 6_000,
  fileBytes: 32 * MIB,
  stepMs: 20_000,
  listBytes: 8 * MIB,
  keptBytes: 512 * MIB,
};
const COMMIT_BYTES_MAX = MIB;
const ALLOCATION_BYTES_MAX = 128 * MIB;
const MEMORY_BYTES_MAX = 384 * MIB;
const PRLIMIT = '/usr/bin/prlimit';
const WATCH_MS = 200;
/** After as many fetches that failed in a row the mirror itself is doubted. */
const DOUBT_AFTER = 5;
const READ_AHEAD = 64;
const FOLDERS = ['kokoa.yaml', 'kokoa.yml', ...DATA_FOLDERS];
const NOT_A_FILE: Readonly<Record<string, string>> = {
  '120': 'a symbolic link, expected a plain file',
  '160': 'a submodule, expected a plain file',
};

/** Prepares the directory; nothing is fetched yet. @throws KokoaError remote_refused, mirror_not_ours, git_missing */
export async function openGitPulls(options: GitPullsOptions): Promise<PullSource> {
  const limits = { ...PULL_LIMITS, ...options.limits };
  const mirror: MirrorOptions = {
    directory: resolve(options.pullsDir),
    remote: parseRemote(options.url),
    branch: judgeBranch(options.branch),
    ...(options.caFile === undefined ? {} : { caFile: resolve(options.caFile) }),
    ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
    allocationBytesMax: ALLOCATION_BYTES_MAX,
  };
  const env = gitEnvironment(mirror);
  const program = await boundedGit();
  let parts = await open();
  let failures = 0;

  async function open() {
    await prepareMirror(mirror);
    await writeFile(join(mirror.directory, 'objects/info/alternates'), `${resolve(options.mirrorDir, 'objects')}\n`);
    const bounds = { answerMs: limits.stepMs, outputBytes: limits.listBytes, program };
    return {
      objects: openGitObjects(mirror.directory, env),
      differences: openGitDifferences(mirror.directory, env, FOLDERS, bounds),
    };
  }

  async function beginAnew(): Promise<void> {
    await Promise.all([parts.objects.close(), parts.differences.close()]);
    await rm(mirror.directory, { recursive: true, force: true });
    parts = await open();
  }

  async function bring(number: number, to: string): Promise<void> {
    const ended = new AbortController();
    const before = await bytesIn(mirror.directory);
    let why: string | undefined;
    const stop = (reason: string) => {
      why ??= reason;
      ended.abort();
    };
    const deadline = setTimeout(() => stop(`it took more than ${limits.fetchMs / 1000} s to fetch`), limits.fetchMs);
    const watch = setInterval(async () => {
      const bytes = (await bytesIn(mirror.directory)) - before;
      if (bytes > limits.fetchBytes) stop(`it brings more than ${limits.fetchBytes / MIB} MiB`);
    }, WATCH_MS);
    try {
      await fetchRef(mirror, { from: `refs/pull/${number}/head`, to }, ended.signal);
    } catch (cause) {
      if (why !== undefined) throw tooLarge(why);
      throw fetchError(number, cause, mirror);
    } finally {
      clearTimeout(deadline);
      clearInterval(watch);
    }
  }

  async function read({ mode, oldMode, oldId, newId, path }: RawChange): Promise<ProposedFile | undefined> {
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
    const info = await parts.objects.info(newId);
    if (info === undefined) throw new KokoaError('object_missing', `object ${newId} is not in the mirror`);
    // A stand-in one byte too long: the loader says what is wrong.
    if (info.size > FILE_BYTES_MAX) return { path, before, blob: newId, bytes: new Uint8Array(FILE_BYTES_MAX + 1) };
    return { path, before, blob: newId, bytes: await parts.objects.contents(newId) };
  }

  /** One git process. Exit code 1 is an answer of its own. */
  async function run(command: 'merge-base' | 'merge-tree', args: readonly string[]) {
    const result = await execa(program[0], [...program.slice(1), command, ...args], {
      ...{ env, extendEnv: false, stdin: 'ignore', timeout: limits.stepMs, reject: false },
      maxBuffer: limits.listBytes,
    });
    if (result.exitCode === 0 || result.exitCode === 1) return result;
    if (result.timedOut || result.isMaxBuffer || /out of memory|attempting to allocate/i.test(result.stderr))
      throw tooLarge(`git ${command} does not end within its bounds`);
    throw new KokoaError('git_failed', `git ${command} failed: ${gitDetail(result.stderr)}`);
  }

  async function treeOf(commit: string): Promise<string> {
    // A commit holds any text; it is not read before its size is known.
    if (((await parts.objects.info(commit))?.size ?? 0) > COMMIT_BYTES_MAX)
      throw tooLarge(`the commit ${commit} holds more than ${COMMIT_BYTES_MAX / MIB} MiB of words`);
    return (await readCommit(parts.objects, commit)).tree;
  }

  return {
    async fetch(number, expected) {
      const ref = `refs/kokoa/pulls/${Math.trunc(number)}`;
      if ((await parts.objects.info(ref))?.id === expected) return expected;
      if ((await bytesIn(mirror.directory)) > limits.keptBytes) await beginAnew();
      try {
        await bring(Math.trunc(number), ref);
      } catch (error) {
        failures += 1;
        // What a fetch that was stopped left behind is not kept, and a mirror that is damaged is not mended.
        const isStopped = error instanceof KokoaError && error.code === 'pull_too_large';
        if (isStopped || failures % DOUBT_AFTER === 0) await beginAnew();
        throw error;
      }
      failures = 0;
      const tip = await parts.objects.info(ref);
      if (tip?.type === 'commit') return tip.id;
      throw new KokoaError('pull_missing', `pull request ${number} holds no commit`);
    },

    async mergeBase(branch, proposal) {
      const { exitCode, stdout } = await run('merge-base', [branch, proposal]);
      return exitCode === 1 ? undefined : stdout.trim();
    },

    async mergedOtherwise(branch, proposal, files) {
      // Exit code 1: some file is in conflict, and its place in the tree says so.
      const { stdout } = await run('merge-tree', ['--write-tree', '--no-messages', branch, proposal]);
      const tree = stdout.slice(0, stdout.search(/\n|$/));
      const output = await listed(async () => parts.differences.between(await treeOf(branch), tree));
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
    },

    async changes(from, to) {
      const output = await listed(async () => parts.differences.between(await treeOf(from), await treeOf(to)));
      const entries = parseRaw(output);
      if (entries.length > limits.files) throw tooLarge(`it changes more than ${limits.files} files of the data`);
      const files: ProposedFile[] = [];
      let bytes = 0;
      for (let at = 0; at < entries.length; at += READ_AHEAD) {
        const page = await Promise.all(entries.slice(at, at + READ_AHEAD).map(read));
        for (const file of page) {
          if (file === undefined) continue;
          bytes += file.bytes?.length ?? 0;
          files.push(file);
        }
        if (bytes > limits.fileBytes) throw tooLarge(`its files hold more than ${limits.fileBytes / MIB} MiB`);
      }
      return files.sort((a, b) => (a.path < b.path ? -1 : 1));
    },

    close: async () => void (await Promise.all([parts.objects.close(), parts.differences.close()])),
  };
}

/** Git with a bound on all its memory, as Debian can set it; elsewhere only single allocations have one. prlimit(1): data, bytes. */
async function boundedGit(): Promise<[string, ...string[]]> {
  const { exitCode } = await execa(PRLIMIT, ['--version'], { extendEnv: false, stdin: 'ignore', reject: false });
  return exitCode === 0 ? [PRLIMIT, `--data=${MEMORY_BYTES_MAX}`, '--', 'git'] : ['git'];
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

function tooLarge(why: string): KokoaError {
  return new KokoaError('pull_too_large', why, {
    hint: 'Leave out what is no data of the fleet, or split the change.',
  });
}

function fetchError(number: number, cause: unknown, { remote }: MirrorOptions): KokoaError {
  const detail = gitDetail(cause instanceof Error ? cause.message : String(cause));
  if (/couldn't find remote ref/i.test(detail))
    return new KokoaError('pull_missing', `the repository has no pull request ${number}`, { cause });
  if (/attempting to allocate|out of memory|inflate|fsck|bad object|invalid/i.test(detail))
    return new KokoaError('pull_too_large', `git refuses its objects: ${detail}`, {
      cause,
      hint: 'Propose plain, small files.',
    });
  return new KokoaError('source_unreachable', `git fetch from ${remote.url} failed: ${detail}`, { cause });
}
