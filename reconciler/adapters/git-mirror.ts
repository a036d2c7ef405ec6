// The bare mirror: a cache of one branch that can always be thrown away and fetched again. Every git that runs in it runs under
// git-settings.ts.
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { simpleGit } from 'simple-git';
import { KokoaError } from '../../bundle/error.ts';
import {
  EMPTY_DIRECTORY,
  fetchEnvironment,
  GIT_VARIABLES,
  gitEnvironment,
  type MirrorOptions,
  mirrorConfig,
  OWN_GLOBAL_CONFIG,
  ownGlobalConfig,
} from './git-settings.ts';
import { makeFolder } from './make-folder.ts';

/** Silence of git for this long ends a fetch, and so does its whole duration. */
const FETCH_SILENCE_MS = 60_000;
const FETCH_TOTAL_MS = 10 * 60_000;
const DETAIL_LENGTH_MAX = 400;
/** Without them nothing can even be asked of git. */
const OWN_FILES = [OWN_GLOBAL_CONFIG, 'config', 'HEAD'];

/** Makes or takes over the mirror. @throws KokoaError mirror_not_ours, git_missing, mirror_failed */
export async function prepareMirror(options: MirrorOptions): Promise<void> {
  try {
    await makeMirror(options);
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (syscall === undefined) throw cause;
    throw new KokoaError('mirror_failed', `the mirror in ${options.directory} cannot be written (${code})`, {
      hint: 'Check free space, permissions and the disk. It is a cache: it may be removed while nothing uses it.',
      cause,
    });
  }
}

async function makeMirror(options: MirrorOptions): Promise<void> {
  await makeFolder(options.directory);
  const entries = await readdir(options.directory);
  if (entries.length > 0 && !entries.includes(OWN_GLOBAL_CONFIG))
    throw new KokoaError('mirror_not_ours', `${options.directory} is not empty and is no mirror of Kokoa`, {
      hint: 'Name an empty or a new directory: what is in it will be replaced at will.',
    });
  for (const name of OWN_FILES) await removeDirectory(join(options.directory, name));
  await writeFile(join(options.directory, OWN_GLOBAL_CONFIG), ownGlobalConfig(options), { mode: 0o600 });
  await rm(join(options.directory, EMPTY_DIRECTORY), { recursive: true, force: true });
  await makeFolder(join(options.directory, EMPTY_DIRECTORY));
  if (!(await isFile(join(options.directory, 'HEAD')))) await initialise(options);
  await writeFile(join(options.directory, 'config'), mirrorConfig(options), { mode: 0o600 });
  await removeLocks(options);
}

/** Throws the mirror away and makes an empty one. */
export async function rebuildMirror(options: MirrorOptions): Promise<void> {
  for (const entry of await readdir(options.directory)) {
    if (entry !== OWN_GLOBAL_CONFIG) await rm(join(options.directory, entry), { recursive: true, force: true });
  }
  await prepareMirror(options);
}

/**
 * What a git leaves that was killed, or that the disk failed. Only one git at a time writes here: before it begins, all of them are stale.
 * Where one cannot be removed, git itself says what is wrong with the mirror.
 */
export async function removeLocks({ directory, branch }: MirrorOptions): Promise<void> {
  const names = ['HEAD', 'config', 'packed-refs', 'shallow', 'objects/maintenance', `refs/heads/${branch}`];
  await Promise.allSettled(names.map((name) => rm(join(directory, `${name}.lock`), { recursive: true, force: true })));
}

/** One git process: the branch is in the mirror when this resolves. @throws KokoaError source_unreachable, branch_missing */
export async function fetchBranch(options: MirrorOptions): Promise<void> {
  const ref = `refs/heads/${options.branch}`;
  try {
    await fetchRef(options, { from: ref, to: ref }, AbortSignal.timeout(FETCH_TOTAL_MS));
  } catch (cause) {
    throw fetchError(cause, options);
  }
}

/** One git process that brings one ref, or none when `ended` aborts. @throws what simple-git throws */
export async function fetchRef(
  options: MirrorOptions,
  ref: { from: string; to: string },
  ended: AbortSignal,
): Promise<void> {
  const git = simpleGit({
    baseDir: options.directory,
    abort: ended,
    timeout: { block: FETCH_SILENCE_MS },
    completion: { onClose: true, onExit: false },
    allowEnvironment: GIT_VARIABLES,
    unsafe: { allowUnsafeConfigPaths: true, allowUnsafeConfigEnvCount: true },
  }).env(fetchEnvironment(options));
  await git.raw([
    'fetch',
    // simple-git waits 50 ms longer for a process that printed nothing.
    '--verbose',
    '--no-tags',
    '--force',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--end-of-options',
    'origin',
    `+${ref.from}:${ref.to}`,
  ]);
}

/** True when every commit and tree the mirror refers to can be read. */
export async function isMirrorSound(options: MirrorOptions): Promise<boolean> {
  const result = await execa('git', ['rev-list', '--objects', '--quiet', '--all'], {
    env: gitEnvironment(options),
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    timeout: FETCH_SILENCE_MS,
    reject: false,
  });
  return result.exitCode === 0;
}

/** Packs what many small fetches left behind. Failure costs only speed. */
export async function tidyMirror(options: MirrorOptions): Promise<void> {
  await execa('git', ['-c', 'gc.auto=2000', '-c', 'gc.autoDetach=false', 'gc', '--auto', '--quiet'], {
    cwd: options.directory,
    env: gitEnvironment(options),
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    timeout: FETCH_TOTAL_MS,
    reject: false,
  });
}

/** git's own words, made safe to print. */
export function gitDetail(text: string): string {
  return text
    .replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ')
    .trim()
    .slice(0, DETAIL_LENGTH_MAX);
}

async function initialise(options: MirrorOptions): Promise<void> {
  const result = await execa(
    'git',
    ['init', '--bare', '--quiet', '--template=', `--initial-branch=${options.branch}`],
    {
      cwd: options.directory,
      env: gitEnvironment(options),
      extendEnv: false,
      stdin: 'ignore',
      timeout: FETCH_SILENCE_MS,
      reject: false,
    },
  );
  if (!result.failed) return;
  if (result.code === 'ENOENT')
    throw new KokoaError('git_missing', 'git was not found', { hint: 'Install it: apt install git.', cause: result });
  throw new KokoaError('mirror_failed', `git init failed: ${gitDetail(result.stderr)}`, { cause: result });
}

function fetchError(cause: unknown, { remote, branch }: MirrorOptions): KokoaError {
  const detail = gitDetail(cause instanceof Error ? cause.message : String(cause));
  if (/couldn't find remote ref/i.test(detail))
    return new KokoaError('branch_missing', `the repository has no branch ${JSON.stringify(branch)}`, {
      hint: 'Was it deleted or renamed? What is published stays as it is.',
      cause,
    });
  return new KokoaError('source_unreachable', `git fetch from ${remote.url} failed: ${detail || 'no answer in time'}`, {
    hint: /auth|denied|403|401|terminal prompts/i.test(detail)
      ? 'Check the credential of the repository.'
      : 'What is published stays as it is; the next poll tries again.',
    cause,
  });
}

/** What stands where a file belongs: nothing of it is worth keeping. */
async function removeDirectory(path: string): Promise<void> {
  if (!(await isFile(path))) await rm(path, { recursive: true, force: true });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
