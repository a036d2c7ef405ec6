// What an operator does to a machine in git, and how the control plane then answers its token.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askConfig, described } from './ask.ts';
import { SLOT_FILES, type SlotName } from './example-data.ts';
import { eventually } from './story.ts';
import type { World } from './world.ts';

/** Commits `state:` of a slot. Answers when `git push` returned, ms since the epoch. */
export async function setState({ developer }: World, slot: SlotName, state: string): Promise<number> {
  const path = SLOT_FILES[slot];
  const text = readFileSync(join(developer.directory, path), 'utf8').replace(/^state: .*\n/m, '');
  return (await developer.commit({ [path]: `${text}state: ${state}\n` }, `${slot} is ${state}`)).pushedAt;
}

/** Waits until the token of a slot is answered so. Answers when that was, ms since the epoch. */
export async function answersWith(world: World, slot: SlotName, status: number): Promise<number> {
  let said = '';
  return eventually({
    expected: `${status} for the token of ${slot}`,
    async look() {
      const answer = await askConfig(world, world.agents[slot].token);
      said = described(answer);
      return answer.status === status ? answer.timings.endedAt : undefined;
    },
    found: () => said,
    everyMs: 20,
  });
}
