// Commit statuses: the newest of each name counts, and the same is not said twice, because GitHub keeps at most 1000 per commit and name.
import type { CommitStatus, Put } from '../ports/forge.ts';
import { COMBINED_STATUS, DONE, type StatusAnswer } from './github-answers.ts';
import { type GithubPlace, PAGE_SIZE } from './github-place.ts';
import { oneLine } from './github-text.ts';

/** GitHub's own limit. */
export const DESCRIPTION_CHARACTERS_MAX = 140;
const PAGES_MAX = 10;

export async function putCommitStatus(
  place: GithubPlace,
  { commit, name, state, description, url }: CommitStatus,
): Promise<Put> {
  const wanted = {
    context: name,
    state,
    description: oneLine(description, DESCRIPTION_CHARACTERS_MAX),
    ...(url === undefined ? {} : { target_url: url }),
  };
  const old = await newestStatus(place, commit, name);
  if (old !== undefined && isSame(old, wanted)) return 'unchanged';
  await place.client.ask(DONE, (api) => api.repos.createCommitStatus({ ...place.where, sha: commit, ...wanted }));
  return old === undefined ? 'created' : 'updated';
}

async function newestStatus(
  { client, where }: GithubPlace,
  commit: string,
  name: string,
): Promise<StatusAnswer | undefined> {
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const { statuses } = await client.ask(COMBINED_STATUS, (api) =>
      api.repos.getCombinedStatusForRef({ ...where, ref: commit, per_page: PAGE_SIZE, page }),
    );
    const found = statuses.find(({ context }) => context === name);
    if (found !== undefined || statuses.length < PAGE_SIZE) return found;
  }
  return undefined;
}

function isSame(old: StatusAnswer, wanted: { state: string; description: string; target_url?: string }): boolean {
  const isUrlSame = (old.target_url ?? '') === (wanted.target_url ?? '');
  return old.state === wanted.state && (old.description ?? '') === wanted.description && isUrlSame;
}
