// What one rendered edge costs: ten thousand routes, and its answers beside those of other web servers. `npm run bench -- edge` plays this alone.
import { benchBeside } from './bench-edge-beside.ts';
import { benchRoutes } from './bench-edge-routes.ts';
import { createRun } from './run.ts';

/** `nginx`: path of the program that serves the edge, and whatever else is an nginx. */
export async function benchEdge(nginx: string): Promise<void> {
  const run = createRun();
  // Of an nginx that made itself a daemon nothing but its working directory says whose it is.
  const before = process.cwd();
  process.chdir(run.directory);
  try {
    await benchBeside(run, nginx);
    await benchRoutes(run, nginx);
  } finally {
    process.chdir(before);
    for (const failure of await run.end()) console.error(`clean-up: ${failure}`);
  }
}
