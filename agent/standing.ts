// How a node stands: one state, since when, and the first reason. Law: it is worked out of what is true now, so that report, disk and
// status never disagree; and a transition is written once.
import type { NodeState } from '../bundle/api.ts';
import { type Agent, type Self, stateOf } from './agent.ts';
import type { Failure, Stage } from './attempt.ts';
import { hashOf } from './converge-outcome.ts';
import { isHost } from './core/left-out.ts';
import { reasonOf } from './core/mistake.ts';
import { peersLeftOut } from './core/tunnel-plan.ts';
import { pause } from './follow.ts';
import {
  BACKENDS_KEPT_MAX,
  type Condemned,
  type KeptStanding,
  LEFT_OUT_KEPT_MAX,
  type Standing,
  UNOBTAINED_KEPT_MAX,
} from './ports/standing-store.ts';

const DETAIL_CHARACTERS_MAX = 1_000;

/** Looks at the node, and remembers since when it stands so. */
export function standingOf(self: Self, agent: Agent): Standing {
  const nowMs = agent.machine.now();
  const troubles = troublesOf(self, agent);
  const state = stateOf(self, nowMs, troubles.length > 0);
  const reason = reasonFor(self, state, troubles);
  const since = self.standing?.state === state ? self.standing.since : sinceOf(state, self, nowMs);
  self.standing = { state, since, ...(reason !== undefined && { reason }) };
  return self.standing;
}

/** A node that comes back to the state it was in before a restart has been in it all along. */
function sinceOf(state: NodeState, self: Self, nowMs: number): string {
  const { before } = self;
  if (state !== 'waiting' && state !== 'converging') delete self.before;
  return before?.state === state ? before.since : new Date(nowMs).toISOString();
}

/** Why a configuration that was applied is not served whole, one line each. */
export function troublesOf(self: Self, agent: Agent): string[] {
  const { running, made } = self;
  if (!running) return [];
  const failures = [self.missing, self.unsaved, self.clock].flatMap((failure) => (failure ? [lineOf(failure)] : []));
  const peers = peersLeftOut(running.config, agent.tunnel?.()?.publicKey);
  const broken = running.config.role === 'edge' ? agent.certificates.broken() : [];
  return [
    ...failures,
    ...made.leftOut.slice(0, LEFT_OUT_KEPT_MAX).map(({ name, reason }) => `${name}: ${reason}`),
    ...peers.map(({ node, reason }) => `peer ${node}: ${reason}`),
    ...broken.map(({ hostname, reason }) => `${hostname}: ${reason}`),
  ].map(reasonOf);
}

function reasonFor(self: Self, state: NodeState, [trouble]: readonly string[]): string | undefined {
  if (state === 'stale') return 'no word of the control plane is good any more; serving on';
  if (self.refusal && (state === 'refused' || state === 'rolled_back')) return reasonOf(lineOf(self.refusal));
  return state === 'degraded' ? trouble : undefined;
}

function lineOf({ stage, code, detail }: Failure): string {
  return `${code} (${stage}): ${detail}`;
}

/** Writes every transition down until `signal` aborts. Never throws. */
export async function keepStanding(self: Self, agent: Agent, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await writeStanding(self, agent);
    tell(self, agent);
    await pause(agent.pace.revisionMs, signal);
  }
}

/** What is on its way to somewhere is not worth a write. */
export async function writeStanding(self: Self, agent: Agent): Promise<void> {
  const standing = standingOf(self, agent);
  if (standing.state === 'converging' || (standing.state === 'waiting' && self.before)) return;
  const kept = keptOf(self, agent, standing);
  const text = JSON.stringify(kept);
  if (text === self.kept) return;
  try {
    await agent.standing.write(kept);
    self.kept = text;
    self.news.over('standing', 'the state is kept again');
  } catch (error) {
    const reason = reasonOf((error as Error).message);
    self.news.trouble('standing', 'unwritable', { reason }, 'the state cannot be kept for status and a restart');
  }
}

function keptOf(self: Self, agent: Agent, standing: Standing): KeptStanding {
  const condemned = condemnedBy(self);
  const leftOut = self.made.leftOut.slice(0, LEFT_OUT_KEPT_MAX).map(({ name, reason }) => ({ name, reason }));
  const { restored, unbound, silence } = self;
  const isEdge = self.running?.config.role === 'edge';
  const unobtained = isEdge ? unobtainedBy(agent) : [];
  const checks = isEdge ? agent.peerChecks.views() : [];
  const down = isEdge ? agent.backendChecks.views().filter(({ up }) => !up) : [];
  const failing = isEdge ? agent.failedRequests.failing() : [];
  return {
    ...{ agentVersion: agent.version, ...standing, leftOut },
    ...(condemned && { condemned }),
    ...(restored && { restored }),
    ...(unbound !== undefined && { unbound: reasonOf(unbound) }),
    ...(silence && { unheard: silence }),
    ...(unobtained.length > 0 && { unobtained }),
    ...(checks.length > 0 && { checks }),
    ...(down.length > 0 && { backendsDown: firstOf(down) }),
    ...(failing.length > 0 && { backendsFailing: firstOf(failing) }),
  };
}

function firstOf<T>(all: readonly T[]): { count: number; first: readonly T[] } {
  return { count: all.length, first: all.slice(0, BACKENDS_KEPT_MAX) };
}

function unobtainedBy({ certificates }: Agent) {
  const first = certificates.unobtained().slice(0, UNOBTAINED_KEPT_MAX);
  return first.map(({ hostname, reason }) => ({ hostname, reason: reasonOf(reason) }));
}

/** What was good once is not to blame. */
function condemnedBy({ condemned, lkg }: Self): Condemned | undefined {
  const configHash = condemned && hashOf(condemned);
  if (!condemned || configHash === undefined || configHash === lkg) return undefined;
  const { kind, stage, code, judgedBy } = condemned;
  const detail = condemned.detail.replace(/[^ -~]+/g, ' ').slice(0, DETAIL_CHARACTERS_MAX);
  return { kind, configHash, stage, code, detail, ...(judgedBy !== undefined && { judgedBy }) };
}

/** What an earlier run of the same agent condemned is not tried again; another agent may do better. */
export async function recallStanding(self: Self, agent: Agent): Promise<void> {
  const kept = await agent.standing.read();
  if (!kept) return;
  self.before = { state: kept.state, since: kept.since };
  if (kept.restored && !self.restored) self.restored = kept.restored;
  const { condemned } = kept;
  if (!condemned || kept.agentVersion !== agent.version || self.refusal || condemned.configHash === self.lkg) return;
  const { configHash, stage, ...rest } = condemned;
  self.condemned = { ...rest, stage: stage as Stage, fault: 'bundle', remembered: configHash };
  self.refusal = self.condemned;
  self.offered = configHash;
}

/** One log line when a part is left out, and one when none is. */
function tell(self: Self, agent: Agent): void {
  const { running, made, news } = self;
  if (!running) return;
  const [first] = made.leftOut;
  if (!first) news.over('left out', 'nothing is left out any more');
  else if (self.toldOf !== made) {
    const parts = made.leftOut.map(({ name }) => name);
    const fields = { hosts: made.leftOut.filter(isHost).length, parts: parts.slice(0, 20), reason: first.reason };
    news.trouble('left out', JSON.stringify(made.leftOut), fields, 'a part of the configuration is left out');
  }
  // Looked at several times a second, and it may be long.
  self.toldOf = made;
  const [peer] = peersLeftOut(running.config, agent.tunnel?.()?.publicKey);
  if (peer) news.trouble('peers', JSON.stringify(peer), peer, 'a peer is left out');
  else news.over('peers', 'no peer is left out any more');
}
