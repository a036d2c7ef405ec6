// Which branch `kokoa serve` follows when nobody says, and what somebody who works in that very repository should know.
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';
import { parseRemote } from '../adapters/git-remote.ts';

export interface FollowedBranch {
  branch: string;
  /** Lines for people; empty when there is nothing to wonder about. */
  notes: string[];
}

export const DEFAULT_BRANCH = 'main';

const GIT_TIMEOUT_MS = 10_000;
const DATA_PATHS = ['kokoa.yaml', 'routes', 'origins', 'edges'];

/**
 * `asked`, else main, else, in a repository on this machine that has no main, the branch that is checked out there.
 * @throws KokoaError not_a_repository for a local path that is none; remote_refused
 */
export async function followedBranch(repository: string, asked: string | undefined): Promise<FollowedBranch> {
  const path = parseRemote(repository).localPath;
  const fallback = { branch: asked ?? DEFAULT_BRANCH, notes: [] };
  if (path === undefined) return fallback;
  if ((await git(path, 'rev-parse', '--git-dir')) === undefined) {
    throw new KokoaError('not_a_repository', `${path} is no git repository`, {
      hint: 'Run it in a clone of the data, or name one: kokoa serve --repository URL',
    });
  }
  const [current, main, status = ''] = await Promise.all([
    git(path, 'symbolic-ref', '--short', '-q', 'HEAD'),
    git(path, 'rev-parse', '--verify', '-q', `refs/heads/${DEFAULT_BRANCH}`),
    git(path, 'status', '--porcelain', '--', ...DATA_PATHS),
  ]);
  const branch = asked ?? (main === undefined ? (current ?? DEFAULT_BRANCH) : DEFAULT_BRANCH);
  return { branch, notes: [...branchNotes(branch, current, asked), ...uncommittedNotes(branch, status)] };
}

function branchNotes(branch: string, current: string | undefined, asked: string | undefined): string[] {
  if (current === undefined) return [`no branch is checked out here; only commits on ${branch} count`];
  if (current !== branch) {
    return [
      `you are on branch ${current}; only commits on ${branch} count`,
      `to follow yours: kokoa serve --branch ${current}`,
    ];
  }
  if (asked !== undefined || branch === DEFAULT_BRANCH) return [];
  return [`there is no branch ${DEFAULT_BRANCH} here, so the one checked out is followed`];
}

function uncommittedNotes(branch: string, status: string): string[] {
  const count = status.split('\n').filter((line) => line !== '').length;
  if (count === 0) return [];
  return [
    `${count === 1 ? '1 data file is' : `${count} data files are`} not committed; only commits on ${branch} count`,
  ];
}

/** What git says, trimmed; undefined when it fails. It may look at the repository of another user, and runs nothing of it. */
async function git(path: string, ...args: string[]): Promise<string | undefined> {
  const safe = ['-c', 'safe.directory=*', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];
  const result = await execa('git', ['-C', path, ...safe, ...args], {
    env: { LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' },
    stdin: 'ignore',
    stderr: 'ignore',
    timeout: GIT_TIMEOUT_MS,
    reject: false,
  });
  if (result.code === 'ENOENT' && !(await isThere('git'))) {
    throw new KokoaError('git_missing', 'git was not found', { hint: 'Install it: apt install git.' });
  }
  return result.failed ? undefined : result.stdout.trim();
}

async function isThere(program: string): Promise<boolean> {
  return !(await execa(program, ['--version'], { stdio: 'ignore', reject: false })).failed;
}
