// The push webhook as GitHub sends it: its payload; and of every webhook its headers and its signature. Only what a receiver may rely on is there.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
import { createHmac, randomUUID } from 'node:crypto';

/** GitHub's "no commit": the branch was made or deleted. */
export const ZERO = '0'.repeat(40);
/** GitHub tells of at most this many commits. */
export const COMMITS_MAX = 2_048;

export interface RefChange {
  /** `refs/heads/main`. */
  ref: string;
  before: string;
  after: string;
}

export interface PushedCommit {
  id: string;
  tree: string;
  /** ISO 8601. */
  timestamp: string;
  author: { name: string; email: string };
  message: string;
  added: string[];
  removed: string[];
  modified: string[];
}

export interface Push extends RefChange {
  forced: boolean;
  /** Oldest first. */
  commits: readonly PushedCommit[];
}

export interface RepositoryNames {
  /** `OWNER/NAME`. */
  fullName: string;
  cloneUrl: string;
  defaultBranch: string;
}

/** Who did it. */
export const SENDER = { login: 'lab', id: 2, type: 'User' } as const;

/** What the `repository` of every payload has. */
export function repositoryMember({ fullName, cloneUrl, defaultBranch }: RepositoryNames) {
  const [owner = '', name = ''] = fullName.split('/');
  const url = cloneUrl.replace(/\.git$/, '');
  return {
    id: 1,
    name,
    full_name: fullName,
    private: true,
    fork: false,
    owner: { login: owner, id: 1, type: 'Organization' },
    url,
    html_url: url,
    clone_url: cloneUrl,
    default_branch: defaultBranch,
  };
}

/** The body of a `push` delivery. */
export function pushPayload(repository: RepositoryNames, push: Push) {
  const shared = repositoryMember(repository);
  const { url } = shared;
  const commits = push.commits.map((commit) => ({
    id: commit.id,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: commit.timestamp,
    url: `${url}/commit/${commit.id}`,
    author: commit.author,
    committer: commit.author,
    added: commit.added,
    removed: commit.removed,
    modified: commit.modified,
  }));
  return {
    ref: push.ref,
    before: push.before,
    after: push.after,
    base_ref: null,
    created: push.before === ZERO,
    deleted: push.after === ZERO,
    forced: push.forced,
    compare: `${url}/compare/${push.before.slice(0, 12)}...${push.after.slice(0, 12)}`,
    commits,
    head_commit: commits.at(-1) ?? null,
    // A push alone has the owner's name as well.
    repository: { ...shared, owner: { ...shared.owner, name: shared.owner.login } },
    pusher: { name: 'lab', email: 'lab@lab.test' },
    sender: SENDER,
  };
}

/** The headers of a delivery of exactly `body`. */
export function webhookHeaders(event: 'push' | 'pull_request', secret: string, body: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/lab',
    'x-github-event': event,
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
}
