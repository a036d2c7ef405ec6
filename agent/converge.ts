// The story of a node: verify → guard → render → test → network → swap → reload → probe → keep, or roll back. Whatever fails, the
// node goes on serving what it served before; a part with a mistake of its own is left out alone.
import type { BundleResponse } from '../bundle/api.ts';
import { type Attempt, attempt } from './attempt.ts';
import { isCondemned } from './converge-condemned.ts';
import type { Machine } from './converge-machine.ts';
import type { Made, Outcome, Refused, RolledBack, ServedBundle } from './converge-outcome.ts';
import { prepare } from './converge-prepare.ts';
import { lookAfter, lookBefore, NOTHING_ASKED, withoutHosts } from './converge-probe.ts';
import { putBack, serve, switchTo } from './converge-switch.ts';
import type { VerifiedBundle } from './ports/state.ts';

/** Takes an offered bundle all the way. `running` is what the node serves now, `condemned` what failed here already. */
export async function converge(
  offered: BundleResponse,
  running: ServedBundle | undefined,
  condemned: Refused | RolledBack | undefined,
  machine: Machine,
): Promise<Outcome> {
  const accepted = await attempt('verify', () => machine.trusted.accept(offered, machine.now()));
  if (accepted.failure) return { kind: 'refused', ...accepted.failure };
  const acceptance = accepted.value;
  if (acceptance.kind === 'refused') return { stage: 'verify', fault: 'bundle', ...acceptance };
  const { verified } = acceptance;
  if (verified.configHash === running?.configHash) return { kind: 'applied', bundle: asServed(verified, running) };
  if (condemned && (await isCondemned(verified, condemned, machine))) return condemned;
  return enact(verified, running, machine);
}

/** Makes the node equal to a verified bundle, or puts it back to `running`. */
export async function enact(
  wanted: VerifiedBundle,
  running: ServedBundle | undefined,
  machine: Machine,
): Promise<Outcome> {
  const looking = running ? lookBefore(running, wanted, machine) : NOTHING_ASKED;
  const prepared = await prepare(wanted, running, machine);
  if (prepared.kind === 'refused') return { ...prepared, bundle: wanted };
  const { made, served } = prepared;
  const questions = withoutHosts(await looking, made.leftOut);

  const failure = (await switchTo(served, running, made, machine)) ?? (await lookAfter(questions, machine));
  if (!failure) {
    const { failure: unsaved } = await attempt('keep', () => machine.trusted.markGood(wanted.configHash));
    return { kind: 'applied', bundle: served, made, ...(unsaved && { unsaved }) };
  }
  if (!running) return { kind: 'refused', ...failure, bundle: wanted };
  const stranded = await putBack(running, machine);
  return { kind: 'rolled_back', ...failure, bundle: wanted, ...(stranded && { stranded }) };
}

/** Writes a bundle's tree again and makes the web server read it, whatever it seems to serve. */
export async function mend(running: ServedBundle, machine: Machine): Promise<Attempt<Made>> {
  const prepared = await prepare(running, undefined, machine);
  if (prepared.kind === 'refused') return { failure: prepared };
  const failure = await serve(prepared.made, machine, 'whatever it serves');
  return failure ? { failure } : { value: prepared.made };
}

/** The same configuration, vouched for anew. */
function asServed(verified: VerifiedBundle, { config, chunks, leftOut }: ServedBundle): ServedBundle {
  return leftOut ? { ...verified, config, chunks, leftOut } : verified;
}
