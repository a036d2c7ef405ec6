// `kill -9` under load. What a killed worker or tunnel carried may be lost; nothing else, and everything converges again.
import { afterAll, describe, expect, it } from 'vitest';
import { joining } from '../../lab/chapter-joining.ts';
import { kills } from '../../lab/chapter-kills.ts';
import { serving } from '../../lab/chapter-serving.ts';
import { startFleet } from '../../lab/fleet.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { createRun, type Run } from '../../lab/run.ts';

const PLAY_MS = 240_000;

describe('under load', () => {
  let run: Run | undefined;
  afterAll(async () => {
    expect((await run?.end()) ?? []).toEqual([]);
  });

  it('four `kill -9` lose nothing but what the killed worker or tunnel carried', { timeout: PLAY_MS }, async ({
    annotate,
  }) => {
    const lab = labMode();
    if (lab.mode !== 'full') throw new Error(`this needs the full lab: ${lab.why}`);
    run = createRun();
    const fleet = await startFleet(run);
    for (const scene of [...joining, ...serving.slice(0, 2)]) await scene.play(fleet);
    for (const scene of kills) {
      const told = await scene.play(fleet);
      expect(told).toMatch(/^seed \d+; \d+ requests/);
      await annotate(told ?? '');
    }
  });
});
