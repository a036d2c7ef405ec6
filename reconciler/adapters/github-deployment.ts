// Deployments: one per commit and edge, told apart from anybody else's by their task.
import type { Deployment, Put } from '../ports/forge.ts';
import { DEPLOYMENT_STATUSES, DEPLOYMENTS, type DeploymentStatusAnswer, DONE, NUMBERED } from './github-answers.ts';
import type { GithubPlace } from './github-place.ts';
import { DESCRIPTION_CHARACTERS_MAX } from './github-status.ts';
import { oneLine } from './github-text.ts';

const TASK = 'kokoa';

export async function putDeployment(place: GithubPlace, deployment: Deployment): Promise<Put> {
  const { client, where } = place;
  const wanted = statusOf(deployment);
  const old = await ownDeployment(place, deployment);
  if (old !== undefined && isSame(await newestStatus(place, old.id), wanted)) return 'unchanged';
  const { id } = old ?? (await createDeployment(place, deployment));
  await client.ask(DONE, (api) => api.repos.createDeploymentStatus({ ...where, deployment_id: id, ...wanted }));
  return old === undefined ? 'created' : 'updated';
}

function statusOf({ state, description, url }: Deployment) {
  return {
    state,
    description: oneLine(description, DESCRIPTION_CHARACTERS_MAX),
    ...(url === undefined ? {} : { environment_url: url }),
  };
}

async function ownDeployment({ client, where }: GithubPlace, { commit, environment }: Deployment) {
  const found = await client.ask(DEPLOYMENTS, (api) =>
    api.repos.listDeployments({ ...where, sha: commit, task: TASK, environment, per_page: 1 }),
  );
  return found[0];
}

/** Newest first. */
async function newestStatus({ client, where }: GithubPlace, id: number): Promise<DeploymentStatusAnswer | undefined> {
  const found = await client.ask(DEPLOYMENT_STATUSES, (api) =>
    api.repos.listDeploymentStatuses({ ...where, deployment_id: id, per_page: 1 }),
  );
  return found[0];
}

/** Of exactly that commit, whatever else is newer or not yet checked: it says what is, and triggers nothing of ours. */
function createDeployment(
  { client, where }: GithubPlace,
  { commit, environment }: Deployment,
): Promise<{ id: number }> {
  const asIs = { auto_merge: false, required_contexts: [] };
  return client.ask(NUMBERED, (api) =>
    api.repos.createDeployment({ ...where, ref: commit, task: TASK, environment, ...asIs }),
  );
}

function isSame(old: DeploymentStatusAnswer | undefined, wanted: ReturnType<typeof statusOf>): boolean {
  if (old === undefined) return false;
  const isUrlSame = (old.environment_url ?? '') === (wanted.environment_url ?? '');
  return old.state === wanted.state && old.description === wanted.description && isUrlSame;
}
