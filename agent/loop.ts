// When a node acts: at boot it serves its last known good, then it follows the control plane, heals what drifts, and reports.
// Everything that changes the machine goes through one queue, so steps never interleave; only the packet filter is put back beside it.
import PQueue from 'p-queue';
import { type Agent, createSelf, type Self } from './agent.ts';
import { attempt } from './attempt.ts';
import { enact } from './converge.ts';
import { follow, type Polled, pause, poll } from './follow.ts';
import { keepReporting, report } from './reporter.ts';
import { settle } from './settle.ts';
import { keepStanding, recallStanding, writeStanding } from './standing.ts';
import { watch } from './watch.ts';
import { watchFilter } from './watch-filter.ts';

/** Follows the control plane until `signal` aborts, and ends soon after. The web server and the tunnel outlive it. */
export async function followControlPlane(agent: Agent, signal: AbortSignal): Promise<void> {
  const self = createSelf(agent.log);
  const queue = new PQueue({ concurrency: 1 });
  const work = async () => {
    await queue.add(() => boot(self, agent));
    await recallStanding(self, agent);
    await Promise.all([
      follow(self, agent, queue, signal),
      watch(self, agent, queue, signal),
      watchFilter(self, agent, signal),
      keepReporting(self, agent, signal),
      keepStanding(self, agent, signal),
      keepEdge(self, agent, signal),
      agent.scriptChecks.run(signal),
      agent.deadTunnels?.run(() => self.running, signal),
      agent.keyRotation?.run(() => self.running !== undefined, signal),
      agent.peerKeys?.run(() => self.running?.config, signal),
    ]);
  };
  // Every write is whole or not there, so what is still at work after that may be cut off.
  await Promise.race([work(), aborted(signal).then(() => pause(agent.pace.stopMs, new AbortController().signal))]);
}

/** Serves the last known good, pulls once, converges, reports. What was condemned before is tried again: somebody asked for it. */
export async function convergeOnce(agent: Agent): Promise<Polled> {
  const self = createSelf(agent.log);
  const queue = new PQueue({ concurrency: 1 });
  await queue.add(() => boot(self, agent));
  const polled = await poll({ everything: false }, self, agent, queue, { waitSeconds: 0 });
  await report(self, agent);
  await writeStanding(self, agent);
  return polled;
}

/** Serves the last known good before anything else: a reboot without control plane is not an outage. */
async function boot(self: Self, agent: Agent): Promise<void> {
  const found = await attempt('keep', () => agent.machine.trusted.lastKnownGood());
  if (found.failure) agent.log.warn(found.failure, 'cannot read the last known good configuration');
  const lkg = found.value;
  if (!lkg) return bootAccepted(self, agent);
  self.lkg = lkg.configHash;
  const outcome = await enact(lkg, undefined, agent.machine);
  settle(self, agent, outcome);
  agent.log.info({ outcome: outcome.kind, hash: lkg.configHash }, 'serving the last known good configuration');
}

/** Verified, and good nowhere yet: better than what the kernel has from before, ports and peers that nobody vouches for. */
async function bootAccepted(self: Self, agent: Agent): Promise<void> {
  const { value: accepted } = await attempt('keep', () => agent.machine.trusted.accepted());
  if (!accepted) return;
  const outcome = await enact(accepted, undefined, agent.machine);
  settle(self, agent, outcome);
  const fields = { outcome: outcome.kind, hash: accepted.configHash };
  agent.log.info(fields, 'no last known good configuration; serving what was accepted last');
}

/** Certificates, lists of users, visits and checks are an edge's: nothing of them starts before the first edge configuration was applied. */
async function keepEdge(self: Self, agent: Agent, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && self.running?.config.role !== 'edge') await pause(agent.pace.revisionMs, signal);
  const { certificates, users, visits, peerChecks, backendChecks, failedRequests } = agent;
  const parts = [certificates, users, visits, peerChecks, backendChecks, failedRequests];
  if (!signal.aborted) await Promise.all(parts.map((part) => part.run(signal)));
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
