// Somebody with a clone, who commits and pushes with plain git: the person whose merge the clock of a benchmark starts at.
import { epochMs } from './clock.ts';
import { createWorkTree, type Files, type WorkTreeOptions } from './git-work-tree.ts';

export interface Pushed {
  commit: string;
  /** When `git push` had returned; ms since the epoch. */
  pushedAt: number;
}

export interface Developer {
  /** The work tree. */
  readonly directory: string;
  /** Commits these files on top of what was pushed last, and pushes. @throws KokoaError lab_exec_failed when git refuses */
  commit(files: Files, message: string): Promise<Pushed>;
  /** Takes a commit back by a new one, and pushes. */
  revert(commit: string): Promise<Pushed>;
  /** Rewrites history: `files` on top of `base`, or `base` itself. */
  forcePush(base: string, files?: Files, message?: string): Promise<Pushed>;
  /** Takes what others merged; what was not pushed is gone. */
  catchUp(): Promise<void>;
}

/** Makes an empty clone on branch `main`. */
export async function createDeveloper(options: WorkTreeOptions): Promise<Developer> {
  const { directory, git, save, takeMain, head } = await createWorkTree('work', options);
  const push = async (...flags: string[]): Promise<Pushed> => {
    await git('push', '-q', ...flags, 'origin', 'HEAD:refs/heads/main');
    const pushedAt = epochMs();
    return { commit: await head(), pushedAt };
  };
  return {
    directory,
    commit: async (files, message) => {
      await save(files, message);
      return push();
    },
    revert: async (commit) => {
      await git('revert', '--no-edit', commit);
      return push();
    },
    forcePush: async (base, files, message = 'Rewrite history') => {
      await git('reset', '-q', '--hard', base);
      if (files !== undefined) await save(files, message);
      return push('--force');
    },
    catchUp: takeMain,
  };
}
