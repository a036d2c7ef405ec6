// One repository on GitHub, as a forge. Law: one operation at a time, because GitHub asks for that and because of two that look at the same
// moment each would make its own; waiting is bounded, in time and in number.
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
import { setTimeout as delay } from 'node:timers/promises';
import PQueue from 'p-queue';
import { type Forge, ForgeError } from '../ports/forge.ts';
import { putCheck } from './github-check.ts';
import { createGithubClient } from './github-client.ts';
import { putComment } from './github-comment.ts';
import { type GithubCredential, identityOf } from './github-credential.ts';
import { putDeployment } from './github-deployment.ts';
import { createPatience } from './github-patience.ts';
import type { GithubPlace } from './github-place.ts';
import { propose } from './github-proposal.ts';
import { mergedBy, openPullRequests } from './github-pulls.ts';
import { putCommitStatus } from './github-status.ts';

const REQUEST_MS_MAX = 10_000;
const WAITING_OPERATIONS_MAX = 1000;

export interface GithubOptions {
  /** `https://api.github.com`, or `https://HOST/api/v3`. */
  apiUrl: string;
  owner: string;
  repository: string;
  /** The followed one. */
  branch: string;
  credential: GithubCredential;
  clock?: () => Date;
  /** Instead of real waiting. */
  wait?: (ms: number) => Promise<void>;
  requestMsMax?: number;
}

/** @throws ForgeError forge_invalid when address or names cannot be GitHub's */
export function createGithubForge(options: GithubOptions): Forge {
  const {
    apiUrl,
    owner,
    repository,
    branch,
    credential,
    clock = () => new Date(),
    requestMsMax = REQUEST_MS_MAX,
  } = options;
  judgeNames(owner, repository);
  const closing = new AbortController();
  const closed = closing.signal;
  const identity = identityOf(credential, { apiUrl, owner, repository, requestMsMax, clock, closed });
  const client = createGithubClient({ apiUrl, requestMsMax, clock, closed, authorization: identity.authorization });
  const place: GithubPlace = { client, identity, where: { owner, repo: repository }, branch };
  const wait = options.wait ?? ((ms) => delay(ms, undefined, { signal: closed }).catch(refuseClosed));
  const patience = createPatience({ clock, wait });
  const queue = new PQueue({ concurrency: 1 });

  async function attempt<T>(operation: () => Promise<T>): Promise<T> {
    try {
      if (closed.aborted) refuseClosed();
      return await operation();
    } catch (error) {
      if (error instanceof ForgeError && error.code === 'forge_unauthorised') identity.forget();
      throw error;
    }
  }

  async function inTurn<T>(operation: () => Promise<T>): Promise<T> {
    if (queue.size >= WAITING_OPERATIONS_MAX)
      throw new ForgeError('forge_down', `${WAITING_OPERATIONS_MAX} operations wait already`);
    return await queue.add(() => patience.run(() => attempt(operation)));
  }

  return {
    openPullRequests: () => inTurn(() => openPullRequests(place)),
    mergedBy: (commit) => inTurn(() => mergedBy(place, commit)),
    putComment: (comment) => inTurn(() => putComment(place, comment)),
    putCheck: (check) => inTurn(() => putCheck(place, check)),
    putCommitStatus: (status) => inTurn(() => putCommitStatus(place, status)),
    putDeployment: (deployment) => inTurn(() => putDeployment(place, deployment)),
    propose: (proposal) => inTurn(() => propose(place, proposal)),
    close: () => closing.abort(),
  };
}

function refuseClosed(): never {
  throw new ForgeError('forge_down', 'the forge is closed');
}

/** They become parts of paths. */
function judgeNames(owner: string, repository: string): void {
  const isName = (text: string) => /^[A-Za-z0-9_.-]{1,100}$/.test(text) && !/^\.{1,2}$/.test(text);
  if (isName(owner) && isName(repository)) return;
  throw new ForgeError(
    'forge_invalid',
    `expected OWNER/REPOSITORY, found ${JSON.stringify(`${owner}/${repository}`.slice(0, 200))}`,
  );
}
