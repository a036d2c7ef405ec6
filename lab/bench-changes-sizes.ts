// One route of many moved, again and again, with nobody visiting: what a change costs the agent and nginx at 100, 10 000 and 100 000 routes.

import { type ChangingEdge, startChangingEdge } from './bench-changes-edge.ts';
import { type Backends, createSite } from './bench-changes-site.ts';
import { familyOf, peakWhile } from './bench-edge-usage.ts';
import type { Run } from './run.ts';
import { median, milliseconds } from './statistics.ts';

const SIZES = [
  { routes: 100, goal: '' },
  { routes: 10_000, goal: '0.5 s' },
  { routes: 100_000, goal: '2.5 s' },
] as const;
const CHANGES = 7;

interface Sized {
  routes: number;
  goal: string;
  untilReloaded: number[];
  reload: number[];
  /** Bytes; the most, while a change is taken. */
  agent: number;
  peak: number;
}

/** Measures and prints. `nginx`: path of the program. */
export async function benchSizes(run: Run, nginx: string, backends: Backends): Promise<void> {
  const sized: Sized[] = [];
  let version = '';
  for (const { routes, goal } of SIZES) {
    const site = createSite(routes, backends, 'apart');
    const edge = await startChangingEdge(run, nginx, site, new Map());
    ({ version } = edge);
    sized.push({ routes, goal, ...(await measure(edge)) });
    await edge.end();
  }
  print(sized, version);
}

async function measure(edge: ChangingEdge): Promise<Omit<Sized, 'routes' | 'goal'>> {
  const [master = 0] = await edge.processes();
  const found = { untilReloaded: [] as number[], reload: [] as number[], agent: 0, peak: 0 };
  for (let change = 0; change < CHANGES; change += 1) {
    edge.prepare();
    const { untilReloaded = 0, reload = 0 } = await edge.apply();
    found.untilReloaded.push(untilReloaded);
    found.reload.push(reload);
    found.agent = Math.max(found.agent, (await edge.census()).agent ?? 0);
  }
  // Apart from the timed ones: looking costs time.
  edge.prepare();
  found.peak = await peakWhile(() => familyOf(master), edge.apply);
  return found;
}

function print(sized: readonly Sized[], version: string): void {
  console.log(`\none route moved, nginx ${version}, nobody visits (${CHANGES} changes each)`);
  for (const { routes, goal, untilReloaded, reload, agent, peak } of sized) {
    const times = `received to reloaded ${milliseconds(median(untilReloaded))} (at most ${milliseconds(Math.max(...untilReloaded))})`;
    const goals = goal === '' ? '' : `  goal ${goal}`;
    console.log(
      `  ${String(routes).padStart(7)} routes: ${times}, of it reload ${milliseconds(median(reload))}${goals}`,
    );
    console.log(
      `          agent ${megabytes(agent)} (goal 300 MB), nginx at its peak ${megabytes(peak)} (goal 150 MB)`,
    );
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
