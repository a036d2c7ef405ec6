// network → wait for new backends → swap → reload: the node turns to a bundle that was prepared, or back to the one before.
import { attempt, type Failure } from './attempt.ts';
import { newBackends, untilOpen } from './backends-open.ts';
import type { Machine } from './converge-machine.ts';
import type { Made, ServedBundle } from './converge-outcome.ts';
import { prepare } from './converge-prepare.ts';
import type { VerifiedBundle } from './ports/state.ts';

/** Answers what failed, if anything did. */
export async function switchTo(
  bundle: VerifiedBundle,
  running: VerifiedBundle | undefined,
  made: Made,
  machine: Machine,
): Promise<Failure | undefined> {
  const network = await attempt('network', () => machine.network.apply(bundle.config));
  if (network.failure) return network.failure;
  if (machine.edge && running) await untilOpen(newBackends(bundle.chunks, running.chunks), machine.edge.answers);
  return serve(made, machine);
}

/** A web server that serves the release already is left alone: the agent may have come back, or nothing was switched. */
export async function serve(
  { release }: Made,
  { edge }: Machine,
  force?: 'whatever it serves',
): Promise<Failure | undefined> {
  if (!edge || release === undefined) return undefined;
  const reloaded = await attempt('reload', async () => {
    const same = (await edge.releases.current()) === release;
    if (same && !force && (await edge.web.serving()) === release) return;
    await edge.releases.swap(release);
    await edge.web.reload();
  });
  return reloaded.failure;
}

/** Network and web server both, whatever becomes of the other. */
export async function putBack(running: ServedBundle, machine: Machine): Promise<Failure | undefined> {
  const prepared = await prepare(running, undefined, machine);
  const network = await attempt('network', () => machine.network.apply(running.config));
  const web = prepared.kind === 'refused' ? prepared : await serve(prepared.made, machine);
  return network.failure ?? web;
}
