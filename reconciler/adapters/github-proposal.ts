// Opens a pull request without a work tree: tree, commit, branch, pull request. Law: the branch's name is made of the key, and the branch
// appears with its commit complete; so whatever was interrupted goes on from what stands there, and the same key never opens two.
import { createHash } from 'node:crypto';
import { ForgeError, type Proposal, type Proposed } from '../ports/forge.ts';
import { GIT_COMMIT, GIT_OBJECT, OPENED, OPENED_LIST, type OpenedAnswer, REF } from './github-answers.ts';
import type { GithubPlace } from './github-place.ts';
import { judgeFiles } from './github-proposed-files.ts';
import { cleanText, cutText, oneLine } from './github-text.ts';

const TITLE_CHARACTERS_MAX = 250;
const BODY_CHARACTERS_MAX = 60_000;
const KEY_DIGITS = 20;

export async function propose(place: GithubPlace, proposal: Proposal): Promise<Proposed> {
  judgeFiles(proposal.files);
  const name = branchOf(proposal.key);
  const old = await pullRequestOf(place, name);
  if (old !== undefined) return proposed(old, false);
  if (!(await hasBranch(place, name))) await createBranch(place, name, await createCommit(place, proposal));
  return proposed(await createPullRequest(place, name, proposal), true);
}

/** A key may be anything a client made up. */
function branchOf(key: string): string {
  return `kokoa/${createHash('sha256').update(key).digest('hex').slice(0, KEY_DIGITS)}`;
}

async function pullRequestOf({ client, where, branch }: GithubPlace, name: string): Promise<OpenedAnswer | undefined> {
  const found = await client.ask(OPENED_LIST, (api) =>
    api.pulls.list({ ...where, state: 'all', head: `${where.owner}:${name}`, base: branch, per_page: 1 }),
  );
  return found[0];
}

async function hasBranch({ client, where }: GithubPlace, name: string): Promise<boolean> {
  try {
    await client.ask(REF, (api) => api.git.getRef({ ...where, ref: `heads/${name}` }));
    return true;
  } catch (error) {
    if (error instanceof ForgeError && error.code === 'forge_not_found') return false;
    throw error;
  }
}

/** Answers the new commit on the tip of the followed branch. */
async function createCommit({ client, where, branch }: GithubPlace, proposal: Proposal): Promise<string> {
  const tip = (await client.ask(REF, (api) => api.git.getRef({ ...where, ref: `heads/${branch}` }))).object.sha;
  const base = (await client.ask(GIT_COMMIT, (api) => api.git.getCommit({ ...where, commit_sha: tip }))).tree.sha;
  const tree = (
    await client.ask(GIT_OBJECT, (api) => api.git.createTree({ ...where, base_tree: base, tree: entriesOf(proposal) }))
  ).sha;
  if (tree === base) throw new ForgeError('forge_invalid', 'nothing would change: the files are like that already');
  const message = cleanText(proposal.message);
  return (await client.ask(GIT_OBJECT, (api) => api.git.createCommit({ ...where, message, tree, parents: [tip] }))).sha;
}

/** GitHub makes the blobs of texts by itself; `sha: null` removes. */
function entriesOf({ files }: Proposal) {
  const file = { mode: '100644', type: 'blob' } as const;
  return files.map(({ path, text }) =>
    text === null ? { path, ...file, sha: null } : { path, ...file, content: text },
  );
}

async function createBranch({ client, where }: GithubPlace, name: string, sha: string): Promise<void> {
  await client.ask(REF, (api) => api.git.createRef({ ...where, ref: `refs/heads/${name}`, sha }));
}

function createPullRequest(
  { client, where, branch }: GithubPlace,
  name: string,
  proposal: Proposal,
): Promise<OpenedAnswer> {
  const title = oneLine(proposal.title, TITLE_CHARACTERS_MAX);
  const body = cutText(cleanText(proposal.body), BODY_CHARACTERS_MAX);
  return client.ask(OPENED, (api) => api.pulls.create({ ...where, title, body, head: name, base: branch }));
}

function proposed({ number, html_url, state }: OpenedAnswer, isNew: boolean): Proposed {
  return { number, url: html_url, state: state === 'open' ? 'open' : 'closed', isNew };
}
