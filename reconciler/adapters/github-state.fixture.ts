// What the double keeps: one repository of GitHub's.
import { createHash } from 'node:crypto';
import type { JsonObject } from './github-description.fixture.ts';

export const OWNER = 'octo-team';
export const REPOSITORY = 'data';
export const BRANCH = 'main';
export const REPOSITORY_ID = 1000;
/** Of the App that is installed there. */
export const APP_ID = 4711;

/** Whose repository it is, and the branch that is followed. */
export interface GithubNames {
  owner: string;
  repository: string;
  branch: string;
}

/** Who asks, as the double found by the Authorization header. */
export type Who = { kind: 'user'; id: number } | { kind: 'app'; id: number };

export interface KeptComment {
  id: number;
  pull: number;
  who: Who;
  body: string;
}

export interface KeptCheckRun {
  id: number;
  appId: number;
  name: string;
  head_sha: string;
  status: string;
  conclusion: string | null;
  external_id: string;
  title: string;
  summary: string;
  annotations: JsonObject[];
}

export interface KeptPull {
  number: number;
  head: string;
  headRef: string;
  base: string;
  /** Undefined: of a repository that is gone. */
  headRepositoryId: number | undefined;
  state: 'open' | 'closed';
  title: string;
  body: string;
  /** The commit that it became. */
  merged?: string;
}

export interface KeptDeployment {
  id: number;
  sha: string;
  task: string;
  environment: string;
  /** Oldest first. */
  statuses: KeptDeploymentStatus[];
}

export interface KeptDeploymentStatus {
  state: string;
  description: string;
  environment_url?: string;
}

export type GithubState = ReturnType<typeof createGithubState>;

export function createGithubState(names: GithubNames = { owner: OWNER, repository: REPOSITORY, branch: BRANCH }) {
  const tip = digest('the first commit');
  const tree = digest('the first tree');
  let newestId = 100;
  return {
    names,
    comments: [] as KeptComment[],
    checkRuns: [] as KeptCheckRun[],
    /** Oldest first. */
    statuses: [] as { sha: string; context: string; state: string; description: string; target_url: string | null }[],
    deployments: [] as KeptDeployment[],
    pulls: [] as KeptPull[],
    refs: new Map([[`refs/heads/${names.branch}`, tip]]),
    commits: new Map([[tip, { tree, parents: [] as string[], message: 'the first' }]]),
    trees: new Map([[tree, new Map([['routes/hoge/app.hoge.com.yaml', 'hostname: app.hoge.com\n']])]]),
    /** Commits that exist without being pushed by us. */
    heads: new Set([tip]),
    newId() {
      newestId += 1;
      return newestId;
    },
  };
}

export function digest(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

export function addPull(state: GithubState, change: Partial<KeptPull> = {}): KeptPull {
  // Its own row, as on GitHub: what else is made there does not count.
  const number = 1 + state.pulls.length;
  const head = change.head ?? digest(`head of ${number}`);
  const pull: KeptPull = {
    ...{
      number,
      head,
      headRef: `topic-${number}`,
      base: state.refs.get(`refs/heads/${state.names.branch}`)!,
      headRepositoryId: REPOSITORY_ID,
    },
    ...{ state: 'open', title: 'a change', body: '' },
    ...change,
  };
  state.heads.add(head);
  state.pulls.push(pull);
  return pull;
}
