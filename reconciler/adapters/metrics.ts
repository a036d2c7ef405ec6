// What Prometheus may know: numbers with few labels. No hostname, no token and no path with a name in it is ever a label; of registered
// domains, of which an installation has few, the fullest are.
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { OrderOutcome } from '../../bundle/api.ts';
import type { Rollout } from '../core/rollout/rollout.ts';
import type { LocalRestriction } from '../ports/restrictions.ts';
import { createForgeMetrics, type ForgeMetrics } from './metrics-forge.ts';
import { createNodeMetrics, type NodeFacts } from './metrics-nodes.ts';
import { createNoticeMetrics, type NoticeMetrics } from './metrics-notices.ts';
import { createOrderMetrics } from './metrics-orders.ts';
import { createVisitorMetrics, type VisitorMetrics, type VisitorSources } from './metrics-visitors.ts';

/** All are there from the start, at 0: of a counter that begins with 1 nobody sees the first one. */
const WEBHOOK_RESULTS = ['push', 'pull_request', 'ignored', 'refused', 'too_large'] as const;

export type WebhookResult = (typeof WEBHOOK_RESULTS)[number];

export interface Metrics {
  /** One run of the loop; `outcome` is published, unchanged, held or an error code. */
  reconciled(outcome: string, seconds: number): void;
  /** One step of a run. */
  step(step: string, seconds: number): void;
  published(sequence: number): void;
  held(held: boolean): void;
  /** Settings on their way; undefined: everybody has the same. */
  rollout(rollout: Pick<Rollout, 'wave' | 'stopped'> | undefined): void;
  hosts(count: number): void;
  /** The state of each restriction that operators made on this machine and that is in force. */
  restrictions(states: readonly LocalRestriction['state'][]): void;
  /** References that could not be resolved. */
  unusableSecrets(count: number): void;
  webhook(result: WebhookResult): void;
  /** An order of a certificate began, was refused, or ended so. */
  order(event: 'begun' | 'refused' | OrderOutcome): void;
  /** A report under a node's token that is not taken for the node's. */
  refusedAnnouncement(): void;
  /** `route` is the pattern, not the path. */
  request(route: string, code: number): void;
  forge: ForgeMetrics;
  visitors: VisitorMetrics;
  notices: NoticeMetrics;
  /** Read when somebody scrapes. */
  observe(sources: MetricSources): void;
  text(): Promise<{ contentType: string; body: string }>;
}

export interface MetricSources {
  longPolls(): number;
  /** Nodes under whose token an announcement was refused within the hour. */
  refusedNodes(): number;
  /** State → how many. */
  nodeStates(): Map<string, number>;
  /** Node → seconds. */
  lastSeenAges(): Map<string, number>;
  nodes(): readonly NodeFacts[];
  /** Of edges that count as silent. */
  silentEdges(): number;
  /** Registered domain → names that may still get their first certificate this week. */
  newNamesLeft(): Promise<ReadonlyMap<string, number>>;
  /** The newest root; 0: none yet. */
  rootVersion(): number;
  /** Absent: nothing is known of DNS here. */
  visitors?: VisitorSources | undefined;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  let sources: MetricSources | undefined;
  const reconciles = new Counter({
    name: 'kokoa_reconciles_total',
    help: 'Runs of the reconcile loop.',
    labelNames: ['outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'kokoa_reconcile_duration_seconds',
    help: 'Duration of a run.',
    buckets: SECONDS,
    registers,
  });
  const steps = new Histogram({
    name: 'kokoa_reconcile_step_seconds',
    help: 'Duration of a step of a run.',
    labelNames: ['step'],
    buckets: SECONDS,
    registers,
  });
  const sequence = new Gauge({
    name: 'kokoa_published_sequence',
    help: 'Number of the newest publication.',
    registers,
  });
  const held = new Gauge({ name: 'kokoa_held', help: '1 while the newest commit is held back.', registers });
  const rolloutWave = new Gauge({
    name: 'kokoa_rollout_wave',
    help: 'The newest wave that has new settings, from 1 on; 0 while everybody has the same.',
    registers,
  });
  const rolloutStopped = new Gauge({
    name: 'kokoa_rollout_stopped',
    help: '1 while an edge refuses new settings and the others wait.',
    registers,
  });
  const hosts = new Gauge({ name: 'kokoa_hosts', help: 'Hostnames that are live.', registers });
  const restrictions = new Gauge({
    name: 'kokoa_restrictions',
    help: 'Nodes that operators restricted on this machine, without git.',
    labelNames: ['state'],
    registers,
  });
  const secrets = new Gauge({
    name: 'kokoa_unusable_secrets',
    help: 'Secret references that could not be resolved.',
    registers,
  });
  const webhooks = new Counter({
    name: 'kokoa_webhooks_total',
    help: 'Webhook deliveries.',
    labelNames: ['result'],
    registers,
  });
  for (const result of WEBHOOK_RESULTS) webhooks.inc({ result }, 0);
  const requests = new Counter({
    name: 'kokoa_http_requests_total',
    help: 'HTTP requests answered.',
    labelNames: ['route', 'code'],
    registers,
  });
  const orders = createOrderMetrics(registry, () => sources);
  const refusedAnnouncements = new Counter({
    name: 'kokoa_refused_announcements_total',
    help: 'Reports under the token of a node that were not taken for its own.',
    registers,
  });
  new Gauge({
    name: 'kokoa_nodes_with_refused_announcement',
    help: 'Nodes under whose token an announcement was refused within the last hour.',
    registers,
    collect() {
      this.set(sources?.refusedNodes() ?? 0);
    },
  });
  new Gauge({
    name: 'kokoa_long_polls_open',
    help: 'Requests that wait for a change.',
    registers,
    collect() {
      this.set(sources?.longPolls() ?? 0);
    },
  });
  new Gauge({
    name: 'kokoa_nodes',
    help: 'Nodes by the state they report.',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset();
      for (const [state, count] of sources?.nodeStates() ?? []) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'kokoa_node_last_seen_age_seconds',
    help: 'Time since a node was heard of.',
    labelNames: ['node'],
    registers,
    collect() {
      this.reset();
      for (const [node, age] of sources?.lastSeenAges() ?? []) this.set({ node }, age);
    },
  });
  new Gauge({
    name: 'kokoa_root_version',
    help: 'The newest root of the keys that everything is signed under.',
    registers,
    collect() {
      this.set(sources?.rootVersion() ?? 0);
    },
  });
  createNodeMetrics(registry, () => sources?.nodes() ?? []);
  return {
    reconciled(outcome, seconds) {
      reconciles.inc({ outcome });
      durations.observe(seconds);
    },
    step: (step, seconds) => steps.observe({ step }, seconds),
    published: (number) => sequence.set(number),
    held: (isHeld) => held.set(isHeld ? 1 : 0),
    rollout(rollout) {
      rolloutWave.set(rollout === undefined ? 0 : rollout.wave + 1);
      rolloutStopped.set(rollout?.stopped === undefined ? 0 : 1);
    },
    hosts: (count) => hosts.set(count),
    restrictions(states) {
      for (const state of ['suspended', 'revoked'] as const)
        restrictions.set({ state }, states.filter((one) => one === state).length);
    },
    unusableSecrets: (count) => secrets.set(count),
    webhook: (result) => webhooks.inc({ result }),
    order: orders.order,
    refusedAnnouncement: () => refusedAnnouncements.inc(),
    request: (route, code) => requests.inc({ route, code }),
    forge: createForgeMetrics(registry),
    notices: createNoticeMetrics(registry),
    visitors: createVisitorMetrics(registry, () => sources?.visitors),
    observe(from) {
      sources = from;
    },
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}
