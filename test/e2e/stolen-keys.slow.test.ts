// The online keys are stolen, and the thief answers in the control plane's place. The operator does what docs/operate.md says, and every
// node follows by itself. Real programs on loopback, a production set of keys.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleOf, liveEverywhere } from '../../lab/ask.ts';
import { allApplied } from '../../lab/converged.ts';
import { routeFile } from '../../lab/example-data.ts';
import { takenOver } from '../../lab/forgeries.ts';
import { kokoa } from '../../lab/kokoa-command.ts';
import { type ControlFolders, type LoopbackWorld, startLoopback } from '../../lab/loopback-world.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { usurp } from '../../lab/usurper.ts';
import { EDGES, type EdgeName } from '../../lab/world.ts';
import { loadKeys } from '../../reconciler/adapters/key-files.ts';

const HOST = 'app.hoge.com';
const DECEIVED = 'tokyo-1';
const THIEFS_PORT = 8085;
/** A busy machine is slow; nothing here waits for a long poll to end. */
const SOON_MS = 40_000;
const STORY_MS = 240_000;
const NODES = [...EDGES, 'home'] as const;

let run: Run;
let world: LoopbackWorld;
let rootKeys: string;

beforeAll(async () => {
  run = createRun();
  rootKeys = join(run.directory, 'root-keys');
  world = await startLoopback(run, { rootKeysDir: rootKeys });
  const { agents, developer, files } = world;
  await developer.commit({ 'edges/osaka-1.yaml': files['edges/osaka-1.yaml']! }, 'both edges');
  await Promise.all(
    NODES.map(async (slot) => {
      const { exitCode, stderr } = await agents[slot].join();
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      await agents[slot].start();
    }),
  );
  for (const [name, port] of [
    ['moved', 8081],
    ['thief', THIEFS_PORT],
  ] as const)
    await world.startService('home', name, port);
  await world.prepareHost(HOST);
  await liveEverywhere(world, HOST, 'home', SOON_MS);
}, STORY_MS);

afterAll(async () => {
  expect((await run?.end()) ?? []).toEqual([]);
}, 30_000);

it('the operator’s steps bring every node back without a hand on it, and the thief’s bundles are worth nothing', {
  timeout: STORY_MS,
}, async () => {
  const backup = await backUp('backup');
  const before = NODES.map((slot) => world.agents[slot].agent().pid);
  await routeTo(8081, 'moved');

  const stolen = (await loadKeys(world.controlFolders.keys)).online;
  const newest = await bundleOf(world, DECEIVED);
  const loot = takenOver(newest, stolen, THIEFS_PORT);
  await world.reconciler().kill9();
  const thief = await usurp(world, 'loot', loot);
  // Rightly signed, it is believed; what is for another node is not.
  await liveEverywhere(world, HOST, 'thief', SOON_MS, [DECEIVED]);
  await logged('osaka-1', /"code":"wrong_node"/);
  await liveEverywhere(world, HOST, 'moved', SOON_MS, ['osaka-1']);

  await thief.end();
  const machine = copied('new-machine', backup);
  const { exitCode, stdout } = await kokoa(run, world.operator, [
    'keys',
    'rotate',
    '--dir',
    machine.keys,
    '--root-dir',
    rootKeys,
  ]);
  expect({ exitCode, stdout }).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('root         version 2'),
  });
  await world.startReconciler(machine);
  await liveEverywhere(world, HOST, 'moved', SOON_MS);
  await allApplied(world, NODES, SOON_MS);
  await routeTo(8080, 'home');

  await world.reconciler().stop();
  const later = takenOver(newest, stolen, THIEFS_PORT);
  const again = await usurp(world, 'later', later);
  await logged(DECEIVED, /"code":"(foreign_root|bad_signature)"/);
  again.offer('loot', loot);
  await logged('osaka-1', /"code":"(foreign_root|bad_signature)"/);
  await liveEverywhere(world, HOST, 'home', SOON_MS);
  await again.end();

  const empty = copied('empty-machine', machine);
  rmSync(empty.data, { recursive: true });
  await world.startReconciler(empty);
  await routeTo(8081, 'moved');
  await allApplied(world, NODES, SOON_MS);
  expect(NODES.map((slot) => world.agents[slot].agent().pid)).toEqual(before);
  expect(NODES.map((slot) => world.agents[slot].agent().alive())).toEqual([true, true, true]);
});

/** Commits and waits until both edges serve it: the whole line works. */
async function routeTo(port: number, service: string): Promise<void> {
  await world.developer.commit({ [`routes/hoge/${HOST}.yaml`]: routeFile(HOST, 'home', port) }, `route to ${service}`);
  await liveEverywhere(world, HOST, service, SOON_MS);
}

/** As docs/operate.md says: while the reconciler is stopped. */
async function backUp(name: string): Promise<ControlFolders> {
  await world.reconciler().stop();
  const copy = copied(name, world.controlFolders);
  await world.startReconciler();
  return copy;
}

function copied(name: string, { data, keys }: ControlFolders): ControlFolders {
  const copy = { data: join(run.directory, name, 'data'), keys: join(run.directory, name, 'keys') };
  cpSync(data, copy.data, { recursive: true });
  cpSync(keys, copy.keys, { recursive: true });
  return copy;
}

async function logged(slot: EdgeName, pattern: RegExp): Promise<void> {
  await world.agents[slot].agent().ready(pattern, SOON_MS);
}
