// Where and as whom the operations on GitHub work, and how they read through pages.
import type { Shape } from './github-answers.ts';
import type { GithubApi, GithubClient } from './github-client.ts';
import type { GithubIdentity } from './github-credential.ts';

export interface GithubPlace {
  client: GithubClient;
  identity: GithubIdentity;
  /** What every request about the repository says. */
  where: { owner: string; repo: string };
  /** The followed one. */
  branch: string;
}

export const PAGE_SIZE = 100;
/** Of items with a text of 65 536 characters that anybody wrote: so many stay below the cap of an answer, however they are encoded. */
export const LONG_PAGE_SIZE = 30;

/** The items of all pages, asked for one by one, until a page is not full or `pagesMax` were read. */
export async function* pages<T>(
  client: GithubClient,
  shape: Shape<T[]>,
  pagesMax: number,
  send: (api: GithubApi, page: { per_page: number; page: number }) => Promise<{ status: number; data: unknown }>,
  pageSize = PAGE_SIZE,
): AsyncGenerator<T> {
  for (let page = 1; page <= pagesMax; page += 1) {
    const items = await client.ask(shape, (api) => send(api, { per_page: pageSize, page }));
    yield* items;
    if (items.length < pageSize) return;
  }
}
