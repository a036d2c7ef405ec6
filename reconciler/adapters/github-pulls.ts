// The pull requests of the followed branch: the open ones, and the one behind a commit.
import type { PullRequest } from '../ports/forge.ts';
import { MERGED, PULLS } from './github-answers.ts';
import { type GithubPlace, PAGE_SIZE, pages } from './github-place.ts';

const PAGES_MAX = 10;

export async function openPullRequests({ client, where, branch }: GithubPlace): Promise<PullRequest[]> {
  const found = new Map<number, PullRequest>();
  const answers = pages(client, PULLS, PAGES_MAX, (api, page) =>
    api.pulls.list({ ...where, state: 'open', base: branch, sort: 'updated', direction: 'desc', ...page }),
  );
  // What moves while pages are read may be on two of them.
  for await (const { number, head, base } of answers)
    found.set(number, { number, head: head.sha, base: base.sha, isFork: head.repo?.id !== base.repo.id });
  return [...found.values()];
}

/** GitHub also names open pull requests that hold the commit. */
export async function mergedBy({ client, where, branch }: GithubPlace, commit: string): Promise<number | undefined> {
  const found = await client.ask(MERGED, (api) =>
    api.repos.listPullRequestsAssociatedWithCommit({ ...where, commit_sha: commit, per_page: PAGE_SIZE }),
  );
  return found.find(({ merged_at, base }) => merged_at !== null && base.ref === branch)?.number;
}
