// `npm run bench`: the numbers the design promises, each beside its goal, measured in one run on this machine.
import { benchLine } from './bench-line.ts';
import { benchScale } from './bench-scale.ts';
import { labMode } from './prerequisites.ts';

await benchScale();
const mode = labMode();
if (mode.mode === 'full') await benchLine();
else {
  console.error(`\nthe first two rows need the full lab: ${mode.why}`);
  process.exitCode = 1;
}
