// What GitHub tells its webhooks of: the events that a reconciler may listen to.
import type { KeptPull } from './github-state.fixture.ts';

export type GithubEvent =
  | { kind: 'pull_request'; action: 'opened' | 'closed'; pull: KeptPull }
  /** `before`: the head until now. */
  | { kind: 'pull_request'; action: 'synchronize'; pull: KeptPull; before: string }
  | { kind: 'push'; ref: string; before: string; after: string };
