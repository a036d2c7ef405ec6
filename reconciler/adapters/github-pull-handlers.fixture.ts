// Pull requests of the double: listed, opened, and found by a commit.
import { pullBody } from './github-bodies.fixture.ts';
import { exampleOf } from './github-contract.fixture.ts';
import type { JsonObject } from './github-description.fixture.ts';
import { type Handlers, invalid, paged, refused } from './github-handler.fixture.ts';
import { addPull, type KeptPull, REPOSITORY_ID } from './github-state.fixture.ts';

const OF_COMMIT = 'get /repos/{owner}/{repo}/commits/{commit_sha}/pulls';

export const PULL_HANDLERS: Handlers = {
  'get /repos/{owner}/{repo}/pulls'({ state }, { query }) {
    const head = query.get('head');
    const isOwn = (pull: KeptPull) =>
      head === `${state.names.owner}:${pull.headRef}` && pull.headRepositoryId === REPOSITORY_ID;
    const found = state.pulls
      .filter((pull) => query.get('state') === 'all' || pull.state === 'open')
      .filter((pull) => head === null || isOwn(pull))
      .reverse();
    const example = (exampleOf('get /repos/{owner}/{repo}/pulls') as unknown as JsonObject[])[0]!;
    return { status: 200, body: paged(found, query).map((pull) => pullBody(state, example, pull)) };
  },

  async 'post /repos/{owner}/{repo}/pulls'({ state, repository, tell }, { body }) {
    const head = String(body.head);
    const sha = await repository.ref(`refs/heads/${head}`);
    const base = await repository.ref(`refs/heads/${body.base}`);
    if (sha === undefined) return invalid('head is invalid');
    if (base === undefined) return invalid('base is invalid');
    const isSame = (pull: KeptPull) =>
      pull.headRef === head && pull.state === 'open' && pull.headRepositoryId === REPOSITORY_ID;
    if (state.pulls.some(isSame)) return invalid(`A pull request already exists for ${state.names.owner}:${head}.`);
    const [title, text] = [String(body.title), String(body.body)];
    const pull = addPull(state, { head: sha, headRef: head, base, title, body: text });
    await repository.keepHead(pull);
    tell({ kind: 'pull_request', action: 'opened', pull });
    return { status: 201, body: pullBody(state, exampleOf('post /repos/{owner}/{repo}/pulls', 201), pull) };
  },

  async [OF_COMMIT]({ state, repository }, { parameters }) {
    const sha = parameters.commit_sha!;
    if (!(await repository.has(sha))) return refused(422, `No commit found for SHA: ${sha}`);
    const found: KeptPull[] = [];
    for (const pull of state.pulls) if (pull.merged === sha || (await repository.proposes(pull, sha))) found.push(pull);
    const example = (exampleOf(OF_COMMIT) as unknown as JsonObject[])[0]!;
    return { status: 200, body: found.map((pull) => pullBody(state, example, pull)) };
  },
};
