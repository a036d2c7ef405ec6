// Settings in waves, end to end: a setting that the canary cannot take never reaches the edge beside it, routes go on to both, and the
// correction goes through. On loopback, with real agents and web servers; the canary's agent is one that knows less.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { askControl, liveEverywhere } from '../../lab/ask.ts';
import { routeFile } from '../../lab/example-data.ts';
import { loopbackObstacle } from '../../lab/loopback-mode.ts';
import { startLoopback } from '../../lab/loopback-world.ts';
import type { Proc } from '../../lab/proc.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { eventually } from '../../lab/story.ts';
import { EDGES, type World } from '../../lab/world.ts';
import type { RolloutView } from '../../reconciler/core/rollout/rollout-view.ts';

const CANARY = 'osaka-1';
const OTHER = 'tokyo-1';
const APPLIED_MS = 15_000;
const BLOG = 'blog.hoge.com';

const obstacle = loopbackObstacle('this scene is played on loopback everywhere');
if (obstacle !== undefined && process.env.CI !== 'true') throw new Error(obstacle.join(' '));

let run: Run | undefined;
let world: World;
let canary: Proc;

beforeAll(async () => {
  run = createRun();
  world = await startLoopback(run);
  const { agents, developer, files } = world;
  await developer.commit({ ...files, 'kokoa.yaml': kokoa() }, 'both edges');
  const joined = await Promise.all(EDGES.map((name) => agents[name].join()));
  expect(joined.map(({ exitCode, stderr }) => `${exitCode} ${stderr}`)).toEqual(['0 ', '0 ']);
  await agents[OTHER].start();
  const { host, stateDir } = agents[CANARY];
  canary = host.start('agent', process.execPath, [await olderAgent(run.directory), '--state', stateDir, 'run']);
  for (const edge of [canary, agents[OTHER].agent()]) await edge.ready(/"msg":"applied"/, APPLIED_MS);
  await world.prepareHost(BLOG);
}, 120_000);

afterAll(async () => {
  const failures = (await run?.end()) ?? [];
  if (failures.length > 0) throw new Error(failures.join('\n'));
}, 30_000);

/** The agent as somebody built it who had no + in an address of mail. */
async function olderAgent(directory: string): Promise<string> {
  const built = await readFile(join(directory, 'kokoa-agent.mjs'), 'utf8');
  const older = built.split("!#$%&'*+/=?^_");
  expect(older.length).toBeGreaterThan(1);
  const file = join(directory, 'older-agent.mjs');
  await writeFile(file, older.join("!#$%&'*/=?^_"));
  return file;
}

/** With a soak of no time: what keeps the other edge safe is the refusal alone. */
function kokoa(email = 'ops@hoge.com'): string {
  return `${world.files['kokoa.yaml']!.replace(/^ {2}email: .*$/m, `  email: '${email}'`)}rollout:\n  soak: 0\n`;
}

it('keeps a setting that the canary refuses from the other edge, and brings its correction to both', {
  timeout: 90_000,
}, async () => {
  const { developer } = world;
  const before = await edges();
  await developer.commit({ 'kokoa.yaml': kokoa('ops+edges@hoge.com') }, 'another address');
  const refused = await rolloutThat(({ state }) => state === 'stopped');
  const error = { stage: 'verify', code: 'malformed', detail: expect.stringContaining('email') };
  expect(refused).toMatchObject({ wave: 1, waves: [[CANARY]], stopped: { node: CANARY, error } });
  const [first, other] = await edges();
  expect(first!.published).not.toBe(before[0]!.published);
  expect(first!.applied).toBe(before[0]!.applied);
  expect([other!.published, other!.applied]).toEqual([before[1]!.published, before[1]!.published]);

  // Routes do not wait for it.
  await developer.commit({ [`routes/hoge/${BLOG}.yaml`]: routeFile(BLOG, 'home', 8080) }, 'a route beside it');
  await liveEverywhere(world, BLOG, 'home', APPLIED_MS, [OTHER]);

  await developer.commit({ 'kokoa.yaml': kokoa('team@hoge.com') }, 'an address that is one for both');
  await eventually({
    expected: 'both edges have what git says',
    async look() {
      const all = await edges();
      return all.every(({ applied, published }) => applied === published) && (await rollout()) === null
        ? true
        : undefined;
    },
    found: () => canary.log().slice(-500),
    timeoutMs: APPLIED_MS,
  });
  const after = await edges();
  expect(after.map(({ published }, index) => published === before[index]!.published)).toEqual([false, false]);
  await liveEverywhere(world, BLOG, 'home', APPLIED_MS, [CANARY]);
});

interface ListedEdge {
  name: string;
  published?: string;
  applied?: string;
}

/** The canary first: by name. */
async function edges(): Promise<ListedEdge[]> {
  return (await asked<{ edges: ListedEdge[] }>('/api/v1/edges')).edges;
}

async function rollout(): Promise<RolloutView | null> {
  return (await asked<{ rollout: RolloutView | null }>('/api/v1/rollout')).rollout;
}

async function asked<T>(path: string): Promise<T> {
  return JSON.parse((await askControl(world, path, world.agents[OTHER].token)).body) as T;
}

function rolloutThat(is: (view: RolloutView) => boolean): Promise<RolloutView> {
  let last: RolloutView | null = null;
  return eventually({
    expected: 'a rollout that the canary refuses',
    async look() {
      last = await rollout();
      return last !== null && is(last) ? last : undefined;
    },
    found: () => JSON.stringify(last),
    timeoutMs: APPLIED_MS,
  });
}
