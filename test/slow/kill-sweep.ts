// `npm run test:slow -- kills`: many seeded `kill -9` over every process of the product, under load, half of them while a commit is being
// rolled out. After each the fleet converges to the newest hash; nothing is lost but what the killed process carried; nothing grows.
//   kills [--kills N] [--seed N]
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { liveEverywhere, visit } from '../../lab/ask.ts';
import { joining } from '../../lab/chapter-joining.ts';
import { serving } from '../../lab/chapter-serving.ts';
import { epochMs } from '../../lab/clock.ts';
import { allApplied } from '../../lab/converged.ts';
import { routeFile } from '../../lab/example-data.ts';
import { type Fleet, startFleet } from '../../lab/fleet.ts';
import {
  agentOf,
  describedFailures,
  isExcused,
  type Kill,
  masterOf,
  RECONCILER,
  type Struck,
  tunnelOf,
  workerOf,
} from '../../lab/kills.ts';
import { startOrigin } from '../../lab/origin.ts';
import { labMode } from '../../lab/prerequisites.ts';
import type { LoadFailure } from '../../lab/probe-protocol.ts';
import { type Random, seededRandom } from '../../lab/random.ts';
import { createRun } from '../../lab/run.ts';
import { eventually, seconds } from '../../lab/story.ts';
import { tellFailure } from '../../lab/tell.ts';
import { type Traces, tracesOf } from '../../lab/traces.ts';
import { EDGES, ORIGINS } from '../../lab/world.ts';

const KILLS = 40;
/** The visitor shares the machine: one that cannot keep up would make failures of its own. */
const REQUESTS_PER_SECOND = 10;
const HOST = 'app.hoge.com';
const SERVICES = [
  { port: 8080, name: 'home' },
  { port: 8082, name: 'home-8082' },
] as const;
const QUIET_MS = { min: 100, max: 1_500 };
/** A commit is on every edge after about half a second. */
const ROLLOUT_MS = { min: 0, max: 900 };
const CONVERGED_MS_MAX = 60_000;
const ATTRIBUTED_MAX = 20;
/** Old workers and killed programs need a moment to go. */
const SETTLED_MS_MAX = 30_000;

/** Every process that there is to kill. */
const TARGETS: readonly Kill[] = [
  ...EDGES.flatMap((edge) => [agentOf(edge), workerOf(edge), masterOf(edge), tunnelOf(edge)]),
  ...ORIGINS.flatMap((origin) => [agentOf(origin), tunnelOf(origin)]),
  RECONCILER,
  RECONCILER,
];

interface Round extends Struck {
  backMs: number;
  inRollout: boolean;
}

/** True: all held. Prints what was killed, what was lost and how long it took. */
export async function killSweep(options: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...options],
    options: { kills: { type: 'string', default: String(KILLS) }, seed: { type: 'string' } },
  });
  const lab = labMode();
  if (lab.mode !== 'full') {
    console.log(`kills: this needs the full lab: ${lab.why}`);
    return false;
  }
  const random = seededRandom(values.seed === undefined ? undefined : Number(values.seed));
  console.log(`kills: ${values.kills}, seed ${random.seed} (--seed ${random.seed} chooses the same again)`);
  const run = createRun();
  try {
    return await sweep(await openFleet(run), random, Number(values.kills));
  } catch (error) {
    tellFailure('kills', error, run.directory);
    return false;
  } finally {
    for (const failure of await run.end()) console.log(`clean-up: ${failure}`);
  }
}

async function openFleet(run: ReturnType<typeof createRun>): Promise<Fleet> {
  const fleet = await startFleet(run);
  for (const scene of [...joining, ...serving.slice(0, 2)]) if (scene.only !== 'full') await scene.play(fleet);
  const { port, name } = SERVICES[1];
  await startOrigin(fleet.network.hosts['origin-1'], { name, port });
  await routeTo(fleet, 1);
  await converged(fleet, 1);
  return fleet;
}

async function sweep(fleet: Fleet, random: Random, count: number): Promise<boolean> {
  const before = tracesOf(fleet);
  const targets = await Promise.all(EDGES.map((edge) => visit(fleet, HOST, edge)));
  const load = fleet.client.load({ targets, ratePerSecond: REQUESTS_PER_SECOND });
  const rounds: Round[] = [];
  for (const kill of choose(count, random)) {
    const round = await strike(fleet, kill, rounds.length, random);
    rounds.push(round);
    const moment = round.inRollout ? 'in a rollout' : 'at rest';
    console.log(
      `  ${rounds.length}/${count} ${kill.what}, ${moment}: the newest on every node after ${seconds(round.backMs)}`,
    );
  }
  const { failures, sent, startedAt } = await load.stop();
  const unexcused = failures.filter((failure) => !rounds.some((round) => isExcused(failure, round)));
  tell(rounds, failures);
  console.log(`kills: ${rounds.length}, requests: ${sent}, lost without excuse: ${unexcused.length}`);
  if (unexcused.length > 0) console.log(`  ${describedFailures(unexcused, startedAt)}`);
  for (const failure of unexcused.slice(0, ATTRIBUTED_MAX)) console.log(`  ${precededBy(failure, rounds)}`);
  return (await hasNotGrown(fleet, before)) && unexcused.length === 0;
}

/** Which kill may be behind a failure that none excuses. */
function precededBy({ startedAt }: LoadFailure, rounds: readonly Round[]): string {
  const last = rounds.findLast(({ at }) => at <= startedAt);
  if (last === undefined) return 'lost before the first kill';
  const { kill, at, inRollout } = last;
  return `lost ${seconds(startedAt - at)} after ${kill.what} was killed${inRollout ? ' in a rollout' : ''}`;
}

/** Every target equally often, in an order of chance. */
function choose(count: number, random: Random): Kill[] {
  const chosen: Kill[] = [];
  while (chosen.length < count) chosen.push(...random.shuffled(TARGETS));
  return chosen.slice(0, count);
}

async function strike(fleet: Fleet, kill: Kill, round: number, random: Random): Promise<Round> {
  await delay(random.between(QUIET_MS.min, QUIET_MS.max));
  const inRollout = random.between(0, 1) === 1;
  if (inRollout) {
    await routeTo(fleet, round);
    await delay(random.between(ROLLOUT_MS.min, ROLLOUT_MS.max));
  }
  const at = epochMs();
  const deadAt = await kill.strike(fleet);
  if (!inRollout) await routeTo(fleet, round);
  await converged(fleet, round);
  return { kill, at, deadAt, backMs: epochMs() - at, inRollout };
}

async function routeTo({ developer }: Fleet, round: number): Promise<void> {
  const { port } = SERVICES[round % SERVICES.length]!;
  await developer.commit({ [`routes/hoge/${HOST}.yaml`]: routeFile(HOST, 'home', port) }, `round ${round}`);
}

async function converged(fleet: Fleet, round: number): Promise<void> {
  // Reports cost less than visits: most of the waiting is done by asking for them.
  await allApplied(fleet, [...EDGES, ...ORIGINS], CONVERGED_MS_MAX);
  await liveEverywhere(fleet, HOST, SERVICES[round % SERVICES.length]!.name, CONVERGED_MS_MAX);
  await allApplied(fleet, [...EDGES, ...ORIGINS], CONVERGED_MS_MAX);
}

function tell(rounds: readonly Round[], failures: readonly LoadFailure[]): void {
  for (const what of [...new Set(rounds.map(({ kill }) => kill.what))].sort()) {
    const same = rounds.filter(({ kill }) => kill.what === what);
    const lost = failures.filter((failure) => same.some((round) => isExcused(failure, round))).length;
    const times = same.map(({ backMs }) => backMs).sort((a, b) => a - b);
    const [median, longest] = [times[Math.floor(times.length / 2)]!, times.at(-1)!];
    console.log(
      `  ${what.padEnd(28)} ${same.length} times, ${lost} requests lost, back in ${seconds(median)}, at most ${seconds(longest)}`,
    );
  }
}

async function hasNotGrown(fleet: Fleet, before: Traces): Promise<boolean> {
  let now = before;
  const grown = () => (Object.keys(before) as (keyof Traces)[]).filter((name) => now[name] > before[name]);
  const found = () => `found ${JSON.stringify(now)}, before ${JSON.stringify(before)}`;
  try {
    await eventually({
      expected: 'no more processes, open files, releases, bundles and chunks than before',
      look() {
        now = tracesOf(fleet);
        return grown().length === 0 ? true : undefined;
      },
      found,
      timeoutMs: SETTLED_MS_MAX,
      everyMs: 500,
    });
    console.log(`  nothing grew: ${found()}`);
    return true;
  } catch (error) {
    console.log(`  grew: ${grown().join(', ')}: ${(error as Error).message}`);
    return false;
  }
}
