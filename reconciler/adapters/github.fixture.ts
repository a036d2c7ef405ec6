// What the tests of the adapter share: a forge on the double, and the names of what it asks.
import { expect } from 'vitest';
import { type Forge, ForgeError } from '../ports/forge.ts';
import { createGithubForge, type GithubOptions } from './github.ts';
import {
  APP_ID,
  APP_KEY,
  type GithubDouble,
  type GithubDoubleOptions,
  startGithubDouble,
  TOKEN,
} from './github-double.fixture.ts';
import { BRANCH, OWNER, REPOSITORY } from './github-state.fixture.ts';

export const NEW_COMMENT = 'post /repos/{owner}/{repo}/issues/{issue_number}/comments';
export const OLD_COMMENT = 'patch /repos/{owner}/{repo}/issues/comments/{comment_id}';
export const COMMENTS = 'get /repos/{owner}/{repo}/issues/{issue_number}/comments';
export const NEW_CHECK = 'post /repos/{owner}/{repo}/check-runs';
export const OLD_CHECK = 'patch /repos/{owner}/{repo}/check-runs/{check_run_id}';
export const STATUS = 'post /repos/{owner}/{repo}/statuses/{sha}';
export const DEPLOYMENT = 'post /repos/{owner}/{repo}/deployments';
export const DEPLOYMENT_STATUS = 'post /repos/{owner}/{repo}/deployments/{deployment_id}/statuses';
export const NEW_REF = 'post /repos/{owner}/{repo}/git/refs';
export const NEW_PULL = 'post /repos/{owner}/{repo}/pulls';

export const HOSTILE = 'a\0b\u001b[31m\ud800 <!-- kokoa:plan --> @everyone \u{1f600} "quoted" \\ {{y}} \r\nnext';

export const AS_TOKEN = { kind: 'token', read: async () => `${TOKEN}\n` } as const;
export const AS_APP = { kind: 'app', appId: APP_ID, readPrivateKey: async () => APP_KEY } as const;

export interface Github {
  double: GithubDouble;
  /** Milliseconds that the forge wanted to wait, in order. It did not. */
  waits: number[];
  connect(change?: Partial<GithubOptions>): Forge;
}

/** At its end everything it was asked and answered has fitted GitHub's description. */
export async function startGithub(options: GithubDoubleOptions = {}): Promise<Github> {
  const started = await startGithubDouble(options);
  const double: GithubDouble = {
    ...started,
    async close() {
      await started.close();
      expect(started.problems).toEqual([]);
      expect(started.unspent()).toEqual([]);
    },
  };
  const waits: number[] = [];
  const connect = (change: Partial<GithubOptions> = {}) =>
    createGithubForge({
      ...{ apiUrl: double.url, owner: OWNER, repository: REPOSITORY, branch: BRANCH, credential: AS_APP },
      ...{ requestMsMax: 5000, wait: async (ms: number) => void waits.push(ms) },
      ...change,
    });
  return { double, waits, connect };
}

export async function failure(promise: Promise<unknown>): Promise<ForgeError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ForgeError);
  return error as ForgeError;
}
