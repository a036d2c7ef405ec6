// One long-lived `git diff-tree --stdin`: comparing two commits costs a millisecond where a new process costs ten. It is started on
// demand, and started again when it dies. A line that is no object id comes back as it is: that marks the end of an answer.
import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';

export interface GitDifferences {
  /** The `--raw -z` entries that lead from one tree to another, inside `folders`. @throws KokoaError git_failed */
  between(fromTree: string, toTree: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface DifferenceLimits {
  answerMs: number;
  outputBytes: number;
  /** What runs git. */
  program: readonly [string, ...string[]];
}

const LIMITS: DifferenceLimits = { answerMs: 60_000, outputBytes: 256 * 1024 * 1024, program: ['git'] };
const TREE = /^[0-9a-f]{40}$/;

export function openGitDifferences(
  gitDir: string,
  env: Record<string, string>,
  folders: readonly string[],
  limits = LIMITS,
): GitDifferences {
  let current: Comparer | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  return {
    between(fromTree, toTree) {
      const answer = turn.then(() => {
        if (!current || current.ended()) current = startComparer(gitDir, env, folders, limits);
        return current.compare(fromTree, toTree);
      });
      turn = answer.catch(() => undefined);
      return answer;
    },
    close: async () => current?.close(),
  };
}

interface Comparer {
  compare(fromTree: string, toTree: string): Promise<Uint8Array>;
  ended(): boolean;
  close(): Promise<void>;
}

function startComparer(
  gitDir: string,
  env: Record<string, string>,
  folders: readonly string[],
  { answerMs, outputBytes, program: [file, ...first] }: DifferenceLimits,
): Comparer {
  const args = [
    ...first,
    '--literal-pathspecs',
    `--git-dir=${gitDir}`,
    'diff-tree',
    '--stdin',
    '-r',
    '--raw',
    '-z',
    '--no-renames',
  ];
  const child = execa(file, [...args, '--no-abbrev', '--', ...folders], {
    env,
    extendEnv: false,
    encoding: 'buffer',
    buffer: false,
    stdin: 'pipe',
    stderr: 'ignore',
    reject: false,
  });
  let ended = false;
  let take: (data: Uint8Array | undefined) => void = () => undefined;
  const end = () => {
    ended = true;
    take(undefined);
  };
  child.stdout.on('data', (data: Uint8Array) => take(data));
  child.stdin.on('error', end);
  child.then(end, end);

  return {
    ended: () => ended,
    compare: (fromTree, toTree) =>
      new Promise((resolve, reject) => {
        if (![fromTree, toTree].every((tree) => TREE.test(tree))) throw new TypeError('not the id of a tree');
        // Random, so that no path can look like it.
        const marker = Buffer.from(`end ${randomBytes(16).toString('hex')}\n`);
        const parts: Uint8Array[] = [];
        let bytes = 0;
        const fail = (why: string) => {
          clearTimeout(timer);
          ended = true;
          child.kill('SIGKILL');
          reject(new KokoaError('git_failed', `git diff-tree ${why}`));
        };
        const timer = setTimeout(() => fail('did not answer in time'), answerMs);
        take = (data) => {
          if (data === undefined) return fail('ended');
          parts.push(data);
          bytes += data.length;
          if (bytes > outputBytes) return fail('answered too much');
          if (!endsWith(parts, marker)) return;
          clearTimeout(timer);
          take = () => undefined;
          const answer = Buffer.concat(parts);
          // The first line repeats the two trees.
          resolve(answer.subarray(answer.indexOf(10) + 1, answer.length - marker.length));
        };
        child.stdin.write(`${fromTree} ${toTree}\n${marker.toString()}`);
      }),
    close: async () => {
      end();
      child.kill('SIGKILL');
      await child;
    },
  };
}

function endsWith(parts: Uint8Array[], marker: Buffer): boolean {
  const last = parts.at(-1)!;
  if (last.length >= marker.length) return marker.equals(last.subarray(last.length - marker.length));
  const tail = Buffer.concat(parts.slice(-marker.length));
  return tail.length >= marker.length && marker.equals(tail.subarray(tail.length - marker.length));
}
