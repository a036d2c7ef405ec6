// What a scene asks of the lab's GitHub: what people do on its pages, and what stands there. The same on both sides of its socket.

import type { OperationName } from '../reconciler/adapters/github-description.fixture.ts';
import type { Opening } from '../reconciler/adapters/github-people.fixture.ts';
import type { GithubState } from '../reconciler/adapters/github-state.fixture.ts';
import type { RepositoryNames } from './git-webhook.ts';

export interface GithubCalls {
  /** Answers its number. */
  openPull(opening: Opening): Promise<number>;
  /** Somebody pushed to the branch of a pull request. */
  pushed(number: number): Promise<void>;
  /** Answers the commit that main is then. */
  merge(number: number, how: 'merge' | 'squash'): Promise<string>;
  close(number: number): Promise<void>;
  /** From now on the API answers 503 to everything, or works again. Git goes on. */
  setOutage(isDown: boolean): Promise<void>;
  /** From now on webhooks are lost, or sent again. */
  loseWebhooks(lose: boolean): Promise<void>;
  said(): Promise<Said>;
}

/** What stands on GitHub's pages, each list oldest first. */
export interface Said extends Pick<GithubState, 'comments' | 'checkRuns' | 'statuses' | 'deployments'> {
  /** Names of the requests, in order. */
  asked: readonly OperationName[];
  /** How many of them wanted to change something. */
  changes: number;
  /** What did not fit GitHub's own description of its API. */
  problems: string[];
}

/** What the program reads at its start, from a file of mode 0600. */
export interface GithubServerConfig extends RepositoryNames {
  address: string;
  port: number;
  /** Without: plain HTTP. */
  certFile?: string;
  keyFile?: string;
  basePath: string;
  /** Absolute path of the bare repository. */
  repository: string;
  /** Written at the start: the private key of the App, PEM. */
  appKeyFile: string;
  /** Where scenes ask; no other user may. */
  socket: string;
  webhook: { url: string; secret: string };
}
