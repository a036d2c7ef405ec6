// A thief who has stopped the control plane on loopback and answers in its place: nodes find him under the URL that they know, and
// get what he offers.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BundleResponse } from '../bundle/api.ts';
import type { HostileOffer } from './hostile-control-plane.ts';
import type { World } from './world.ts';

const PROGRAM = fileURLToPath(new URL('hostile-control-plane.ts', import.meta.url));

export interface Usurper {
  /** What every node that asks is offered from now on. */
  offer(name: string, bundle: BundleResponse): void;
  end(): Promise<void>;
}

/** Takes the place of a reconciler that does not run. @throws KokoaError lab_not_ready */
export async function usurp({ run, operator, control }: World, name: string, bundle: BundleResponse): Promise<Usurper> {
  const file = join(run.directory, 'usurper-offer.json');
  const offer: Usurper['offer'] = (name, bundle) => {
    const text: HostileOffer = { name, bundle };
    writeFileSync(`${file}.new`, JSON.stringify(text));
    renameSync(`${file}.new`, file);
  };
  offer(name, bundle);
  const args = ['--port', String(control.port), '--bundle', file];
  const proc = operator.start('usurper', process.execPath, [PROGRAM, ...args]);
  await proc.ready(/listening/);
  return { offer, end: () => proc.stop() };
}
