// A clone somebody works in, with plain git and nobody's own settings.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { GIT_ENVIRONMENT } from './git-refs.ts';
import type { Host } from './namespace.ts';

const GIT_TIMEOUT_MS = 30_000;

export interface WorkTreeOptions {
  /** Where git runs. */
  host: Host;
  url: string;
  /** What the git server's certificate is verified against. */
  caFile: string;
}

/** Path in the repository → its content, or null to delete it. */
export type Files = Readonly<Record<string, string | Uint8Array | null>>;

export interface WorkTree {
  readonly directory: string;
  /** Answers what git printed. @throws KokoaError lab_exec_failed when git refuses */
  git(...args: string[]): Promise<string>;
  /** Writes files and commits them. */
  save(files: Files, message: string): Promise<void>;
  /** Puts the newest commit of the server's `main` here, whatever was here. */
  takeMain(): Promise<void>;
  head(): Promise<string>;
}

/** Makes an empty clone on branch `main`, in a folder of the host. */
export async function createWorkTree(folder: string, { host, url, caFile }: WorkTreeOptions): Promise<WorkTree> {
  const directory = join(host.directory, folder);
  mkdirSync(directory, { recursive: true });
  const who = { name: 'Lab', email: 'lab@lab.test' };
  const env = {
    ...GIT_ENVIRONMENT,
    GIT_SSL_CAINFO: caFile,
    GIT_AUTHOR_NAME: who.name,
    GIT_AUTHOR_EMAIL: who.email,
    GIT_COMMITTER_NAME: who.name,
    GIT_COMMITTER_EMAIL: who.email,
  };
  const git = async (...args: string[]) => {
    const neutral = ['-c', 'gc.auto=0', '-c', 'commit.gpgSign=false'];
    return (await host.exec('git', [...neutral, ...args], { cwd: directory, env, timeoutMs: GIT_TIMEOUT_MS })).stdout;
  };
  await git('init', '-q', '--initial-branch=main');
  await git('remote', 'add', 'origin', url);
  return {
    directory,
    git,
    async save(files, message) {
      const paths = Object.keys(files);
      for (const [path, content] of Object.entries(files)) writeInside(directory, path, content);
      await git('add', '-A', '--', ...paths);
      await git('commit', '-q', '--allow-empty', '-m', message);
    },
    async takeMain() {
      await git('fetch', '-q', 'origin', 'main');
      await git('reset', '-q', '--hard', 'FETCH_HEAD');
    },
    head: async () => (await git('rev-parse', 'HEAD')).trim(),
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
