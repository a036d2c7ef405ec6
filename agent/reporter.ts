// Tells the control plane how the node is: at least every heartbeat, and soon after something changed. Law: one report at a time, so
// that an older one never overtakes a newer, and nobody waits for it.
import { BACKEND_VIEWS_MAX, type StatusAnswer } from '../bundle/api.ts';
import { type Agent, isStale, type Self, told } from './agent.ts';
import { noteDoubt } from './clock.ts';
import { composeReport, tunnelAges } from './core/status-report.ts';
import { standingOf } from './standing.ts';

/** Reports until `signal` aborts. Never throws. */
export async function keepReporting(self: Self, agent: Agent, signal: AbortSignal): Promise<void> {
  const { heartbeatMs, revisionMs } = agent.pace;
  while (!signal.aborted) {
    const reported = revisionOf(self, agent);
    await report(self, agent);
    const until = performance.now() + heartbeatMs;
    while (!signal.aborted && performance.now() < until && revisionOf(self, agent) === reported) {
      await self.bell.wait(Math.min(revisionMs, until - performance.now()), signal);
    }
  }
}

/** One report. Never throws. */
export async function report(self: Self, agent: Agent): Promise<void> {
  const { control } = agent;
  if (self.unheard) agent.peerChecks.unheard();
  const error = self.missing ?? self.unsaved ?? self.clock ?? self.refusal;
  const { state, since, reason } = standingOf(self, agent);
  try {
    const sent = await control.report(
      composeReport({
        agentVersion: agent.version,
        ...{ state, stateSince: since, ...(reason !== undefined && { reason }) },
        ...(self.rootVersion && { rootVersion: self.rootVersion }),
        ...(self.offered && { offered: self.offered }),
        ...(self.running && { applied: self.running.configHash }),
        ...(self.lkg && { lkg: self.lkg }),
        ...(error && { error: told(error) }),
        ...(self.running?.config.role === 'edge' && edgeStatus(agent)),
        ...(self.running && agent.tunnel && { tunnels: tunnelsOf(self, agent) }),
        ...(self.restored && { restored: self.restored }),
        unserved: self.made.unserved,
        enrolment: await agent.enrolment(),
      }),
    );
    if (sent.kind === 'unreachable') agent.peerChecks.unheard();
    if (sent.kind !== 'answered') return;
    noteDoubt(self, agent);
    self.news.over('report', 'reports arrive again');
    if (sent.answer.bound) agent.keyRotation?.hear(sent.answer);
    noteBinding(self, sent.answer);
  } catch (error) {
    self.news.trouble('report', 'error', { reason: String(error) }, 'cannot report');
  }
}

function edgeStatus({ certificates, users, visits, peerChecks, backendChecks }: Agent) {
  const status = certificates.status();
  const quarantined = [...(status.quarantined ?? []), ...(users.status().quarantined ?? [])];
  const [checks, backends] = [peerChecks.views(), backendChecks.views()];
  return {
    ...{ ...status, quarantined, answers: visits.answers() },
    ...(checks.length > 0 && { checks }),
    ...(backends.length > 0 && {
      ...{ backends: backends.slice(0, BACKEND_VIEWS_MAX), backendsDecided: backends.length },
    }),
  };
}

/** Its words hold what an operator is to do: the log and `status` say them. */
function noteBinding(self: Self, { bound, reason = '' }: StatusAnswer): void {
  if (bound) {
    delete self.unbound;
    self.news.over('binding', 'the control plane accepts what this node announces');
    return;
  }
  self.unbound = reason;
  self.news.trouble('binding', reason, { reason }, 'the control plane did not accept what this node announced');
}

function tunnelsOf({ running }: Self, { tunnel, machine }: Agent) {
  return tunnelAges(running?.config.wireguard.peers ?? [], tunnel?.(), machine.now());
}

function revisionOf(self: Self, agent: Agent): string {
  return `${self.changes}/${isStale(self, agent.machine.now())}/${agent.revision()}`;
}
