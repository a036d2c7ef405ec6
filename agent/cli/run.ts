// `kokoa-agent run` and `once`: follow the control plane, or converge one time.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { keepHeapSmall } from '../adapters/heap.ts';
import { convergeOnce, followControlPlane } from '../loop.ts';
import type { Node } from '../node.ts';
import { shownFailure } from './failure.ts';
import { interruption } from './interruption.ts';
import { openAlone } from './open-joined.ts';

export function registerRun(program: Command): void {
  program
    .command('run')
    .description('serve the last known good configuration, then follow the control plane until stopped')
    .action(async () => {
      keepHeapSmall();
      const ending = withNode(program, (node) => followControlPlane(node, interruption()));
      const exitCode = await ending.then(
        () => 0,
        (error: unknown) => {
          console.error(shownFailure(error));
          return 1;
        },
      );
      // Whatever is still at work works for nobody now: the lock is given up.
      process.exit(exitCode);
    });
  program
    .command('once')
    .description('pull and apply one time; exit 0 when the node equals its newest bundle')
    .action(async () => {
      const polled = await withNode(program, convergeOnce);
      if (polled.kind === 'unavailable')
        throw new KokoaError('control_plane_unavailable', polled.message, { hint: UNAVAILABLE });
      if (polled.kind === 'unchanged') return console.log('nothing newer');
      const { outcome } = polled;
      if (outcome.kind !== 'applied') {
        throw new KokoaError(outcome.code, `${outcome.kind} at ${outcome.stage}: ${outcome.detail}`);
      }
      console.log(`applied version ${outcome.bundle.version}`);
    });
}

const UNAVAILABLE =
  'what was applied before goes on. Status 401: the token is not the newest of this node, so join again with the newest; 403: ' +
  'it is suspended in git; else see that the control plane runs and is reached from here';

/** Opens the node for one command; nobody else changes it meanwhile. @throws KokoaError state_in_use, and what opening throws */
async function withNode<T>(program: Command, use: (node: Node) => Promise<T>): Promise<T> {
  const stateDir = resolve(program.opts<{ state: string }>().state);
  const { node, lock } = await openAlone(stateDir);
  try {
    return await use(node);
  } finally {
    await node.control.close();
    lock.release();
  }
}
