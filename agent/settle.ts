// How the end of a convergence changes what a node knows of itself. Law: what was good once is not to blame, and what failed by its own fault is
// condemned until something is applied.
import { type Agent, changed, type Self, told } from './agent.ts';
import type { Applied, Made, Outcome, Refused, RolledBack } from './converge-outcome.ts';
import { doubled } from './pace.ts';

const PORTS_TOLD_MAX = 20;

/** Learns how a convergence ended. */
export function settle(self: Self, agent: Agent, outcome: Outcome): void {
  changed(self);
  if (outcome.kind === 'applied') settleApplied(self, agent, outcome);
  else settleFailure(self, agent, outcome);
}

function settleApplied(self: Self, agent: Agent, outcome: Applied): void {
  const { bundle, made, unsaved } = outcome;
  const isStart = self.running === undefined && self.lkg !== undefined;
  const isOver = self.refusals.over() && self.refusal !== undefined;
  const isNews = self.running?.configHash !== bundle.configHash || isOver;
  self.running = bundle;
  self.offered = bundle.configHash;
  delete self.refusal;
  delete self.condemned;
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
    agent.peerChecks.configure(config);
    agent.backendChecks.configure(config, chunks);
  } else agent.scriptChecks.configure(config);
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

/** What runs is the last known good from now on. */
export function remembered(self: Self): void {
  if (self.running) self.lkg = self.running.configHash;
  delete self.unsaved;
  self.news.over('unsaved', 'kept as the last known good');
}

function settleFailure(self: Self, { pace }: Agent, outcome: Refused | RolledBack): void {
  const { bundle } = outcome;
  const hash = bundle?.configHash ?? (outcome.kind === 'refused' ? outcome.configHash : undefined);
  const same =
    self.refusal?.bundle === bundle && self.refusal?.stage === outcome.stage && self.refusal.code === outcome.code;
  self.refusal = outcome;
  if (hash !== undefined) self.offered = hash;
  if (outcome.kind === 'rolled_back' && outcome.stranded) self.missing = outcome.stranded;
  tellRefusal(self, outcome, hash);
  // An offer that does not verify says nothing about the bundle that is to be tried again.
  if (!bundle) return;
  const tries = same ? (self.again?.tries ?? 0) + 1 : 1;
  // What was good once is not to blame: whatever stands in its way now may pass.
  const fault = bundle.configHash === self.lkg ? 'machine' : outcome.fault;
  if (fault === 'bundle') {
    self.condemned = outcome;
    delete self.again;
  } else self.again = { bundle, tries, at: performance.now() + doubled(pace.againMs, pace.againMsMax, tries) };
}

/** What an earlier run of the agent condemned was said then. */
function tellRefusal({ refusals }: Self, outcome: Refused | RolledBack, hash: string | undefined): void {
  const { kind, stage, code, judgedBy, remembered } = outcome;
  if (remembered !== undefined) return;
  refusals.refused([kind, stage, code, hash, judgedBy].join(), { ...told(outcome), hash }, kind);
}
