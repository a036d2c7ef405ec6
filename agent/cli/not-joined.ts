// Why a join did not succeed, with what to do. Law: everything that was there before is still there.
import type { NodeRole } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { Joined } from '../join.ts';
import { agentCommand } from './agent-command.ts';

const HINTS: Record<string, string> = {
  foreign_root: 'compare --fingerprint with what `kokoa keys status` prints on the control plane',
  not_bound:
    'another machine announced itself for this slot first: make a new token with `kokoa edge token NAME` (it raises the generation)',
  wrong_node: 'the token belongs to another node than the bundle',
  interrupted: 'run the same command again: the keys are kept',
};

export function notJoined({ code, detail }: Joined & { kind: 'refused' }, stateDir: string): KokoaError {
  // The words of the reconciler for keys that another node announced.
  const areAnothers = code === 'not_bound' && /already bound to/.test(detail);
  const hint = areAnothers
    ? `the keys in ${stateDir} are another node’s: take it away first (${agentCommand(stateDir, 'leave')}), or give this one a directory of its own by --state`
    : (HINTS[code] ?? 'see docs/operate.md');
  return new KokoaError(code, `not joined: ${detail}`, { hint });
}

export function otherRole(role: NodeRole, found: NodeRole, node: string): KokoaError {
  return new KokoaError(
    'role_changed',
    `not joined: this machine is to be an ${role}, and git says it is an ${found}`,
    {
      hint: `correct edges/${node}.yaml or origins/${node}.yaml in git; or join again with --role ${found}, if that is meant`,
    },
  );
}
