// What a rollback asks of the clone around a folder: the newest change of its data on a branch, and what that stands on. Law: nothing is
// written, nothing is fetched, and no hook runs.
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';
import { DATA_FOLDERS, KOKOA_FILE } from '../core/paths.ts';

export interface DataCommit {
  /** Full ids. */
  id: string;
  /** Of each parent, the branch's own one first; empty: the first commit, or the oldest that a shallow clone has. */
  parents: string[];
  /** First line of its message: text of anybody. */
  subject: string;
}

const TIMEOUT_MS = 60_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;

/** Undefined: no commit changed the data. `rev` was found to be a commit before. @throws KokoaError git_failed */
export async function newestDataCommit(dir: string, rev: string): Promise<DataCommit | undefined> {
  const paths = [KOKOA_FILE, ...DATA_FOLDERS];
  const id = await git(dir, ['rev-list', '--first-parent', '--max-count=1', '--end-of-options', rev, '--', ...paths]);
  return id === undefined || id === '' ? undefined : commitAt(dir, id);
}

/** @throws KokoaError git_failed */
async function commitAt(dir: string, id: string): Promise<DataCommit> {
  const text = await git(dir, ['show', '--no-patch', '--format=%P%n%s', '--end-of-options', id]);
  if (text === undefined) throw new KokoaError('git_failed', `git cannot show the commit ${id}`);
  const [parents = '', subject = ''] = text.split('\n');
  return { id, parents: parents.split(' ').filter((parent) => parent !== ''), subject };
}

/** True when the clone has a commit of this name. */
export async function hasCommit(dir: string, rev: string): Promise<boolean> {
  return (await git(dir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`])) !== undefined;
}

/** Leads from the top of the repository to the folder, with a slash at its end; or empty. @throws KokoaError usage outside of a clone */
export async function folderInClone(dir: string): Promise<string> {
  const prefix = await git(dir, ['rev-parse', '--show-prefix']);
  if (prefix === undefined)
    throw new KokoaError('usage', `the folder ${JSON.stringify(dir)} is in no clone that git reads`);
  return prefix;
}

/** What git says, without the last line end; undefined when it fails. */
async function git(dir: string, args: string[]): Promise<string | undefined> {
  const { PATH = '', HOME = '' } = process.env;
  const result = await execa('git', ['--literal-pathspecs', '-c', 'log.showSignature=false', ...args], {
    cwd: dir,
    env: { PATH, HOME, LC_ALL: 'C', GIT_NO_REPLACE_OBJECTS: '1', GIT_ALLOW_PROTOCOL: 'none', GIT_TERMINAL_PROMPT: '0' },
    extendEnv: false,
    stdin: 'ignore',
    stderr: 'ignore',
    timeout: TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
    reject: false,
  });
  if (result.code === 'ENOENT')
    throw new KokoaError('git_missing', 'git was not found', { hint: 'Install it: apt install git.' });
  return result.failed ? undefined : result.stdout;
}
