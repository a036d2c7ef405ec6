// `kokoa-agent run` and `once`: follow the control plane, or converge one time.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { convergeOnce, followControlPlane } from '../loop.ts';
import { openNode } from '../node.ts';
import { interruption } from './interruption.ts';

export function registerRun(program: Command): void {
  program
    .command('run')
    .description('serve the last known good configuration, then follow the control plane until stopped')
    .action(async () => {
      const node = await openNode(stateDirOf(program));
      await followControlPlane(node, interruption());
      await node.control.close();
    });
  program
    .command('once')
    .description('pull and apply one time; exit 0 when the node equals its newest bundle')
    .action(async () => {
      const node = await openNode(stateDirOf(program));
      const outcome = await convergeOnce(node);
      await node.control.close();
      if (outcome.kind === 'applied') console.log(`applied version ${outcome.bundle.version}`);
      else if (outcome.kind === 'unchanged') console.log('nothing newer');
      else if (outcome.kind === 'unavailable') throw new KokoaError('control_plane_unavailable', outcome.message);
      else throw new KokoaError(outcome.code, `${outcome.kind} at ${outcome.stage}: ${outcome.detail}`);
    });
}

function stateDirOf(program: Command): string {
  return resolve(program.opts<{ state: string }>().state);
}
