// Somebody with a clone, who commits and pushes with plain git: the person whose merge the clock of a benchmark starts at.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { epochMs } from './clock.ts';
import { GIT_ENVIRONMENT } from './git-refs.ts';
import type { Host } from './namespace.ts';

const PUSH_TIMEOUT_MS = 30_000;

export interface DeveloperOptions {
  /** Where git runs. */
  host: Host;
  url: string;
  /** What the git server's certificate is verified against. */
  caFile: string;
}

/** Path in the repository → its content, or null to delete it. */
export type Files = Readonly<Record<string, string | Uint8Array | null>>;

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
}

/** Makes an empty clone on branch `main`. */
export async function createDeveloper(options: DeveloperOptions): Promise<Developer> {
  const { host } = options;
  const directory = join(host.directory, 'work');
  mkdirSync(directory, { recursive: true });
  const who = { name: 'Lab', email: 'lab@lab.test' };
  const env = {
    ...GIT_ENVIRONMENT,
    GIT_SSL_CAINFO: options.caFile,
    GIT_AUTHOR_NAME: who.name,
    GIT_AUTHOR_EMAIL: who.email,
    GIT_COMMITTER_NAME: who.name,
    GIT_COMMITTER_EMAIL: who.email,
  };
  const git = async (...args: string[]) => {
    const neutral = ['-c', 'gc.auto=0', '-c', 'commit.gpgSign=false'];
    return (await host.exec('git', [...neutral, ...args], { cwd: directory, env, timeoutMs: PUSH_TIMEOUT_MS })).stdout;
  };
  const save = async (files: Files, message: string) => {
    const paths = Object.keys(files);
    for (const [path, content] of Object.entries(files)) writeInside(directory, path, content);
    await git('add', '-A', '--', ...paths);
    await git('commit', '-q', '--allow-empty', '-m', message);
  };
  const push = async (...flags: string[]): Promise<Pushed> => {
    await git('push', '-q', ...flags, 'origin', 'HEAD:refs/heads/main');
    const pushedAt = epochMs();
    return { commit: (await git('rev-parse', 'HEAD')).trim(), pushedAt };
  };
  await git('init', '-q', '--initial-branch=main');
  await git('remote', 'add', 'origin', options.url);
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
  };
}

function writeInside(directory: string, path: string, content: string | Uint8Array | null): void {
  const target = join(directory, path);
  const inside = relative(directory, target);
  if (inside === '' || inside.startsWith('..') || inside.split('/')[0] === '.git') {
    throw new TypeError(`${path} is not a path inside the repository`);
  }
  if (content === null) {
    rmSync(target, { force: true });
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
}
