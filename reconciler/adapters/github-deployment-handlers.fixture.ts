// Deployments of the double: of a commit, never before its checks unless told, with statuses that are only ever added.
import { deploymentStatusBody } from './github-bodies.fixture.ts';
import { exampleOf } from './github-contract.fixture.ts';
import type { JsonObject } from './github-description.fixture.ts';
import { type Handlers, invalid, notFound, paged, refused } from './github-handler.fixture.ts';
import type { GithubState, KeptDeployment, KeptDeploymentStatus } from './github-state.fixture.ts';
import { DESCRIPTION_CHARACTERS_MAX } from './github-status-handlers.fixture.ts';

const find = ({ deployments }: GithubState, id: string | undefined) =>
  deployments.find((deployment) => deployment.id === Number(id));

export const DEPLOYMENT_HANDLERS: Handlers = {
  'get /repos/{owner}/{repo}/deployments'({ state }, { query }) {
    const fits = (one: KeptDeployment) =>
      (['sha', 'task', 'environment'] as const).every(
        (name) => query.get(name) === null || query.get(name) === one[name],
      );
    const found = paged(state.deployments.filter(fits).reverse(), query);
    const example = (exampleOf('get /repos/{owner}/{repo}/deployments') as unknown as JsonObject[])[0]!;
    return { status: 200, body: found.map(({ statuses: _, ...shown }) => ({ ...example, ...shown })) };
  },

  async 'post /repos/{owner}/{repo}/deployments'({ state, repository }, { body }) {
    const sha = String(body.ref);
    if (!(await repository.has(sha))) return refused(422, `No ref found for: ${sha}`);
    const needsChecks = body.required_contexts === undefined || body.auto_merge !== false;
    if (needsChecks) return refused(409, `Conflict: Commit status checks failed for ${sha}`);
    const id = state.newId();
    const deployment = { id, sha, task: String(body.task), environment: String(body.environment) };
    state.deployments.push({ ...deployment, statuses: [] });
    return { status: 201, body: { ...exampleOf('post /repos/{owner}/{repo}/deployments', 201), ...deployment } };
  },

  'get /repos/{owner}/{repo}/deployments/{deployment_id}/statuses'({ state }, { parameters, query }) {
    const deployment = find(state, parameters.deployment_id);
    if (deployment === undefined) return notFound();
    return { status: 200, body: paged([...deployment.statuses].reverse(), query).map(deploymentStatusBody) };
  },

  'post /repos/{owner}/{repo}/deployments/{deployment_id}/statuses'({ state }, { parameters, body }) {
    const deployment = find(state, parameters.deployment_id);
    if (deployment === undefined) return notFound();
    if (String(body.description ?? '').length > DESCRIPTION_CHARACTERS_MAX)
      return invalid(`description is too long (maximum is ${DESCRIPTION_CHARACTERS_MAX} characters)`);
    const { state: said, description = '', environment_url } = body as unknown as KeptDeploymentStatus;
    const status = { state: said, description, ...(environment_url === undefined ? {} : { environment_url }) };
    deployment.statuses.push(status);
    return { status: 201, body: deploymentStatusBody(status) };
  },
};
