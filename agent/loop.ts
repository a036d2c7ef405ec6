// When a node acts: at boot it serves its last known good, then it follows the control plane by long poll, heals what drifts,
// and reports. Everything that changes the machine goes through one queue, so steps never interleave.
import { setTimeout as delay } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Enrolment, NodeState, StatusReport } from '../bundle/api.ts';
import type { EdgeConfig } from '../bundle/config.ts';
import type { Certificates } from './certificates.ts';
import { converge, enact, type Machine, type Outcome } from './converge.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { VerifiedBundle } from './ports/state.ts';

const LONG_POLL_SECONDS = 50;
const HEARTBEAT_MS = 20_000;
/** How soon a killed tunnel or web server is noticed. */
const WATCH_MS = 1_000;
/** DESIGN §8: managed files are looked at every 60 s. */
const DRIFT_EVERY = 60;
/** How often a change of the node by itself is looked for. */
const REVISION_MS = 250;
/** What the machine could not do is tried again every 10 s. */
const AGAIN_EVERY = 10;
const RETRY_MS_MAX = 10_000;

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface Agent {
  version: string;
  machine: Machine;
  control: ControlPlane;
  /** Edges only. */
  certificates?: Certificates;
  enrolment(): Promise<Enrolment>;
  /** Differs when the enrolment or the certificates differ; cheap. */
  revision(): string;
  log: Log;
}

/** What the node knows of itself now; the body of every status report. */
interface Self {
  state: NodeState;
  running?: VerifiedBundle;
  offered?: string;
  lkg?: string;
  etag?: string | undefined;
  /** The last bundle lacked a part that was thought to be here: ask for all of it, once. */
  everything?: boolean;
  error?: StatusReport['error'];
  /** A good bundle that the machine could not carry out. */
  again?: VerifiedBundle | undefined;
}

/** Follows the control plane until `signal` aborts. The web server and the tunnel outlive it. */
export async function followControlPlane(agent: Agent, signal: AbortSignal): Promise<void> {
  const self: Self = { state: 'waiting' };
  const queue = new PQueue({ concurrency: 1 });
  await queue.add(() => boot(self, agent));
  const tasks = [follow(self, agent, queue, signal), watch(self, agent, queue, signal), beat(self, agent, signal)];
  if (agent.certificates) tasks.push(agent.certificates.run(signal));
  await Promise.all(tasks);
}

/** One pull, one convergence, one report. */
export async function convergeOnce(agent: Agent): Promise<Outcome | { kind: 'unchanged' } | { kind: 'unavailable'; message: string }> {
  const self: Self = { state: 'waiting' };
  await boot(self, agent);
  const result = await pull(self, agent, 0, undefined, (action) => action());
  await report(self, agent);
  return result;
}

/** Serves the last known good before anything else: a reboot without control plane is not an outage. */
async function boot(self: Self, agent: Agent): Promise<void> {
  const lkg = await agent.machine.trusted.lastKnownGood();
  if (!lkg) return;
  const outcome = await enact(lkg, undefined, agent.machine);
  settle(self, agent, outcome);
  agent.log.info({ outcome: outcome.kind, hash: lkg.configHash }, 'serving the last known good configuration');
}

async function follow(self: Self, agent: Agent, queue: PQueue, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const result = await pull(self, agent, LONG_POLL_SECONDS, signal, (action) => queue.add(action));
    if (signal.aborted) return;
    if (result.kind === 'unavailable') {
      failures += 1;
      await pause(Math.min(RETRY_MS_MAX, 250 * 2 ** Math.min(failures, 6)) * (0.5 + Math.random() / 2), signal);
      continue;
    }
    failures = 0;
    if (result.kind !== 'unchanged') await report(self, agent);
  }
}

type Exclusively = (action: () => Promise<Outcome>) => Promise<Outcome>;

async function pull(self: Self, agent: Agent, waitSeconds: number, signal: AbortSignal | undefined, exclusively: Exclusively) {
  const { trusted } = agent.machine;
  const have = self.everything ? undefined : self.running?.configHash;
  const offer = await agent.control.offer(
    { root: await trusted.rootVersion(), waitSeconds, ...(have && { have }), ...(self.etag && { etag: self.etag }) },
    signal,
  );
  if (offer.kind === 'unchanged') return offer;
  if (offer.kind !== 'bundle') {
    if (!signal?.aborted) agent.log.warn({ reason: offer.kind }, offer.message);
    return { kind: 'unavailable' as const, message: offer.message };
  }
  const outcome = await exclusively(() => converge(offer.bundle, self.running, agent.machine));
  const incomplete = outcome.kind === 'refused' && outcome.code === 'missing_file';
  self.everything = incomplete && !self.everything;
  self.etag = self.everything ? undefined : offer.etag;
  settle(self, agent, outcome);
  return outcome;
}

function settle(self: Self, agent: Agent, outcome: Outcome): void {
  self.again = outcome.kind === 'applied' ? undefined : outcome.again;
  if (outcome.kind === 'applied') {
    const changed = self.running?.configHash !== outcome.bundle.configHash || self.state !== 'applied';
    self.running = outcome.bundle;
    self.offered = outcome.bundle.configHash;
    self.lkg = outcome.bundle.configHash;
    self.state = 'applied';
    delete self.error;
    if (agent.certificates && outcome.bundle.config.role === 'edge') {
      agent.certificates.configure(outcome.bundle.config as EdgeConfig, outcome.bundle.chunks);
    }
    if (changed) agent.log.info({ hash: outcome.bundle.configHash, version: outcome.bundle.version }, 'applied');
    return;
  }
  self.state = outcome.kind;
  if (outcome.hash) self.offered = outcome.hash;
  self.error = { stage: outcome.stage, code: outcome.code, detail: outcome.detail.slice(0, 1000) };
  agent.log.warn({ ...self.error, hash: outcome.hash }, outcome.kind);
}

/** Restores a killed tunnel or web server within a second or two, and managed files within a minute. */
async function watch(self: Self, agent: Agent, queue: PQueue, signal: AbortSignal): Promise<void> {
  for (let tick = 1; !signal.aborted; tick += 1) {
    await pause(WATCH_MS, signal);
    const { running, again } = self;
    if (queue.size > 0 || queue.pending > 0) continue;
    if (again && tick % AGAIN_EVERY === 0) {
      settle(self, agent, (await queue.add(() => enact(again, running, agent.machine)))!);
      await report(self, agent);
    }
    if (!running) continue;
    try {
      await queue.add(() => restore(running, agent, tick % DRIFT_EVERY === 0));
    } catch (error) {
      agent.log.warn({ reason: String(error) }, 'could not restore the node; will try again');
    }
  }
}

async function restore(running: VerifiedBundle, agent: Agent, files: boolean): Promise<void> {
  const { network, edge } = agent.machine;
  const done = await network.apply(running.config);
  if (done.length > 0) agent.log.warn({ done }, 'the network had changed under the agent; restored');
  if (files) await network.restoreFilter();
  if (!edge || running.config.role !== 'edge') return;
  if (!(await edge.web.running())) {
    agent.log.warn({}, 'the web server was gone; starting it');
    await edge.web.reload();
  }
  if (files && !(await edge.releases.intact())) {
    agent.log.warn({}, 'managed files were changed by somebody else; writing them again');
    await enact(running, running, agent.machine);
  }
}

/** Reports at least every 20 s, and soon after something about the node changed by itself. */
async function beat(self: Self, agent: Agent, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await report(self, agent);
    const reported = agent.revision();
    const until = performance.now() + HEARTBEAT_MS;
    while (!signal.aborted && performance.now() < until && agent.revision() === reported) await pause(REVISION_MS, signal);
  }
}

async function report(self: Self, agent: Agent): Promise<void> {
  const status = agent.certificates?.status();
  const sent = await agent.control.report({
    agentVersion: agent.version,
    state: self.state,
    ...(self.offered && { offered: self.offered }),
    ...(self.running && { applied: self.running.configHash }),
    ...(self.lkg && { lkg: self.lkg }),
    ...(self.error && { error: self.error }),
    ...status,
    enrolment: await agent.enrolment(),
  });
  if (sent.kind === 'answered' && !sent.answer.bound) {
    agent.log.warn({ reason: sent.answer.reason }, 'the control plane did not accept what this node announced');
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
