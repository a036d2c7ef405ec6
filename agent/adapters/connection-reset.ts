// Ends connections with the kernel's own means, as if the other side had: who waits on one learns it at once. Needs a kernel with
// CONFIG_INET_DIAG_DESTROY, which Debian's have; without it `ss` says nothing and ends nothing.
import { KokoaError } from '../../bundle/error.ts';
import { nameOf, type Target } from '../core/alternatives.ts';
import type { Connections } from '../ports/connections.ts';
import { runProgram } from './program.ts';

/** Bounds the length of one command. */
const TARGETS_PER_COMMAND_MAX = 50;

/** `commandPrefix` stands before every command, e.g. `['ip', 'netns', 'exec', NAME]`. */
export function createConnectionReset(commandPrefix: readonly string[] = []): Pick<Connections, 'reset'> {
  async function end(targets: readonly Target[]): Promise<void> {
    // ss(8): -K ends what the filter matches and lists it; -H no heading, -n numbers, -t TCP.
    const filter = targets.flatMap((target, index) => [...(index > 0 ? ['or'] : []), 'dst', nameOf(target)]);
    const result = await runProgram([...commandPrefix, 'ss', '-KHnt', ...filter]);
    if (result.ok) return;
    throw new KokoaError('reset_failed', `connections to a dead origin were not reset: ${result.reason}`, {
      hint: 'the agent needs CAP_NET_ADMIN and the program ss (Debian package iproute2)',
    });
  }

  return {
    async reset(targets) {
      for (let from = 0; from < targets.length; from += TARGETS_PER_COMMAND_MAX) {
        await end(targets.slice(from, from + TARGETS_PER_COMMAND_MAX));
      }
    },
  };
}
