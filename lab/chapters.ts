// The story in its order: what the demo prints and the end-to-end tests run.
import { changes } from './chapter-changes.ts';
import { faults } from './chapter-faults.ts';
import { joining } from './chapter-joining.ts';
import { pullRequests } from './chapter-pull-requests.ts';
import { refusals } from './chapter-refusals.ts';
import { routes } from './chapter-routes.ts';
import { serving } from './chapter-serving.ts';
import { tunnels } from './chapter-tunnels.ts';
import { isFull } from './fleet.ts';
import type { Chapter, Scene } from './story.ts';
import type { World } from './world.ts';

export const CHAPTERS: Readonly<Record<string, Chapter>> = {
  'machines join': joining,
  'visitors are served': serving,
  'git decides': changes,
  'a pull request is the product': pullRequests,
  'a route says more': routes,
  'tunnels go both ways': tunnels,
  'nobody is believed without proof': refusals,
  'things break': faults,
};

export type Played = { kind: 'held'; note: string | undefined } | { kind: 'skipped' };

/** Plays a scene where this lab can show it. @throws UnmetExpectation */
export async function playScene(scene: Scene, world: World): Promise<Played> {
  if (scene.only === undefined) return { kind: 'held', note: await scene.play(world) };
  return isFull(world) ? { kind: 'held', note: await scene.play(world) } : { kind: 'skipped' };
}
