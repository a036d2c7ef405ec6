// `kokoa-agent rotate-key`: leaves the wish for a new WireGuard key beside the running agent, which does the work, and says how far it is.
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { openNodeKeys } from '../adapters/node-keys.ts';
import { openRotationDesk } from '../adapters/rotation-desk.ts';
import { isLocked } from '../adapters/state-lock.ts';
import { rotationText } from '../core/rotation-text.ts';
import type { RotationDesk, RotationProgress, RotationWish } from '../ports/rotation-desk.ts';
import { agentCommand } from './agent-command.ts';
import { readJoined } from './open-joined.ts';

interface Options {
  wait?: boolean;
  abort?: boolean;
}

/** The agent looks four times a second. */
const TAKEN_MS = 5_000;
const WAIT_MS = 10 * 60_000;
const LOOK_MS = 200;
const ENDS: readonly RotationProgress['state'][] = ['done', 'failed', 'aborted'];

const HELP = `
The agent announces the new key, waits until every peer knows it, and uses it
then; tunnels and requests go on meanwhile. Until that moment nothing changes
for anybody, also when the control plane is away. An agent that is killed goes
on where it was.`;

export function registerRotateKey(program: Command): void {
  program
    .command('rotate-key')
    .description('replace the WireGuard key of this node while everything runs')
    .option('--wait', 'stay until the new key is in use, and fail if it cannot be')
    .option('--abort', 'give a replacement up that is under way and keep the old key')
    .addHelpText('after', HELP)
    .action(async ({ wait = false, abort = false }: Options) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      await requireAgent(stateDir);
      const desk = openRotationDesk(stateDir);
      const status = agentCommand(stateDir, 'status');
      const before = await desk.progress();
      await leave(desk, abort ? 'abort' : 'rotate');
      if (abort) return console.log(`the agent keeps the old key, unless the new one is in use already: ${status}`);
      if (!wait) return console.log(`the agent replaces the key: ${status} says how far it is, or give --wait`);
      await follow(desk, before);
      console.log(`fingerprint    ${(await openNodeKeys(stateDir)).fingerprint}`);
    });
}

/** @throws KokoaError not_joined, no_tunnel, agent_not_running */
async function requireAgent(stateDir: string): Promise<void> {
  const { interfaceName } = await readJoined(stateDir);
  if (interfaceName === undefined)
    throw new KokoaError('no_tunnel', 'this node has no WireGuard key in use: it joined with --no-tunnel');
  if (await isLocked(stateDir)) return;
  throw new KokoaError('agent_not_running', 'no agent runs on this state, and only a running one can replace the key', {
    hint: `start it (${agentCommand(stateDir, 'run')}, or systemctl start kokoa-agent), or name another state by --state`,
  });
}

async function leave(desk: RotationDesk, wish: RotationWish): Promise<void> {
  await desk.leaveWish(wish);
  const until = performance.now() + TAKEN_MS;
  while (await desk.hasWish()) {
    if (performance.now() > until)
      throw new KokoaError('agent_busy', `the agent did not take the wish within ${TAKEN_MS / 1000} s`, {
        hint: 'it serves nothing yet, or it is at work on something else; the wish stays: look at kokoa-agent status',
      });
    await delay(LOOK_MS);
  }
}

/** Prints every transition. @throws KokoaError rotation_failed */
async function follow(desk: RotationDesk, before: RotationProgress | undefined): Promise<void> {
  const until = performance.now() + WAIT_MS;
  let shown = '';
  while (performance.now() < until) {
    const progress = await desk.progress();
    const isOld = progress === undefined || (before !== undefined && progress.sinceMs === before.sinceMs);
    if (!isOld || (progress && !ENDS.includes(progress.state))) {
      const text = rotationText(progress!);
      if (text !== shown) console.log(text);
      shown = text;
      if (progress!.state === 'done') return;
      if (ENDS.includes(progress!.state)) throw new KokoaError('rotation_failed', text);
    }
    await delay(LOOK_MS);
  }
  throw new KokoaError('rotation_failed', `not done within ${WAIT_MS / 60_000} minutes: ${shown}`, {
    hint: 'it goes on; look at the nodes that it waits for, or give it up: kokoa-agent rotate-key --abort',
  });
}
