// The pull_request webhook as GitHub sends it. Only what a receiver may rely on is there.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request
import type { GithubEvent } from '../reconciler/adapters/github-event.fixture.ts';
import { REPOSITORY_ID } from '../reconciler/adapters/github-state.fixture.ts';
import { type RepositoryNames, repositoryMember, SENDER } from './git-webhook.ts';

type PullRequestEvent = Extract<GithubEvent, { kind: 'pull_request' }>;

/** The body of a `pull_request` delivery. */
export function pullRequestPayload(names: RepositoryNames, event: PullRequestEvent) {
  const { action, pull } = event;
  const repository = repositoryMember(names);
  const [owner = ''] = names.fullName.split('/');
  const isFork = pull.headRepositoryId !== REPOSITORY_ID;
  const [forkOwner, forkName] = ['stranger', `stranger/${repository.name}`];
  const fork = { ...repository, id: repository.id + 1, full_name: forkName, fork: true };
  const headOwner = isFork ? forkOwner : owner;
  return {
    action,
    number: pull.number,
    pull_request: {
      id: pull.number,
      html_url: `${repository.html_url}/pull/${pull.number}`,
      number: pull.number,
      state: pull.state,
      locked: false,
      title: pull.title,
      body: pull.body,
      user: SENDER,
      draft: false,
      merged: pull.merged !== undefined,
      merge_commit_sha: pull.merged ?? null,
      head: {
        label: `${headOwner}:${pull.headRef}`,
        ref: pull.headRef,
        sha: pull.head,
        user: { ...SENDER, login: headOwner },
        repo: isFork ? fork : repository,
      },
      base: {
        label: `${owner}:${names.defaultBranch}`,
        ref: names.defaultBranch,
        sha: pull.base,
        user: { ...SENDER, login: owner },
        repo: repository,
      },
    },
    ...(event.action === 'synchronize' && { before: event.before, after: pull.head }),
    repository,
    sender: SENDER,
  };
}
