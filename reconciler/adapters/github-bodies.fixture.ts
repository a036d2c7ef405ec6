// What the double answers with: GitHub's own examples, changed where its state says otherwise.
import { exampleOf } from './github-contract.fixture.ts';
import type { JsonObject } from './github-description.fixture.ts';
import {
  type GithubState,
  type KeptCheckRun,
  type KeptComment,
  type KeptDeploymentStatus,
  type KeptPull,
  REPOSITORY_ID,
} from './github-state.fixture.ts';

export function commentBody({ id, pull, who, body }: KeptComment): JsonObject {
  const example = exampleOf('post /repos/{owner}/{repo}/issues/{issue_number}/comments', 201);
  const user = { ...(example.user as JsonObject), id: who.kind === 'app' ? 9_000_000 + who.id : who.id };
  const app = { ...(exampleOf('post /repos/{owner}/{repo}/check-runs', 201).app as JsonObject), id: who.id };
  const issue_url = `${example.issue_url}`.replace('1347', String(pull));
  return { ...example, id, body, user, issue_url, performed_via_github_app: who.kind === 'app' ? app : null };
}

export function checkRunBody(run: KeptCheckRun): JsonObject {
  const example = exampleOf('post /repos/{owner}/{repo}/check-runs', 201);
  const { id, name, head_sha, status, conclusion, external_id, title, summary, annotations } = run;
  const output = { ...(example.output as JsonObject), title, summary, annotations_count: annotations.length };
  return { ...example, id, name, head_sha, status, conclusion, external_id, output };
}

export function deploymentStatusBody(status: KeptDeploymentStatus): JsonObject {
  const { environment_url: _, ...example } = exampleOf(
    'post /repos/{owner}/{repo}/deployments/{deployment_id}/statuses',
    201,
  );
  return { ...example, ...status };
}

export function pullBody({ names }: GithubState, example: JsonObject, pull: KeptPull): JsonObject {
  const { number, state, title, body } = pull;
  const head = example.head as JsonObject & { repo: JsonObject };
  const base = example.base as JsonObject & { repo: JsonObject };
  const headRepository = pull.headRepositoryId === undefined ? null : { ...head.repo, id: pull.headRepositoryId };
  return {
    // Of teams GitHub's own example does not fit GitHub's own schema.
    ...{ ...example, requested_teams: [], number, state, title, body },
    merged_at: pull.merged === undefined ? null : '2026-01-01T00:00:00Z',
    ...{ html_url: `https://github.com/${names.owner}/${names.repository}/pull/${number}` },
    head: { ...head, sha: pull.head, ref: pull.headRef, repo: headRepository },
    base: { ...base, sha: pull.base, ref: names.branch, repo: { ...base.repo, id: REPOSITORY_ID } },
  };
}

export function refBody(ref: string, sha: string): JsonObject {
  const example = exampleOf('get /repos/{owner}/{repo}/git/ref/{ref}');
  return { ...example, ref, object: { ...(example.object as JsonObject), sha } };
}

export function commitBody(sha: string, tree: string): JsonObject {
  const example = exampleOf('get /repos/{owner}/{repo}/git/commits/{commit_sha}');
  return { ...example, sha, tree: { ...(example.tree as JsonObject), sha: tree } };
}
