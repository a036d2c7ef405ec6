// What people do on GitHub's pages: they open, push to, merge and close pull requests. Law: what they do is done in the bare repository first
// (`refs/pull/N/head`, real merge commits) and told to webhooks after, in GitHub's order.
import type { GithubDouble } from './github-double.fixture.ts';
import { gitIn } from './github-git.fixture.ts';
import { addPull, type KeptPull, REPOSITORY_ID } from './github-state.fixture.ts';

export interface Opening {
  branch: string;
  title: string;
  /** Path of the repository that the branch is in, when it is not this one. */
  fork?: string;
}

export interface GithubPeople {
  /** @throws Error when there is no such branch */
  openPull(opening: Opening): Promise<KeptPull>;
  /** Somebody pushed to its branch: GitHub looks at it again. */
  pushed(number: number): Promise<KeptPull>;
  /** Answers the commit that the followed branch has now. @throws Error when it is not open or does not merge cleanly */
  merge(number: number, how: 'merge' | 'squash'): Promise<string>;
  close(number: number): Promise<void>;
}

const FORK_REPOSITORY_ID = REPOSITORY_ID + 1;

/** `double` has its repository in `directory`. */
export function createGithubPeople(double: GithubDouble, directory: string): GithubPeople {
  const { state, repository, tell } = double;
  const git = gitIn(directory);
  const followed = `refs/heads/${state.names.branch}`;
  /** Pull request → the other repository that its branch is in. */
  const forks = new Map<number, string>();

  async function newestOf({ branch, fork }: Pick<Opening, 'branch' | 'fork'>): Promise<string> {
    if (fork === undefined) return git.run(['rev-parse', '--verify', `refs/heads/${branch}`]);
    await git.run([
      'fetch',
      '-q',
      '--no-tags',
      '--no-write-fetch-head',
      fork,
      `+refs/heads/${branch}:refs/forked/${branch}`,
    ]);
    return git.run(['rev-parse', '--verify', `refs/forked/${branch}`]);
  }

  function open(number: number): KeptPull {
    const pull = state.pulls.find((one) => one.number === number);
    if (pull?.state === 'open') return pull;
    throw new Error(`pull request ${number} is ${pull === undefined ? 'not there' : 'closed'}`);
  }

  return {
    async openPull({ branch, title, fork }) {
      const head = await newestOf({ branch, ...(fork !== undefined && { fork }) });
      const headRepositoryId = fork === undefined ? REPOSITORY_ID : FORK_REPOSITORY_ID;
      const base = await git.run(['rev-parse', '--verify', followed]);
      const pull = addPull(state, { head, headRef: branch, title, headRepositoryId, base });
      if (fork !== undefined) forks.set(pull.number, fork);
      await repository.keepHead(pull);
      tell({ kind: 'pull_request', action: 'opened', pull: { ...pull } });
      return pull;
    },

    async pushed(number) {
      const pull = open(number);
      const before = pull.head;
      const fork = forks.get(number);
      pull.head = await newestOf({ branch: pull.headRef, ...(fork !== undefined && { fork }) });
      pull.base = await git.run(['rev-parse', '--verify', followed]);
      await repository.keepHead(pull);
      if (pull.head !== before) tell({ kind: 'pull_request', action: 'synchronize', pull: { ...pull }, before });
      return pull;
    },

    async merge(number, how) {
      const pull = open(number);
      const before = await git.run(['rev-parse', '--verify', followed]);
      const { exitCode, stdout: tree } = await git.attempt(['merge-tree', '--write-tree', before, pull.head]);
      if (exitCode !== 0) throw new Error(`pull request ${number} does not merge cleanly`);
      const parents = how === 'merge' ? [before, pull.head] : [before];
      const merged = await repository.createCommit(tree, messageOf(pull, how, state.names.owner), parents);
      await git.run(['update-ref', followed, merged!, before]);
      Object.assign(pull, { state: 'closed', merged });
      tell({ kind: 'push', ref: followed, before, after: merged! });
      tell({ kind: 'pull_request', action: 'closed', pull: { ...pull } });
      return merged!;
    },

    async close(number) {
      const pull = open(number);
      pull.state = 'closed';
      tell({ kind: 'pull_request', action: 'closed', pull: { ...pull } });
    },
  };
}

/** As GitHub writes it when nobody changes it. */
function messageOf({ number, title, headRef }: KeptPull, how: 'merge' | 'squash', owner: string): string {
  if (how === 'squash') return `${title} (#${number})\n`;
  return `Merge pull request #${number} from ${owner}/${headRef}\n\n${title}\n`;
}
