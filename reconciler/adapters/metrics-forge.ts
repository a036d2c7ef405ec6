// What Prometheus may know of the talk with the forge: how much of it, and how it goes.
import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';

export interface ForgeMetrics {
  /** What became of one attempt to say something. */
  said(kind: string, result: string): void;
  /** Read when somebody scrapes: how much waits to be said. */
  observeWaiting(count: () => number): void;
  openPullRequests(count: number): void;
  pullRequestJudged(result: string, seconds: number): void;
  /** A program of a team asked for a change; `outcome` is opened, known, unchanged or an error code. */
  proposal(method: string, outcome: string): void;
  /** How many merges are followed now. */
  following(count: number): void;
  /** A merge went live everywhere, so long after it was seen. */
  mergeLive(seconds: number): void;
}

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const MERGE_SECONDS = [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

export function createForgeMetrics(registry: Registry): ForgeMetrics {
  const registers = [registry];
  let waiting = () => 0;
  const said = new Counter({
    name: 'kokoa_forge_sayings_total',
    help: 'What was to be said on the forge, by kind and by what became of it.',
    labelNames: ['kind', 'result'],
    registers,
  });
  new Gauge({
    name: 'kokoa_forge_sayings_waiting',
    help: 'What waits to be said on the forge.',
    registers,
    collect() {
      this.set(waiting());
    },
  });
  const open = new Gauge({ name: 'kokoa_pull_requests_open', help: 'Open pull requests.', registers });
  const judged = new Histogram({
    name: 'kokoa_pull_request_judge_seconds',
    help: 'Duration from fetching a pull request to its plan.',
    labelNames: ['result'],
    buckets: SECONDS,
    registers,
  });
  const proposals = new Counter({
    name: 'kokoa_route_proposals_total',
    help: 'Changes of routes that programs of teams asked for.',
    labelNames: ['method', 'outcome'],
    registers,
  });
  const followed = new Gauge({
    name: 'kokoa_followed_merges',
    help: 'Merges that are not yet answered for by every edge.',
    registers,
  });
  const live = new Histogram({
    name: 'kokoa_merge_live_seconds',
    help: 'From seeing a merge to the answer of every edge, where all answered.',
    buckets: MERGE_SECONDS,
    registers,
  });
  return {
    said: (kind, result) => said.inc({ kind, result }),
    observeWaiting(count) {
      waiting = count;
    },
    openPullRequests: (count) => open.set(count),
    pullRequestJudged: (result, seconds) => judged.observe({ result }, seconds),
    proposal: (method, outcome) => proposals.inc({ method, outcome }),
    following: (count) => followed.set(count),
    mergeLive: (seconds) => live.observe(seconds),
  };
}
