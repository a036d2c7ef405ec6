// What a push changed, read from the bare repository itself.
import { execa } from 'execa';
import { KokoaError } from '../bundle/error.ts';
import { COMMITS_MAX, type Push, type PushedCommit, type RefChange, ZERO } from './git-webhook.ts';

const GIT_TIMEOUT_MS = 10_000;
const FIELD = '\u001f';
const RECORD = '\u001e';

/** git without anybody's own settings. */
export const GIT_ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
} as const;

export type Refs = ReadonlyMap<string, string>;

/** Every branch and tag, with its commit; not what GitHub keeps for itself, as the heads of pull requests. */
export async function readRefs(repository: string): Promise<Refs> {
  const out = await git(repository, ['for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads', 'refs/tags']);
  return new Map(lines(out).map((line) => line.split(' ') as [string, string]));
}

/** What differs, sorted by name. */
export function refChanges(before: Refs, after: Refs): RefChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const changes = names.map((ref) => ({ ref, before: before.get(ref) ?? ZERO, after: after.get(ref) ?? ZERO }));
  return changes.filter((change) => change.before !== change.after);
}

/** A change of a ref with what a webhook says about it. */
export async function describePush(repository: string, change: RefChange): Promise<Push> {
  if (change.after === ZERO) return { ...change, forced: false, commits: [] };
  const range = change.before === ZERO ? [change.after] : [change.after, `^${change.before}`];
  const format = `--format=${RECORD}${['%H', '%T', '%cI', '%an', '%ae', '%B'].join(FIELD)}${FIELD}`;
  const [log, forced] = await Promise.all([
    git(repository, ['log', '--reverse', `-n${COMMITS_MAX}`, '--name-status', '--no-renames', format, ...range, '--']),
    change.before === ZERO ? false : isForced(repository, change),
  ]);
  return { ...change, forced, commits: log.split(RECORD).slice(1).map(parseCommit) };
}

async function isForced(repository: string, { before, after }: RefChange): Promise<boolean> {
  const result = await run(repository, ['merge-base', '--is-ancestor', before, after]);
  return result.exitCode !== 0;
}

function parseCommit(record: string): PushedCommit {
  const [id = '', tree = '', timestamp = '', name = '', email = '', message = '', files = ''] = record.split(FIELD);
  const changed = lines(files).map((line) => line.split('\t') as [string, string]);
  const withStatus = (status: string) => changed.filter(([found]) => found === status).map(([, path]) => path);
  return {
    id,
    tree,
    timestamp,
    author: { name, email },
    message: message.trimEnd(),
    added: withStatus('A'),
    removed: withStatus('D'),
    modified: withStatus('M'),
  };
}

async function git(repository: string, args: readonly string[]): Promise<string> {
  const result = await run(repository, args);
  if (result.exitCode === 0) return result.stdout;
  throw new KokoaError('lab_git_failed', `git ${args[0]} in ${repository}: ${result.stderr || result.shortMessage}`);
}

function run(repository: string, args: readonly string[]) {
  return execa('git', ['--git-dir', repository, '-c', 'core.quotePath=false', ...args], {
    reject: false,
    timeout: GIT_TIMEOUT_MS,
    env: GIT_ENVIRONMENT,
  });
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
