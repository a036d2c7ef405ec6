// The line, end to end: the demo's own story, one test per assertion, over real nginx, certbot, WireGuard and git.
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest';
import { CHAPTERS, playScene } from '../../lab/chapters.ts';
import { startFleet } from '../../lab/fleet.ts';
import { loopbackObstacle } from '../../lab/loopback-mode.ts';
import { startLoopback } from '../../lab/loopback-world.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { createRun, type Run } from '../../lab/run.ts';
import type { World } from '../../lab/world.ts';

const SCENE_MS = 70_000;
const lab = labMode();
const obstacle = lab.mode === 'full' ? undefined : loopbackObstacle(lab.why);
if (obstacle !== undefined) throw new Error(obstacle.join(' '));

describe(`the line${lab.mode === 'full' ? '' : ` on loopback (${lab.why})`}`, () => {
  let run: Run | undefined;
  let world: World;
  /** The scenes build on each other: after one that does not hold, the others would only say so again. */
  let broken: string | undefined;

  beforeAll(async () => {
    run = createRun();
    world = lab.mode === 'full' ? await startFleet(run) : await startLoopback(run);
  }, 60_000);

  afterAll(async () => {
    const failures = (await run?.end()) ?? [];
    if (failures.length > 0) throw new Error(failures.join('\n'));
  }, 30_000);

  beforeEach(() => {
    if (broken !== undefined) throw new Error(`not played, because “${broken}” did not hold`);
  });

  for (const [name, chapter] of Object.entries(CHAPTERS)) {
    describe(name, () => {
      const scenes = chapter.filter(({ only }) => only === undefined || only === lab.mode);
      it.each(scenes)('$title', { timeout: SCENE_MS }, async (scene) => {
        broken = scene.title;
        await playScene(scene, world);
        broken = undefined;
      });
    });
  }
});
