// `npm run test:slow -- faults-lab`: what takes minutes in the lab. Machines that lose their power for a year, and hands that change what
// the agents manage.
import { drift } from '../../lab/chapter-drift.ts';
import { joining } from '../../lab/chapter-joining.ts';
import { power } from '../../lab/chapter-power.ts';
import { serving } from '../../lab/chapter-serving.ts';
import { playScene } from '../../lab/chapters.ts';
import { startFleet } from '../../lab/fleet.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { createRun } from '../../lab/run.ts';
import { tellFailure, tellHeld } from '../../lab/tell.ts';

/** True: all held. */
export async function labFaults(): Promise<boolean> {
  const lab = labMode();
  if (lab.mode !== 'full') {
    console.log(`faults-lab: this needs the full lab: ${lab.why}`);
    return false;
  }
  const run = createRun();
  let current = 'the lab starts';
  try {
    const fleet = await startFleet(run);
    for (const scene of [...joining, ...serving.slice(0, 2), ...drift, ...power]) {
      current = scene.title;
      const since = performance.now();
      const played = await playScene(scene, fleet);
      if (played.kind === 'held') tellHeld(scene, played.note, performance.now() - since);
    }
    return true;
  } catch (error) {
    tellFailure(current, error, run.directory);
    return false;
  } finally {
    for (const failure of await run.end()) console.log(`clean-up: ${failure}`);
  }
}
