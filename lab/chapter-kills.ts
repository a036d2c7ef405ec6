// Chapter: `kill -9`, once each for the agent, an nginx worker, wireguard-go and the reconciler, at seeded random moments under
// load. Nothing is lost but what the killed worker had in its hands and what the killed tunnel carried until it was back.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { liveEverywhere, visit } from './ask.ts';
import { epochMs } from './clock.ts';
import { routeFile } from './example-data.ts';
import type { Fleet } from './fleet.ts';
import { startOrigin } from './origin.ts';
import type { LoadFailure } from './probe-protocol.ts';
import { processesIn } from './process-table.ts';
import { type Random, seededRandom } from './random.ts';
import { type Chapter, expect, seconds } from './story.ts';
import { EDGES } from './world.ts';

const REQUESTS_PER_SECOND = 50;
const QUIET_MS = { min: 500, max: 3_000 };
const CONVERGED_MS_MAX = 30_000;
/** A killed tunnel that is not back by then counts as lost. */
const TUNNEL_BACK_MS_MAX = 10_000;
const VICTIM_EDGE = 'tokyo-1';

interface Kill {
  what: string;
  /** Kills, and answers once whatever a person or systemd would restart is started again. */
  strike(fleet: Fleet): Promise<void>;
  /** Which failures on the victim edge this kill excuses, given the moment of the kill. */
  excuses(failure: LoadFailure, killedAt: number): boolean;
}

const KILLS: readonly Kill[] = [
  {
    what: 'the agent',
    async strike({ agents }) {
      await agents[VICTIM_EDGE].agent().kill9();
      await agents[VICTIM_EDGE].start();
    },
    excuses: () => false,
  },
  {
    what: 'an nginx worker',
    async strike(fleet) {
      process.kill(pidOf(fleet, /^nginx: worker process$/), 'SIGKILL');
    },
    excuses: (failure, killedAt) => failure.startedAt <= killedAt && failure.endedAt >= killedAt,
  },
  {
    what: 'wireguard-go',
    async strike(fleet) {
      process.kill(pidOf(fleet, /^wireguard-go/), 'SIGKILL');
    },
    excuses: (failure, killedAt) => failure.endedAt >= killedAt && failure.startedAt <= killedAt + TUNNEL_BACK_MS_MAX,
  },
  {
    what: 'the reconciler',
    async strike(fleet) {
      await fleet.reconciler().kill9();
      await fleet.startReconciler();
    },
    excuses: () => false,
  },
];

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
  const struck: { kill: Kill; at: number; convergedMs: number }[] = [];
  for (const kill of random.shuffled(KILLS)) {
    await delay(random.between(QUIET_MS.min, QUIET_MS.max));
    const at = epochMs();
    await kill.strike(fleet);
    struck.push({ kill, at, convergedMs: await converged(fleet, struck.length) });
  }
  const report = await load.stop();
  const unexcused = report.failures.filter((failure) => !struck.some(({ kill, at }) => excused(failure, kill, at)));
  const timeline = struck.map(({ kill, at, convergedMs }) => {
    return `${kill.what} at ${seconds(at - report.startedAt)}, converged in ${seconds(convergedMs)}`;
  });
  const lost = `${unexcused.length} of ${report.sent} lost: ${described(unexcused, report.startedAt)}\n${timeline.join('\n')}`;
  expect(unexcused.length === 0, 'no request lost that a killed process did not carry', lost);
  const told = struck.map(({ kill, at, convergedMs }) => {
    const lost = report.failures.filter((failure) => excused(failure, kill, at));
    const back =
      lost.length === 0
        ? ''
        : `, ${lost.length} lost within ${seconds(Math.max(...lost.map(({ endedAt }) => endedAt)) - at)}`;
    return `${kill.what}: converged in ${seconds(convergedMs)}${back}`;
  });
  return `${report.sent} requests; ${told.join('; ')}`;
}

/** The first few, with what they were told and when. */
function described(failures: readonly LoadFailure[], start: number): string {
  const one = ({ target, startedAt, endedAt, detail }: LoadFailure) =>
    `${EDGES[target]} from ${seconds(startedAt - start)} to ${seconds(endedAt - start)}: ${detail}`;
  return [...failures.slice(0, 3), ...failures.slice(-3)].map(one).join('; ');
}

function excused(failure: LoadFailure, kill: Kill, at: number): boolean {
  return EDGES[failure.target] === VICTIM_EDGE && kill.excuses(failure, at);
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

/** A process of the victim edge by its title. @throws Error when none runs */
function pidOf(fleet: Fleet, title: RegExp): number {
  const { namespace } = fleet.agents[VICTIM_EDGE].host;
  for (const { pid } of processesIn([namespace!])) {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
    if (title.test(words)) return pid;
  }
  throw new Error(`no process like ${title} runs on ${VICTIM_EDGE}`);
}
