// `npm run test:slow`: what takes too long for every run of the tests. Each part says its seed, so that a failure can be played again.
//   npm run test:slow [-- faults|kills|faults-lab|tests|mutations [options]]     no name: all of them, in that order
import { faultSweep } from './fault-sweep.ts';
import { killSweep } from './kill-sweep.ts';
import { labFaults } from './lab-faults.ts';
import { mutationSweep } from './mutation-sweep.ts';
import { slowTests } from './slow-tests.ts';

/** Name → answers whether all held. */
const PARTS: Readonly<Record<string, (options: readonly string[]) => Promise<boolean>>> = {
  faults: faultSweep,
  kills: killSweep,
  'faults-lab': labFaults,
  tests: slowTests,
  mutations: mutationSweep,
};

const [name, ...options] = process.argv.slice(2);
const chosen = name === undefined ? Object.keys(PARTS) : [name];
let held = true;
for (const one of chosen) {
  const part = PARTS[one];
  if (part === undefined) {
    console.error(`found ${one}, expected one of ${Object.keys(PARTS).join(', ')}, and its options behind it`);
    process.exit(2);
  }
  const isHeld = await part(options).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return false;
  });
  console.log(`${one}: ${isHeld ? 'all held' : 'FAILED'}`);
  held &&= isHeld;
}
process.exit(held ? 0 : 1);
