// Pull requests in a mirror of their own, which borrows the objects of the main one. Law: what anybody proposed never enters the mirror that
// is published from; every step has a bound of time and bytes; and the whole may be thrown away at any time.
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';
import { DATA_FOLDERS } from '../core/paths.ts';
import type { PullSource } from '../ports/pull-source.ts';
import { openGitDifferences } from './git-differences.ts';
import { bytesIn } from './git-disk.ts';
import { fetchRef, gitDetail, prepareMirror } from './git-mirror.ts';
import { openGitObjects } from './git-objects.ts';
import { boundedGit, MIB, PULL_LIMITS, type PullLimits, tooLarge } from './git-pulls-bounds.ts';
import { differingFrom, proposedFiles } from './git-pulls-files.ts';
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

const ALLOCATION_BYTES_MAX = 128 * MIB;
const WATCH_MS = 200;
/** After as many fetches that failed in a row the mirror itself is doubted. */
const DOUBT_AFTER = 5;
const FOLDERS = ['kokoa.yaml', 'kokoa.yml', ...DATA_FOLDERS];

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
      return differingFrom(stdout.slice(0, stdout.search(/\n|$/)), branch, files, { ...parts, limits });
    },

    changes: (from, to) => proposedFiles(from, to, { ...parts, limits }),

    close: async () => void (await Promise.all([parts.objects.close(), parts.differences.close()])),
  };
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
