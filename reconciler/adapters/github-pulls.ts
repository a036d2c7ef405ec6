// The pull requests of the followed branch: the open ones, and the one behind a commit.
import type { PullRequest } from '../ports/forge.ts';
import { MERGED, PULLS } from './github-answers.ts';
import { type GithubPlace, LONG_PAGE_SIZE, pages } from './github-place.ts';

/** 1000 that are open, or that hold one commit. */
const PAGES_MAX = 34;
const PULLS_MAX = 1000;

export async function openPullRequests({ client, where, branch }: GithubPlace): Promise<PullRequest[]> {
  const found = new Map<number, PullRequest>();
  const answers = pages(
    client,
    PULLS,
    PAGES_MAX,
    (api, page) =>
      api.pulls.list({ ...where, state: 'open', base: branch, sort: 'updated', direction: 'desc', ...page }),
    LONG_PAGE_SIZE,
  );
  // What moves while pages are read may be on two of them.
  for await (const { number, head, base } of answers)
    found.set(number, { number, head: head.sha, base: base.sha, isFork: head.repo?.id !== base.repo.id });
  return [...found.values()].slice(0, PULLS_MAX);
}

/** GitHub also names open pull requests that hold the commit. */
export async function mergedBy({ client, where, branch }: GithubPlace, commit: string): Promise<number | undefined> {
  const found = pages(
    client,
    MERGED,
    PAGES_MAX,
    (api, page) => api.repos.listPullRequestsAssociatedWithCommit({ ...where, commit_sha: commit, ...page }),
    LONG_PAGE_SIZE,
  );
  for await (const { number, merged_at, base } of found) if (merged_at !== null && base.ref === branch) return number;
  return undefined;
}
