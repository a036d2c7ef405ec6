// The half of the reconciler that talks on the forge, wired. Nothing is decided here, and nothing of it is needed for an edge to go on.

import type { Log } from '../adapters/log.ts';
import type { Metrics } from '../adapters/metrics.ts';
import type { Forge } from '../ports/forge.ts';
import type { PullSource } from '../ports/pull-source.ts';
import type { Store } from '../ports/store.ts';
import { NOTHING_YET, type Standing } from '../standing.ts';
import { createAfterMerge } from './after-merge.ts';
import type { CommitSource } from './after-merge-commits.ts';
import type { ReportsOfNodes } from './after-merge-fleet.ts';
import { createPullRequests } from './pull-requests.ts';
import { createSayings } from './sayings.ts';

export interface SpeakingDeps {
  forge: Forge;
  /** The followed branch, and what is proposed to it. */
  source: CommitSource;
  pulls: PullSource;
  reports: ReportsOfNodes;
  store: Store;
  branch: string;
  pollMs: number;
  clock(): Date;
  log: Log;
  metrics: Pick<Metrics, 'forge'>;
}

export interface Speaking {
  /** Something happened to a pull request. Cheap: it only marks. */
  pullRequest(): void;
  /** A node said how it is. Cheap: it only marks. */
  reported(): void;
  /** A run of the loop left this. Cheap: it only marks. */
  moved(standing: Standing): void;
  /** Talks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createSpeaking(deps: SpeakingDeps): Speaking {
  const { forge, source, pulls, reports, store, branch, pollMs, clock, log } = deps;
  const metrics = deps.metrics.forge;
  let standing = NOTHING_YET;
  const sayings = createSayings({ forge, log, counted: metrics.said });
  metrics.observeWaiting(() => sayings.waiting);
  const afterMerge = createAfterMerge({
    ...{ forge, source, sayings, reports, clock, log, metrics },
    standing: () => standing,
  });
  const pullRequests = createPullRequests({
    ...{ forge, source: pulls, store, branch, sayings, pollMs, log },
    now: clock,
    standing: () => standing,
    isFollowed: (number) => afterMerge.isFollowed(number),
    judged: metrics.pullRequestJudged,
    open: metrics.openPullRequests,
  });
  return {
    pullRequest: () => pullRequests.dirty(),
    moved(next) {
      standing = next;
      afterMerge.moved();
      pullRequests.moved();
    },
    reported: () => afterMerge.reported(),
    async run(signal) {
      try {
        await Promise.all([afterMerge.run(signal), pullRequests.run(signal)]);
      } catch (error) {
        // A mistake of ours: what is published goes on without words.
        log.error({ error }, 'the talk with the forge ended; a restart begins it again');
      }
      sayings.close();
      forge.close();
    },
  };
}
