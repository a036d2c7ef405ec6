// What the double does with a request: the rules of GitHub, also those that its description does not write down.
import {
  checkRunBody,
  commentBody,
  commitBody,
  deploymentStatusBody,
  pullBody,
  refBody,
} from './github-bodies.fixture.ts';
import { exampleOf } from './github-contract.fixture.ts';
import type { Json, JsonObject, OperationName } from './github-description.fixture.ts';
import {
  addPull,
  digest,
  type GithubState,
  type KeptCheckRun,
  type KeptDeployment,
  type KeptDeploymentStatus,
  OWNER,
  REPOSITORY_ID,
  type Who,
} from './github-state.fixture.ts';

export interface Request {
  who: Who;
  parameters: Record<string, string>;
  query: URLSearchParams;
  body: JsonObject;
}

export interface Answer {
  status: number;
  body: Json;
}

type Handler = (state: GithubState, request: Request) => Answer;

const refused = (status: number, message: string, errors?: Json): Answer => ({
  status,
  body: {
    message,
    ...(errors === undefined ? {} : { errors }),
    documentation_url: 'https://docs.github.com/rest',
    status: String(status),
  },
});
const invalid = (message: string): Answer =>
  refused(422, 'Validation Failed', [{ resource: 'Thing', code: 'custom', field: 'x', message }]);
const notFound = () => refused(404, 'Not Found');

export const HANDLERS: Record<OperationName, Handler> = {
  'get /user': (_, { who }) => ({ status: 200, body: { ...exampleOf('get /user'), id: who.id } }),
  'get /repos/{owner}/{repo}/installation': () => ({
    status: 200,
    body: { ...exampleOf('get /repos/{owner}/{repo}/installation'), id: 77 },
  }),
  'post /app/installations/{installation_id}/access_tokens': () => notFound(),

  'get /repos/{owner}/{repo}/pulls'(state, { query }) {
    const head = query.get('head');
    const found = state.pulls
      .filter((pull) => query.get('state') === 'all' || pull.state === 'open')
      .filter(
        (pull) => head === null || (head === `${OWNER}:${pull.headRef}` && pull.headRepositoryId === REPOSITORY_ID),
      )
      .reverse();
    const example = (exampleOf('get /repos/{owner}/{repo}/pulls') as unknown as JsonObject[])[0]!;
    return { status: 200, body: paged(found, query).map((pull) => pullBody(example, pull)) };
  },
  'post /repos/{owner}/{repo}/pulls'(state, { body }) {
    const head = String(body.head);
    const sha = state.refs.get(`refs/heads/${head}`);
    if (sha === undefined) return invalid('head is invalid');
    if (
      state.pulls.some(
        (pull) => pull.headRef === head && pull.state === 'open' && pull.headRepositoryId === REPOSITORY_ID,
      )
    )
      return invalid(`A pull request already exists for ${OWNER}:${head}.`);
    const pull = addPull(state, { head: sha, headRef: head, title: String(body.title), body: String(body.body) });
    return { status: 201, body: pullBody(exampleOf('post /repos/{owner}/{repo}/pulls', 201), pull) };
  },

  'get /repos/{owner}/{repo}/commits/{commit_sha}/pulls'(state, { parameters }) {
    const sha = parameters.commit_sha!;
    if (!state.heads.has(sha)) return refused(422, `No commit found for SHA: ${sha}`);
    const found = state.pulls.filter(({ head, merged }) => head === sha || merged === sha);
    const name = 'get /repos/{owner}/{repo}/commits/{commit_sha}/pulls';
    const example = (exampleOf(name) as unknown as JsonObject[])[0]!;
    return { status: 200, body: found.map((pull) => pullBody(example, pull)) };
  },

  'get /repos/{owner}/{repo}/issues/{issue_number}/comments'(state, { parameters, query }) {
    const pull = Number(parameters.issue_number);
    if (!state.pulls.some(({ number }) => number === pull)) return notFound();
    return {
      status: 200,
      body: paged(
        state.comments.filter((one) => one.pull === pull),
        query,
      ).map(commentBody),
    };
  },
  'post /repos/{owner}/{repo}/issues/{issue_number}/comments'(state, { parameters, body, who }) {
    const pull = Number(parameters.issue_number);
    if (!state.pulls.some(({ number }) => number === pull)) return notFound();
    if (String(body.body).length > 65_536) return invalid('body is too long (maximum is 65536 characters)');
    const comment = { id: state.newId(), pull, who, body: String(body.body) };
    state.comments.push(comment);
    return { status: 201, body: commentBody(comment) };
  },
  'patch /repos/{owner}/{repo}/issues/comments/{comment_id}'(state, { parameters, body, who }) {
    const comment = state.comments.find(({ id }) => id === Number(parameters.comment_id));
    if (comment === undefined) return notFound();
    if (who.id !== comment.who.id) return refused(403, 'Resource not accessible by integration');
    comment.body = String(body.body);
    return { status: 200, body: commentBody(comment) };
  },

  'get /repos/{owner}/{repo}/commits/{ref}/check-runs'(state, { parameters, query }) {
    const all = state.checkRuns.filter(
      (run) => run.head_sha === parameters.ref && run.name === query.get('check_name'),
    );
    const ofApp = all.filter(({ appId }) => appId === Number(query.get('app_id')));
    const latest = ofApp.slice(-1);
    return { status: 200, body: { total_count: latest.length, check_runs: latest.map(checkRunBody) } };
  },
  'post /repos/{owner}/{repo}/check-runs'(state, { body, who }) {
    if (who.kind !== 'app') return refused(403, 'You must authenticate via a GitHub App.');
    if (!state.heads.has(String(body.head_sha))) return refused(422, `No commit found for SHA: ${body.head_sha}`);
    const run: KeptCheckRun = {
      ...{ id: state.newId(), appId: who.id, name: String(body.name), head_sha: String(body.head_sha) },
      ...{ status: 'queued', conclusion: null, external_id: '', title: '', summary: '', annotations: [] },
    };
    state.checkRuns.push(run);
    changeCheckRun(run, body);
    return { status: 201, body: checkRunBody(run) };
  },
  'patch /repos/{owner}/{repo}/check-runs/{check_run_id}'(state, { parameters, body, who }) {
    const run = state.checkRuns.find(({ id }) => id === Number(parameters.check_run_id));
    if (run === undefined) return notFound();
    if (run.appId !== who.id)
      return refused(403, 'Invalid app_id - check run can only be modified by the GitHub App that created it.');
    changeCheckRun(run, body);
    return { status: 200, body: checkRunBody(run) };
  },

  'get /repos/{owner}/{repo}/commits/{ref}/status'(state, { parameters, query }) {
    if (!state.heads.has(parameters.ref!)) return notFound();
    const newest = new Map(state.statuses.filter(({ sha }) => sha === parameters.ref).map((one) => [one.context, one]));
    const example = exampleOf('get /repos/{owner}/{repo}/commits/{ref}/status');
    const item = (example.statuses as JsonObject[])[0]!;
    const statuses = paged([...newest.values()], query).map(({ sha: _, ...status }) => ({ ...item, ...status }));
    return { status: 200, body: { ...example, statuses, total_count: newest.size } };
  },
  'post /repos/{owner}/{repo}/statuses/{sha}'(state, { parameters, body }) {
    const sha = parameters.sha!;
    if (!state.heads.has(sha)) return refused(422, `No commit found for SHA: ${sha}`);
    if (String(body.description ?? '').length > 140)
      return invalid('description is too long (maximum is 140 characters)');
    const status = {
      ...{ sha, context: String(body.context), state: String(body.state), description: String(body.description) },
      target_url: body.target_url === undefined ? null : String(body.target_url),
    };
    state.statuses.push(status);
    const { sha: _, ...shown } = status;
    return { status: 201, body: { ...exampleOf('post /repos/{owner}/{repo}/statuses/{sha}', 201), ...shown } };
  },

  'get /repos/{owner}/{repo}/deployments'(state, { query }) {
    const fits = (one: KeptDeployment) =>
      (['sha', 'task', 'environment'] as const).every(
        (name) => query.get(name) === null || query.get(name) === one[name],
      );
    const found = paged(state.deployments.filter(fits).reverse(), query);
    const example = (exampleOf('get /repos/{owner}/{repo}/deployments') as unknown as JsonObject[])[0]!;
    return { status: 200, body: found.map(({ statuses: _, ...shown }) => ({ ...example, ...shown })) };
  },
  'post /repos/{owner}/{repo}/deployments'(state, { body }) {
    const sha = String(body.ref);
    if (!state.heads.has(sha)) return refused(422, `No ref found for: ${sha}`);
    const needsChecks = body.required_contexts === undefined || body.auto_merge !== false;
    if (needsChecks) return refused(409, `Conflict: Commit status checks failed for ${sha}`);
    const id = state.newId();
    const deployment = { id, sha, task: String(body.task), environment: String(body.environment) };
    state.deployments.push({ ...deployment, statuses: [] });
    return { status: 201, body: { ...exampleOf('post /repos/{owner}/{repo}/deployments', 201), ...deployment } };
  },
  'get /repos/{owner}/{repo}/deployments/{deployment_id}/statuses'(state, { parameters, query }) {
    const deployment = state.deployments.find(({ id }) => id === Number(parameters.deployment_id));
    if (deployment === undefined) return notFound();
    return { status: 200, body: paged([...deployment.statuses].reverse(), query).map(deploymentStatusBody) };
  },
  'post /repos/{owner}/{repo}/deployments/{deployment_id}/statuses'(state, { parameters, body }) {
    const deployment = state.deployments.find(({ id }) => id === Number(parameters.deployment_id));
    if (deployment === undefined) return notFound();
    if (String(body.description ?? '').length > 140)
      return invalid('description is too long (maximum is 140 characters)');
    const { state: said, description = '', environment_url } = body as unknown as KeptDeploymentStatus;
    const status = { state: said, description, ...(environment_url === undefined ? {} : { environment_url }) };
    deployment.statuses.push(status);
    return { status: 201, body: deploymentStatusBody(status) };
  },

  'get /repos/{owner}/{repo}/git/ref/{ref}'(state, { parameters }) {
    const ref = `refs/${parameters.ref}`;
    const sha = state.refs.get(ref);
    return sha === undefined ? notFound() : { status: 200, body: refBody(ref, sha) };
  },
  'post /repos/{owner}/{repo}/git/refs'(state, { body }) {
    const ref = String(body.ref);
    const sha = String(body.sha);
    if (state.refs.has(ref)) return refused(422, 'Reference already exists');
    if (!state.commits.has(sha)) return refused(422, 'Object does not exist');
    state.refs.set(ref, sha);
    return { status: 201, body: refBody(ref, sha) };
  },
  'get /repos/{owner}/{repo}/git/commits/{commit_sha}'(state, { parameters }) {
    const commit = state.commits.get(parameters.commit_sha!);
    return commit === undefined ? notFound() : { status: 200, body: commitBody(parameters.commit_sha!, commit.tree) };
  },
  'post /repos/{owner}/{repo}/git/commits'(state, { body }) {
    const { tree, message, parents } = body as { tree: string; message: string; parents: string[] };
    if (!state.trees.has(tree) || !parents.every((sha) => state.commits.has(sha)))
      return refused(422, 'Tree SHA does not exist');
    const sha = digest(JSON.stringify([tree, message, parents]));
    state.commits.set(sha, { tree, message, parents });
    state.heads.add(sha);
    return { status: 201, body: commitBody(sha, tree) };
  },
  'post /repos/{owner}/{repo}/git/trees'(state, { body }) {
    const base = state.trees.get(String(body.base_tree));
    if (base === undefined) return refused(422, 'base_tree is not a valid tree oid');
    const files = new Map(base);
    for (const entry of body.tree as JsonObject[]) {
      const path = String(entry.path);
      if (entry.sha === null && !files.delete(path)) return refused(422, 'GitRPC::BadObjectState');
      if (typeof entry.content === 'string') files.set(path, entry.content);
    }
    const isSame = files.size === base.size && [...files].every(([path, text]) => base.get(path) === text);
    const sha = isSame ? String(body.base_tree) : digest(JSON.stringify([...files].sort()));
    state.trees.set(sha, files);
    return { status: 201, body: { ...exampleOf('post /repos/{owner}/{repo}/git/trees', 201), sha } };
  },
};

function changeCheckRun(run: KeptCheckRun, body: JsonObject): void {
  const output = body.output as { title: string; summary: string; annotations: JsonObject[] };
  run.status = String(body.status ?? run.status);
  run.conclusion =
    body.conclusion === undefined ? (run.status === 'completed' ? run.conclusion : null) : String(body.conclusion);
  run.external_id = String(body.external_id ?? run.external_id);
  run.title = output.title;
  run.summary = output.summary;
  // "GitHub appends": it never replaces.
  run.annotations.push(...output.annotations);
}

function paged<T>(items: T[], query: URLSearchParams): T[] {
  const size = Number(query.get('per_page') ?? 30);
  const from = (Number(query.get('page') ?? 1) - 1) * size;
  return items.slice(from, from + size);
}
