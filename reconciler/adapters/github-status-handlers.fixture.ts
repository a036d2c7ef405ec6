// Commit statuses of the double: every one is kept, the newest of a name counts.
import { exampleOf } from './github-contract.fixture.ts';
import type { JsonObject } from './github-description.fixture.ts';
import { type Handlers, invalid, notFound, paged, refused } from './github-handler.fixture.ts';

export const DESCRIPTION_CHARACTERS_MAX = 140;

export const STATUS_HANDLERS: Handlers = {
  async 'get /repos/{owner}/{repo}/commits/{ref}/status'({ state, repository }, { parameters, query }) {
    if (!(await repository.has(parameters.ref!))) return notFound();
    const newest = new Map(state.statuses.filter(({ sha }) => sha === parameters.ref).map((one) => [one.context, one]));
    const example = exampleOf('get /repos/{owner}/{repo}/commits/{ref}/status');
    const item = (example.statuses as JsonObject[])[0]!;
    const statuses = paged([...newest.values()], query).map(({ sha: _, ...status }) => ({ ...item, ...status }));
    return { status: 200, body: { ...example, statuses, total_count: newest.size } };
  },

  async 'post /repos/{owner}/{repo}/statuses/{sha}'({ state, repository }, { parameters, body }) {
    const sha = parameters.sha!;
    if (!(await repository.has(sha))) return refused(422, `No commit found for SHA: ${sha}`);
    if (String(body.description ?? '').length > DESCRIPTION_CHARACTERS_MAX)
      return invalid(`description is too long (maximum is ${DESCRIPTION_CHARACTERS_MAX} characters)`);
    const status = {
      ...{ sha, context: String(body.context), state: String(body.state), description: String(body.description) },
      target_url: body.target_url === undefined ? null : String(body.target_url),
    };
    state.statuses.push(status);
    const { sha: _, ...shown } = status;
    return { status: 201, body: { ...exampleOf('post /repos/{owner}/{repo}/statuses/{sha}', 201), ...shown } };
  },
};
