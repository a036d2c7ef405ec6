// A node at work: what it is made of, what it knows of itself now, and how the end of a convergence changes that.
import type { Enrolment, NodeState, Restored } from '../bundle/api.ts';
import type { Failure } from './attempt.ts';
import { type Bell, createBell } from './bell.ts';
import type { Certificates } from './certificates.ts';
import type { Applied, Machine, Made, Outcome, Refused, RolledBack, ServedBundle } from './converge.ts';
import type { DeadTunnels } from './dead-tunnels.ts';
import type { KeyRotation } from './key-rotation.ts';
import { createNews, type Log, type News } from './news.ts';
import { doubled, type Pace } from './pace.ts';
import type { PeerKeys } from './peer-keys.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { Standing, StandingStore } from './ports/standing-store.ts';
import type { VerifiedBundle } from './ports/state.ts';
import type { TunnelState } from './ports/tunnel.ts';
import type { UsersFiles } from './users-files.ts';
import type { Visits } from './visits.ts';

export interface Agent {
  version: string;
  machine: Machine;
  control: ControlPlane;
  certificates: Certificates;
  users: Pick<UsersFiles, 'configure' | 'run' | 'status'>;
  visits: Pick<Visits, 'configure' | 'run' | 'answers'>;
  standing: StandingStore;
  /** Absent where origins are reached without a tunnel. The last reading; nothing is read now. */
  tunnel?(): TunnelState | undefined;
  /** Absent where `tunnel` is. */
  deadTunnels?: DeadTunnels;
  /** Absent where `tunnel` is. */
  keyRotation?: KeyRotation;
  /** Absent where `tunnel` is. */
  peerKeys?: PeerKeys;
  enrolment(): Promise<Enrolment>;
  /** The applied configuration says where the control plane is from now on. */
  controlPlaneAt(urls: readonly string[]): void;
  /** Differs when the enrolment, the certificates or the answers differ; cheap. */
  revision(): string;
  log: Log;
  pace: Pace;
}

export interface Self {
  /** What the node serves. */
  running?: ServedBundle;
  /** Config hashes. */
  offered?: string;
  lkg?: string;
  /** What was made of what runs. */
  made: Made;
  /** What was said of it last. */
  toldOf?: Made;
  /** Why the newest offer is not what runs. */
  refusal?: Refused | RolledBack;
  /** Why what runs is not yet the last known good. */
  unsaved?: Failure;
  /** What of ours is missing although the configuration was applied. */
  missing?: Failure;
  /** What somebody else had changed, and was restored last. */
  restored?: Restored;
  /** Why the time of this machine cannot be right. */
  clock?: Failure & { state: string };
  /** A good bundle that the machine could not carry out. `at`: ms of performance.now(). */
  again?: { bundle: VerifiedBundle; at: number; tries: number };
  /** How it stood when somebody looked last. */
  standing?: Standing;
  /** How it stood before the agent was started, until it stands somewhere again. */
  before?: Pick<Standing, 'state' | 'since'>;
  /** What is on the disk about that, as text. */
  kept?: string;
  /** The last poll brought no answer. */
  unheard: boolean;
  converging: boolean;
  /** Grows with everything that is worth a report; `changed` does it. */
  changes: number;
  bell: Bell;
  news: News;
}

export function createSelf(log: Log): Self {
  const [bell, news] = [createBell(), createNews(log)];
  return {
    made: { release: undefined, unserved: [], portsLacking: [], leftOut: [] },
    unheard: false,
    converging: false,
    changes: 0,
    bell,
    news,
  };
}

/** Something is worth a report now. */
export function changed(self: Self): void {
  self.changes += 1;
  self.bell.ring();
}

/** `isTroubled`: something of what was applied is not served, or not kept. */
export function stateOf(self: Self, nowMs: number, isTroubled: boolean): NodeState {
  if (self.converging) return 'converging';
  if (self.running && isStale(self, nowMs)) return 'stale';
  if (self.refusal) return self.refusal.kind;
  if (!self.running) return 'waiting';
  return isTroubled ? 'degraded' : 'applied';
}

/** The control plane is silent for so long that its last word has expired. What runs is served for ever. */
export function isStale({ running, unheard }: Self, nowMs: number): boolean {
  return unheard && running !== undefined && nowMs > running.timestampExpiresMs;
}

/** Learns how a convergence ended. */
export function settle(self: Self, agent: Agent, outcome: Outcome): void {
  changed(self);
  if (outcome.kind === 'applied') settleApplied(self, agent, outcome);
  else settleFailure(self, agent, outcome);
}

function settleApplied(self: Self, agent: Agent, outcome: Applied): void {
  const { bundle, made, unsaved } = outcome;
  const isStart = self.running === undefined && self.lkg !== undefined;
  const isNews = self.running?.configHash !== bundle.configHash || self.refusal !== undefined;
  self.running = bundle;
  self.offered = bundle.configHash;
  delete self.refusal;
  delete self.again;
  if (made) {
    self.made = made;
    tellPorts(self, made);
    if (unsaved) self.unsaved = unsaved;
    else remembered(self);
  }
  const { config, chunks } = bundle;
  agent.controlPlaneAt(config.controlPlane.urls);
  if (config.role === 'edge') {
    agent.certificates.configure(config, chunks);
    agent.users.configure(chunks);
    agent.visits.configure(chunks, isStart);
  }
  if (isNews) agent.log.info({ hash: bundle.configHash, version: bundle.version }, 'applied');
  if (unsaved) self.news.trouble('unsaved', unsaved.code, told(unsaved), 'not kept as the last known good');
}

function tellPorts({ news }: Self, { portsLacking }: Made): void {
  if (portsLacking.length === 0) {
    news.over('ports', 'every public port is served');
    return;
  }
  const fields = {
    ports: portsLacking.slice(0, PORTS_TOLD_MAX),
    todo: 'free the port, or install libnginx-mod-stream',
  };
  news.trouble('ports', portsLacking.join(), fields, 'a public port is not served');
}

const PORTS_TOLD_MAX = 20;

/** What runs is the last known good from now on. */
export function remembered(self: Self): void {
  if (self.running) self.lkg = self.running.configHash;
  delete self.unsaved;
  self.news.over('unsaved', 'kept as the last known good');
}

function settleFailure(self: Self, { log, pace }: Agent, outcome: Refused | RolledBack): void {
  const { bundle } = outcome;
  const same =
    self.refusal?.bundle === bundle && self.refusal?.stage === outcome.stage && self.refusal.code === outcome.code;
  self.refusal = outcome;
  if (bundle) self.offered = bundle.configHash;
  if (outcome.kind === 'rolled_back' && outcome.stranded) self.missing = outcome.stranded;
  if (!same) log.warn({ ...told(outcome), hash: bundle?.configHash }, outcome.kind);
  // An offer that does not verify says nothing about the bundle that is to be tried again.
  if (!bundle) return;
  const tries = same ? (self.again?.tries ?? 0) + 1 : 1;
  // What was good once is not to blame: whatever stands in its way now may pass.
  const fault = bundle.configHash === self.lkg ? 'machine' : outcome.fault;
  if (fault === 'bundle') delete self.again;
  else self.again = { bundle, tries, at: performance.now() + doubled(pace.againMs, pace.againMsMax, tries) };
}

/** A failure as a report and a log line carry it. */
export function told({ stage, code, detail }: Failure): { stage: string; code: string; detail: string } {
  return { stage, code, detail };
}
