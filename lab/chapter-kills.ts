// Chapter: `kill -9`, once each for the agent, an nginx worker, wireguard-go and the reconciler, at seeded random moments under
// load. Nothing is lost but what the killed worker had in its hands and what the killed tunnel carried until it was back.
import { setTimeout as delay } from 'node:timers/promises';
import { liveEverywhere, visit } from './ask.ts';
import { epochMs } from './clock.ts';
import { routeFile } from './example-data.ts';
import type { Fleet } from './fleet.ts';
import { agentOf, describedFailures, isExcused, RECONCILER, type Struck, tunnelOf, workerOf } from './kills.ts';
import { startOrigin } from './origin.ts';
import { type Random, seededRandom } from './random.ts';
import { type Chapter, expect, seconds } from './story.ts';
import { EDGES } from './world.ts';

const REQUESTS_PER_SECOND = 50;
const QUIET_MS = { min: 500, max: 3_000 };
const CONVERGED_MS_MAX = 30_000;
const VICTIM_EDGE = 'tokyo-1';

const KILLS = [agentOf(VICTIM_EDGE), workerOf(VICTIM_EDGE), tunnelOf(VICTIM_EDGE), RECONCILER];

export const kills: Chapter = [
  {
    title: 'four `kill -9` under load lose nothing but what the killed worker or tunnel carried',
    only: 'full',
    async play(fleet) {
      const random = seededRandom(process.env.KOKOA_SEED ? Number(process.env.KOKOA_SEED) : undefined);
      try {
        return `seed ${random.seed}; ${await strikeAll(fleet, random)}`;
      } catch (error) {
        throw new Error(`seed ${random.seed} (KOKOA_SEED=${random.seed} plays it again): ${(error as Error).message}`);
      }
    },
  },
];

async function strikeAll(fleet: Fleet, random: Random): Promise<string> {
  await startOrigin(fleet.network.hosts['origin-1'], { name: 'home-8082', port: 8082 });
  const targets = await Promise.all(EDGES.map((edge) => visit(fleet, 'app.hoge.com', edge)));
  const load = fleet.client.load({ targets, ratePerSecond: REQUESTS_PER_SECOND });
  const struck: (Struck & { convergedMs: number })[] = [];
  for (const kill of random.shuffled(KILLS)) {
    await delay(random.between(QUIET_MS.min, QUIET_MS.max));
    const at = epochMs();
    const deadAt = await kill.strike(fleet);
    struck.push({ kill, at, deadAt, convergedMs: await converged(fleet, struck.length) });
  }
  const report = await load.stop();
  const unexcused = report.failures.filter((failure) => !struck.some((one) => isExcused(failure, one)));
  const timeline = struck.map(({ kill, at, convergedMs }) => {
    return `${kill.what} at ${seconds(at - report.startedAt)}, converged in ${seconds(convergedMs)}`;
  });
  const lost = `${unexcused.length} of ${report.sent} lost: ${describedFailures(unexcused, report.startedAt)}\n${timeline.join('\n')}`;
  expect(unexcused.length === 0, 'no request lost that a killed process did not carry', lost);
  const told = struck.map(({ convergedMs, ...one }) => {
    const { kill, at } = one;
    const lost = report.failures.filter((failure) => isExcused(failure, one));
    const back =
      lost.length === 0
        ? ''
        : `, ${lost.length} lost within ${seconds(Math.max(...lost.map(({ endedAt }) => endedAt)) - at)}`;
    return `${kill.what}: converged in ${seconds(convergedMs)}${back}`;
  });
  return `${report.sent} requests; ${told.join('; ')}`;
}

/** Proves that the line works again from git to both edges; ms from the restart. */
async function converged(fleet: Fleet, round: number): Promise<number> {
  const since = epochMs();
  const [port, origin] = round % 2 === 0 ? [8082, 'home-8082'] : [8080, 'home'];
  await fleet.developer.commit(
    { 'routes/hoge/app.hoge.com.yaml': routeFile('app.hoge.com', 'home', Number(port)) },
    `after kill ${round}`,
  );
  return (await liveEverywhere(fleet, 'app.hoge.com', String(origin), CONVERGED_MS_MAX)) - since;
}
