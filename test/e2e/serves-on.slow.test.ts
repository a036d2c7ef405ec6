// Wrong clocks, and a control plane that lets a node in no more: the last good config serves, what is wrong has a name, and when it is
// over the node goes on without a hand on it. The built agent on loopback, one edge.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { liveEverywhere } from '../../lab/ask.ts';
import { allApplied } from '../../lab/converged.ts';
import { routeFile } from '../../lab/example-data.ts';
import { kokoa } from '../../lab/kokoa-command.ts';
import { type LoopbackWorld, startLoopback } from '../../lab/loopback-world.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { setState } from '../../lab/slot-state.ts';
import { createWrongClock, DAY_MS, NOTICED_MS, type WrongClock, YEAR_MS } from '../../lab/wrong-clock.ts';

const HOST = 'app.hoge.com';
const EDGE = 'tokyo-1';
const SOON_MS = 30_000;
const STORY_MS = 180_000;
const GROWTH_MB_MAX = 20;
const SERVICES = [
  { port: 8080, name: 'home' },
  { port: 8081, name: 'moved' },
] as const;

let run: Run;
let world: LoopbackWorld;
let clock: WrongClock;
let turn = 0;

beforeAll(async () => {
  run = createRun();
  world = await startLoopback(run);
  const machine = world.agents[EDGE];
  clock = createWrongClock(machine.host.directory);
  expect(await machine.join()).toMatchObject({ exitCode: 0 });
  await world.prepareHost(HOST);
  await machine.start(clock.env);
  await world.startService('home', SERVICES[1].name, SERVICES[1].port);
  await serves(0);
}, STORY_MS);

afterAll(async () => {
  expect((await run?.end()) ?? []).toEqual([]);
}, 30_000);

const agent = () => world.agents[EDGE].agent();
const serves = (index: number) => liveEverywhere(world, HOST, SERVICES[index % 2]!.name, SOON_MS, [EDGE]);

/** Commits the other service; answers its number. */
async function routeOn(): Promise<number> {
  turn += 1;
  const { port } = SERVICES[turn % 2]!;
  await world.developer.commit({ [`routes/hoge/${HOST}.yaml`]: routeFile(HOST, 'home', port) }, `turn ${turn}`);
  return turn;
}

async function setClock(aheadMs: number): Promise<void> {
  clock.set(aheadMs);
  // Each thread looks by itself, when it asks for the time again.
  await new Promise((resolve) => setTimeout(resolve, 3 * NOTICED_MS));
}

/** The lines of the agent that are written from now on. */
function linesFromNow(): () => string {
  const { length } = agent().log();
  return () => agent().log().slice(length);
}

async function said(lines: () => string, pattern: RegExp): Promise<void> {
  await expect.poll(lines, { timeout: SOON_MS, interval: 50 }).toMatch(pattern);
}

function memoryMb(): number {
  const status = readFileSync(`/proc/${agent().pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+([0-9]+) kB/m.exec(status)?.[1]) / 1024;
}

const JUMPS = [
  { aheadMs: YEAR_MS, found: '365 days ahead of' },
  { aheadMs: 30 * DAY_MS, found: '30 days ahead of' },
  { aheadMs: -30 * DAY_MS, found: '30 days behind' },
  { aheadMs: -YEAR_MS, found: '365 days behind' },
];

it('a clock that jumps under a running agent takes nothing down, and is over by itself when it is right', {
  timeout: STORY_MS,
}, async () => {
  const [all, memory] = [linesFromNow(), memoryMb()];
  const applied = turn;
  for (const { aheadMs, found } of JUMPS) {
    const lines = linesFromNow();
    await setClock(aheadMs);
    await routeOn();
    await said(lines, new RegExp(`"code":"clock_wrong","detail":"[^"]*${found} the control plane`));
    // What has expired by this clock cannot be told from what is replayed; by a clock that is behind everything is good.
    await serves(aheadMs > 0 ? applied : turn);
  }
  expect(all().match(/"code":"expired"[^\n]*"msg":"refused"/g)).toHaveLength(1);
  const lines = linesFromNow();
  await setClock(0);
  await routeOn();
  await serves(turn);
  await said(lines, /the clock of this machine is right again/);
  // Its reports count as well, although some were signed at a time that is yet to come.
  await allApplied(world, [EDGE], SOON_MS);
  expect(all().match(/the clock of this machine is wrong/g)).toHaveLength(JUMPS.length);
  expect(memoryMb() - memory).toBeLessThan(GROWTH_MB_MAX);
});

it('an agent that starts with a clock a year ahead serves what it served', { timeout: STORY_MS }, async () => {
  await agent().kill9();
  clock.set(YEAR_MS);
  await world.powerOff(EDGE);
  await world.agents[EDGE].start(clock.env);
  await serves(turn);
  const lines = () => agent().log();
  await said(lines, /serving the last known good configuration/);
  await said(lines, /365 days ahead of the control plane/);
  await setClock(0);
  await routeOn();
  await serves(turn);
});

describe('a node that the control plane lets in no more', () => {
  it('suspended while it waits: it serves on, is told no new root, and follows when it is active again', {
    timeout: STORY_MS,
  }, async () => {
    const lines = linesFromNow();
    await setState(world, EDGE, 'suspended');
    await said(lines, /"reason":"suspended"/);
    await serves(turn);
    const { keys } = world.controlFolders;
    expect(await kokoa(run, world.operator, ['keys', 'rotate', '--dir', keys])).toMatchObject({ exitCode: 0 });
    await world.reconciler().stop();
    await world.startReconciler();
    const later = linesFromNow();
    await routeOn();
    await serves(turn - 1);
    await setState(world, EDGE, 'active');
    await serves(turn);
    await said(later, /the control plane answers again/);
  });

  it('its token revoked while it waits: it serves on, and is let in again by git alone', {
    timeout: STORY_MS,
  }, async () => {
    const [lines, memory] = [linesFromNow(), memoryMb()];
    await setState(world, EDGE, 'revoked');
    await said(lines, /"reason":"unauthorized"/);
    await serves(turn);
    await setState(world, EDGE, 'active');
    await routeOn();
    await serves(turn);
    await said(lines, /the control plane answers again/);
    expect(lines().match(/"reason":"unauthorized"/g)).toHaveLength(1);
    expect(memoryMb() - memory).toBeLessThan(GROWTH_MB_MAX);
  });
});
