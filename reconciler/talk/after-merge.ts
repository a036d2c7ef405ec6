// The third story of the control plane: from the merge until it is live, said on the pull request that brought it. Law: it reads what is
// known and never touches what is published; whatever the forge does, nobody waits for it; and it ends, with every answer or after an hour.
import type { Log } from '../adapters/log.ts';
import type { Desired } from '../core/desired.ts';
import type { MergeEdge } from '../core/pull-request/merge-fleet.ts';
import { progressOf } from '../core/pull-request/progress.ts';
import { progressMarkdown } from '../core/pull-request/progress-markdown.ts';
import { deploymentsOf, statusesOf } from '../core/pull-request/progress-statuses.ts';
import type { Forge } from '../ports/forge.ts';
import type { Standing } from '../standing.ts';
import { createBell } from './after-merge-bell.ts';
import { type CommitSource, newCommits, placeOf, touchedBetween } from './after-merge-commits.ts';
import { createDeployments } from './after-merge-deployments.ts';
import { commitState, defaultPoolOf, mergeEdges, mergeFleet, type ReportsOfNodes } from './after-merge-fleet.ts';
import { createFollowed, type Followed } from './after-merge-followed.ts';
import { askForPullRequests } from './after-merge-origin.ts';
import { COMMENT_KEY } from './pull-requests.ts';
import type { Sayings } from './sayings.ts';

export interface AfterMergeDeps {
  source: CommitSource;
  forge: Pick<Forge, 'mergedBy'>;
  sayings: Pick<Sayings, 'comment' | 'status' | 'deployment'>;
  /** The newest one; read, never changed. */
  standing(): Standing;
  reports: ReportsOfNodes;
  clock(): Date;
  log: Pick<Log, 'info' | 'warn'>;
  metrics: { following(count: number): void; mergeLive(seconds: number): void };
  pace?: Partial<Pace>;
}

/** All in ms. */
export interface Pace {
  /** Between two looks, however often somebody marks. */
  restMs: number;
  /** What changes by itself (an edge that falls silent, the end of patience) is seen this late. */
  lookMs: number;
  /** First pause after the forge did not say whose commit it is; the next ones are longer. */
  askAgainMs: number;
}

export interface AfterMerge {
  /** A run of the loop ended. Cheap: it only marks. */
  moved(): void;
  /** A node reported. Cheap: it only marks. */
  reported(): void;
  /** True: this half of the story speaks on the pull request. */
  isFollowed(pullRequest: number): boolean;
  /** Follows until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

const PACE: Pace = { restMs: 1000, lookMs: 30_000, askAgainMs: 2000 };
/** After a look that took long, others have much more time. */
const REST_FACTOR = 10;
const REST_MS_MAX = 10_000;
const STATES_MAX = 2;

export function createAfterMerge(deps: AfterMergeDeps): AfterMerge {
  const { source, sayings, reports, log, metrics } = deps;
  const pace = { ...PACE, ...deps.pace };
  const bell = createBell();
  const followed = createFollowed();
  const states = new Map<string, Desired>();
  const deploy = createDeployments(sayings);
  let seen: string | undefined;
  let isFailing = false;

  async function look(): Promise<void> {
    const standing = deps.standing();
    if (standing.commit === undefined) return;
    if (standing.commit !== seen) await take(standing, standing.commit);
    await joinHalves(standing);
    const state = commitState(standing);
    if (state !== undefined) for (const status of statusesOf(state)) sayings.status(status);
    const edges = mergeEdges(standing, reports);
    for (const one of followed.all()) await tell(one, standing, edges);
    followed.dropSettled();
    metrics.following(followed.all().length);
  }

  /** The branch has moved: its new commits are followed from now on. */
  async function take(standing: Standing, to: string): Promise<void> {
    states.set(to, standing.newest);
    const nowMs = deps.clock().getTime();
    for (const one of await newCommits(seen, to, source, nowMs).then((found) => found.reverse())) {
      if (followed.has(one.commit)) continue;
      const touched = await touchedBetween(one, source, states, defaultPoolOf(standing));
      followed.add({ ...one, touched, seenMs: seen === undefined ? undefined : nowMs });
    }
    seen = to;
    for (const commit of states.keys()) if (states.size > STATES_MAX) states.delete(commit);
  }

  /** Merged without a merge commit, a pull request may be several commits. */
  async function joinHalves(standing: Standing): Promise<void> {
    for (let halves = followed.halves(); halves !== undefined; halves = followed.halves()) {
      const [newer, older] = halves;
      const both = { commit: newer.commit, parent: older.parent };
      followed.join(newer, older, await touchedBetween(both, source, states, defaultPoolOf(standing)));
    }
  }

  async function tell(one: Followed, standing: Standing, edges: readonly MergeEdge[]): Promise<void> {
    if (one.progress?.isDone !== true) {
      const place = await placeOf(one, standing.commit!, standing.head?.commit, source);
      const nowMs = deps.clock().getTime();
      one.place = place;
      if (place.isPublished && one.publishedMs === undefined) one.publishedMs = nowMs;
      const fleet = mergeFleet(standing, one.touched, edges, place);
      const merge = { commit: one.commit, touched: one.touched, sinceMs: one.publishedMs ?? nowMs };
      one.progress = progressOf(merge, fleet, nowMs, one.progress);
      if (one.commit === standing.commit) deploy(deploymentsOf(one.progress));
      if (one.progress.isDone) ended(one, nowMs);
    }
    const { pullRequest, progress } = one;
    if (pullRequest === 'unknown') return;
    if (pullRequest !== undefined)
      sayings.comment({ pullRequest, key: COMMENT_KEY, markdown: progressMarkdown(progress) });
    // Whose it is may become known at any moment, also right after it was not.
    if (progress.isDone) one.isTold = true;
  }

  function ended({ commit, pullRequest, seenMs, progress }: Followed, nowMs: number): void {
    const isLive = progress?.state === 'published' && !progress.isLate;
    if (isLive && seenMs !== undefined) metrics.mergeLive((nowMs - seenMs) / 1000);
    log.info({ commit, pullRequest, isLive }, 'a merge is followed to its end');
  }

  async function lookSafely(): Promise<void> {
    try {
      await look();
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.warn({ reason: String((error as Error).message) }, 'merges cannot be followed; tried again');
      isFailing = true;
    }
  }

  return {
    moved: () => bell.ring(),
    reported() {
      if (followed.all().length > 0) bell.ring();
    },
    isFollowed: (pullRequest) => followed.all().some((one) => one.pullRequest === pullRequest),
    async run(signal) {
      const resting = createBell();
      const asking = askForPullRequests(
        { followed, forge: deps.forge, askAgainMs: pace.askAgainMs, answered: () => bell.ring() },
        signal,
      );
      while (!signal.aborted) {
        const sinceMs = deps.clock().getTime();
        await lookSafely();
        const tookMs = deps.clock().getTime() - sinceMs;
        await resting.wait(Math.max(pace.restMs, Math.min(tookMs * REST_FACTOR, REST_MS_MAX)), signal);
        await bell.wait(pace.lookMs, signal);
      }
      await asking;
    },
  };
}
