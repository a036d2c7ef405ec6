// The first two rows: from `git push` returning to the right answer over verified TLS on every edge, with the time of every step.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openCertificateStore } from '../agent/node-certificates.ts';
import { liveEverywhere } from './ask.ts';
import { joining } from './chapter-joining.ts';
import { routeFile } from './example-data.ts';
import { type Fleet, startFleet } from './fleet.ts';
import type { Pushed } from './git-developer.ts';
import { startOrigin } from './origin.ts';
import { createRun } from './run.ts';
import { median, milliseconds, summary } from './statistics.ts';
import { EDGES } from './world.ts';

const PUSHES = 10;
/** What the first row is measured at. */
const ROUTES = 100;
const PORTS = [8080, 8081] as const;
const LIVE_MS = 60_000;
const LAST_PROBE_MS = 2_000;

/** Plays both rows in one lab and prints them. */
export async function benchLine(): Promise<void> {
  const run = createRun();
  try {
    const fleet = await startFleet(run);
    for (const { play } of joining) await play(fleet);
    await startOrigin(fleet.network.hosts['origin-1'], { name: 'home-8081', port: 8081 });
    await addRoutes(fleet);
    await liveEverywhere(fleet, 'app.hoge.com', 'home', LIVE_MS);
    await liveEverywhere(fleet, 'wiki.fuga.com', 'office', LIVE_MS);
    await benchMove(fleet);
    await benchNewHosts(fleet);
  } finally {
    for (const failure of await run.end()) console.error(`clean-up: ${failure}`);
  }
}

/** Routes that are only there to be there; their certificates are imported, so that nothing is ordered for them. */
async function addRoutes(fleet: Fleet): Promise<void> {
  const names = Array.from({ length: ROUTES - 2 }, (_, index) => `filler-${index}.hoge.com`);
  const { certFile, keyFile } = await fleet.pki.certificate(names);
  const pair = { fullchain: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  for (const edge of EDGES) {
    const store = await openCertificateStore(fleet.agents[edge].stateDir);
    for (const name of names) await store.write(name, pair, 'imported');
    // A running agent notices what a person imported within half a minute, and would order these meanwhile.
    await fleet.agents[edge].agent().stop();
    await fleet.agents[edge].start();
  }
  const files = Object.fromEntries(names.map((name) => [`routes/hoge/${name}.yaml`, routeFile(name, 'home', 8080)]));
  await fleet.developer.commit(files, 'one hundred routes');
}

async function benchMove(fleet: Fleet): Promise<void> {
  const pushes: Push[] = [];
  for (let push = 1; push <= PUSHES; push += 1) {
    const port = PORTS[push % 2]!;
    const path = 'routes/hoge/app.hoge.com.yaml';
    const pushed = await fleet.developer.commit({ [path]: routeFile('app.hoge.com', 'home', port) }, `move to ${port}`);
    const live = await liveEverywhere(fleet, 'app.hoge.com', port === 8080 ? 'home' : 'home-8081', LIVE_MS);
    pushes.push({ ...pushed, live });
  }
  print(
    `a change whose certificate exists (${ROUTES} routes, ${EDGES.length} edges, ${PUSHES} pushes)`,
    '400 ms',
    await samplesOf(fleet, pushes),
  );
}

async function benchNewHosts(fleet: Fleet): Promise<void> {
  const pushes: Push[] = [];
  for (let push = 1; push <= PUSHES; push += 1) {
    const name = `new-${push}.hoge.com`;
    await fleet.resolve(name);
    const pushed = await fleet.developer.commit(
      { [`routes/hoge/${name}.yaml`]: routeFile(name, 'home', 8080) },
      `add ${name}`,
    );
    pushes.push({ ...pushed, live: await liveEverywhere(fleet, name, 'home', LIVE_MS) });
  }
  print(`a new host with its own certificate (${PUSHES} pushes)`, '6 s', await samplesOf(fleet, pushes));
}

interface Push extends Pushed {
  /** When the last edge answered, ms since the epoch. */
  live: number;
}

/** An edge says "applied" after its probe, which is after the first visitor was served: the logs are read at the end. */
async function samplesOf(fleet: Fleet, pushes: readonly Push[]): Promise<Sample[]> {
  await delay(LAST_PROBE_MS);
  return pushes.map((push) => sampleOf(fleet, push));
}

/** ms since `git push` returned, except the reconciler's own steps, which are durations. */
interface Sample {
  webhook: number;
  published: number;
  applied: number;
  live: number;
  steps: Record<string, number>;
}

function sampleOf(fleet: Fleet, { commit, pushedAt, live }: Push): Sample {
  const delivery = fleet.git.deliveries().find(({ after }) => after === commit);
  const line = lines(fleet.reconciler().log()).find((text) => text.includes(commit) && text.includes(' published '));
  const applied = EDGES.map((edge) => appliedAfter(fleet.agents[edge].agent().log(), pushedAt));
  return {
    webhook: (delivery?.atMs ?? Number.NaN) - pushedAt,
    published: Date.parse(line?.split(' ')[0] ?? '') - pushedAt,
    applied: Math.max(...applied) - pushedAt,
    live: live - pushedAt,
    steps: JSON.parse(/ms=(\{.*\})/.exec(line ?? '')?.[1] ?? '{}') as Record<string, number>,
  };
}

/** When the agent first said "applied" after a moment, ms since the epoch. */
function appliedAfter(log: string, since: number): number {
  for (const line of lines(log)) {
    const entry = JSON.parse(line) as { time: string; msg: string };
    if (entry.msg === 'applied' && Date.parse(entry.time) >= since) return Date.parse(entry.time);
  }
  return Number.NaN;
}

function lines(log: string): string[] {
  return log.split('\n').filter((line) => line.trim() !== '');
}

function print(what: string, goal: string, samples: readonly Sample[]): void {
  console.log(`\n${what}\n  goal p50 ${goal}; live on every edge ${summary(samples.map(({ live }) => live))}`);
  console.log(
    `  of that, p50 since the push: ${(['webhook', 'published', 'applied', 'live'] as const)
      .map((step) => `${step} ${milliseconds(median(samples.map((sample) => sample[step])))}`)
      .join(', ')}`,
  );
  const steps = Object.keys(samples[0]?.steps ?? {});
  console.log(
    `  reconciler, p50: ${steps.map((step) => `${step} ${milliseconds(median(samples.map((sample) => sample.steps[step] ?? 0)))}`).join(', ')}`,
  );
}
