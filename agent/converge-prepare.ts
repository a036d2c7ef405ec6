// guard → render → test: what is to be known of a bundle before anything that runs is touched. Law: a part with a mistake of its own is
// left out alone.
import type { Failure } from './attempt.ts';
import type { Machine } from './converge-machine.ts';
import type { Made, ServedBundle } from './converge-outcome.ts';
import { guardConfig } from './core/guard.ts';
import { isHost } from './core/left-out.ts';
import { fittingRelease } from './fit.ts';

const WITHOUT_PEER = 'its origin has not announced its keys yet';

export type Prepared = { kind: 'ready'; made: Made; served: ServedBundle } | ({ kind: 'refused' } & Failure);

/** `running`: what is served now, by which the guard measures how much goes. */
export async function prepare(
  wanted: ServedBundle,
  running: ServedBundle | undefined,
  machine: Machine,
): Promise<Prepared> {
  const verdict = guardConfig(wanted.config, wanted.chunks, running, machine.guard);
  if (!verdict.ok) return refusal('guard', verdict.code, verdict.detail);
  const withoutPeer = verdict.withoutPeer.map((hostname) => ({ hostname, reason: WITHOUT_PEER }));
  const { config } = wanted;
  const { edge } = machine;
  if (config.role === 'origin' || !edge) {
    const made = { release: undefined, unserved: withoutPeer, portsLacking: [], leftOut: [] };
    return { kind: 'ready', made, served: wanted };
  }

  const mistaken = [...(wanted.leftOut ?? []), ...verdict.leftOut];
  const fitting = await fittingRelease({ ...wanted, config }, mistaken, running, edge);
  if (fitting.failure) return { kind: 'refused', ...fitting.failure };
  const { release, fit, leftOut } = fitting.value;
  const { overlay } = release;
  const served = leftOut.length === 0 ? wanted : { ...wanted, config: fit.config, chunks: [...fit.chunks], leftOut };
  // Before anybody is asked for a password: a list that is not there lets nobody in.
  await edge.prepareUsers(served.chunks);
  const hosts = leftOut.filter(isHost).map(({ name, reason }) => ({ hostname: name, reason }));
  const unserved = [...withoutPeer, ...release.unserved, ...hosts];
  const made = {
    release: release.id,
    unserved,
    portsLacking: release.portsLacking,
    leftOut,
    ...(overlay && { overlay }),
  };
  return { kind: 'ready', made, served };
}

function refusal(stage: Failure['stage'], code: string, detail: string): Prepared {
  return { kind: 'refused', stage, code, detail, fault: 'bundle' };
}
