// The one comment of ours on a pull request. Law: ours is what carries the marker first and was written by us; what anybody else wrote,
// marker or not, is never edited, and no second one is made while ours stands.
import { COMMENT_CHARACTERS_MAX, ForgeError, type Put, type StickyComment } from '../ports/forge.ts';
import { COMMENTS, type CommentAnswer, DONE } from './github-answers.ts';
import { type GithubPlace, LONG_PAGE_SIZE, pages } from './github-place.ts';
import { cleanText } from './github-text.ts';

/** Comments come oldest first, and ours is among the first: 3000 are more than anybody reads. */
const PAGES_MAX = 100;

export async function putComment(place: GithubPlace, comment: StickyComment): Promise<Put> {
  const { client, where } = place;
  const body = bodyOf(comment);
  const old = await ownComment(place, comment);
  if (old === undefined && comment.onlyEdit) return 'unchanged';
  if (old === undefined) {
    await client.ask(DONE, (api) => api.issues.createComment({ ...where, issue_number: comment.pullRequest, body }));
    return 'created';
  }
  if (isSame(old, body)) return 'unchanged';
  await client.ask(DONE, (api) => api.issues.updateComment({ ...where, comment_id: old.id, body }));
  return 'updated';
}

async function ownComment(place: GithubPlace, { pullRequest, key }: StickyComment): Promise<CommentAnswer | undefined> {
  const { client, identity, where } = place;
  const comments = pages(
    client,
    COMMENTS,
    PAGES_MAX,
    (api, page) => api.issues.listComments({ ...where, issue_number: pullRequest, ...page }),
    LONG_PAGE_SIZE,
  );
  for await (const comment of comments)
    if (comment.body?.startsWith(markerOf(key)) && (await identity.isOurs(comment, client))) return comment;
  return undefined;
}

function bodyOf({ key, markdown }: StickyComment): string {
  if (!/^[a-z0-9-]{1,60}$/.test(key))
    throw new ForgeError('forge_invalid', `${JSON.stringify(key.slice(0, 60))} is no key of a comment`);
  const text = cleanText(markdown);
  if (text.length <= COMMENT_CHARACTERS_MAX) return `${markerOf(key)}\n${text}`;
  throw new ForgeError('forge_invalid', `a comment of ${text.length} characters, of at most ${COMMENT_CHARACTERS_MAX}`);
}

function markerOf(key: string): string {
  return `<!-- kokoa:${key} -->`;
}

/** GitHub may change how lines end and what is white at the end. */
function isSame({ body }: CommentAnswer, wanted: string): boolean {
  return body?.replaceAll('\r\n', '\n').trimEnd() === wanted.trimEnd();
}
