// `npm run demo`: the whole product on this machine, one line per assertion. Exit 0, or 1 with the first failure explained.
//   --keep  leaves everything up and prints commands to play with
import { changes } from './chapter-changes.ts';
import { faults } from './chapter-faults.ts';
import { refusals } from './chapter-refusals.ts';
import { joining, serving } from './chapter-serving.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { labMode } from './prerequisites.ts';
import { createRun } from './run.ts';
import { type Chapter, seconds } from './story.ts';

const CHAPTERS: Record<string, Chapter<Fleet>> = {
  'machines join': joining,
  'visitors are served': serving,
  'git decides': changes,
  'an edge believes nobody': refusals,
  'things break': faults,
};

const keep = process.argv.includes('--keep');
const mode = labMode();
if (mode.mode === 'loopback') throw new Error(mode.why);
const run = createRun({ keep });
const began = performance.now();
try {
  const fleet = await startFleet(run);
  console.log(`the lab is up (${seconds(performance.now() - began)})`);
  let count = 0;
  for (const [name, chapter] of Object.entries(CHAPTERS)) {
    console.log(`\n${name}`);
    for (const { title, play } of chapter) {
      const since = performance.now();
      try {
        const note = await play(fleet);
        count += 1;
        console.log(`  ok  ${title}${note ? `: ${note}` : ''} (${seconds(performance.now() - since)})`);
      } catch (error) {
        console.log(`  no  ${title}`);
        throw error;
      }
    }
  }
  console.log(`\n${count} assertions held in ${seconds(performance.now() - began)}`);
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  for (const failure of await run.end()) console.error(`clean-up: ${failure}`);
}
