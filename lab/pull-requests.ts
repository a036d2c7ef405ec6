// Somebody who may not push to main: a clone, a fork beside the repository, and pull requests opened, corrected, merged and taken back.
import { join } from 'node:path';
import { epochMs } from './clock.ts';
import type { Developer } from './git-developer.ts';
import { GIT_ENVIRONMENT } from './git-refs.ts';
import { createWorkTree, type Files, type WorkTreeOptions } from './git-work-tree.ts';
import type { Github } from './github.ts';

export interface Opened {
  number: number;
  /** The proposed commit. */
  head: string;
}

export interface Merged {
  /** What main is now. */
  commit: string;
  /** When GitHub had answered; ms since the epoch. */
  mergedAt: number;
}

export interface PullRequests {
  /** Files changed on top of main, on a branch of the fork or of the repository itself. */
  open(title: string, files: Files, from: 'fork' | 'repository'): Promise<Opened>;
  /** One more commit on its branch. */
  push(opened: Opened, message: string, files: Files): Promise<Opened>;
  /** Main moves, and the developer's clone with it. */
  merge(opened: Opened, how?: 'merge' | 'squash'): Promise<Merged>;
  /** Opens one that takes a merge back. */
  revert(title: string, commit: string): Promise<Opened>;
}

export async function createPullRequests(
  options: WorkTreeOptions,
  github: Github,
  developer: Developer,
): Promise<PullRequests> {
  const { git, save, takeMain, head } = await createWorkTree('contributor', options);
  const fork = join(options.host.directory, 'fork.git');
  await options.host.exec('git', ['init', '-q', '--bare', '--initial-branch=main', fork], { env: GIT_ENVIRONMENT });
  /** Pull request → where its branch is. */
  const branches = new Map<number, { branch: string; remote: string }>();
  let count = 0;

  const pushTo = (remote: string, branch: string) => git('push', '-q', remote, `HEAD:refs/heads/${branch}`);
  const openFrom = async (title: string, remote: string): Promise<Opened> => {
    count += 1;
    const branch = `change-${count}`;
    await pushTo(remote, branch);
    const number = await github.openPull({ branch, title, ...(remote === fork && { fork }) });
    branches.set(number, { branch, remote });
    return { number, head: await head() };
  };
  return {
    async open(title, files, from) {
      await takeMain();
      await save(files, title);
      return openFrom(title, from === 'fork' ? fork : 'origin');
    },
    async push({ number, head: before }, message, files) {
      const { branch, remote } = branches.get(number)!;
      await git('reset', '-q', '--hard', before);
      await save(files, message);
      await pushTo(remote, branch);
      await github.pushed(number);
      return { number, head: await head() };
    },
    async merge({ number }, how = 'merge') {
      const commit = await github.merge(number, how);
      const mergedAt = epochMs();
      await developer.catchUp();
      return { commit, mergedAt };
    },
    async revert(title, commit) {
      await takeMain();
      const parents = (await git('rev-list', '--parents', '-n1', commit)).trim().split(' ').slice(1);
      await git('revert', '--no-edit', ...(parents.length > 1 ? ['-m', '1'] : []), commit);
      return openFrom(title, 'origin');
    },
  };
}
