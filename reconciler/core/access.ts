// Who may speak for which node: the only thing a bearer token is looked up in.
import type { NodeRole } from '../../bundle/config.ts';
import type { Desired } from './desired.ts';
import { type SlotState, slotsOf } from './slots.ts';

export interface Access {
  node: string;
  role: NodeRole;
  generation: number;
  state: SlotState;
}

/** sha256 of a token (lower-case hex) → its slot. */
export type AccessMap = ReadonlyMap<string, Access>;

/** Every slot that has a token. A token in two files (a state the rules refuse) is the first node's by name. */
export function accessOf(desired: Desired): Map<string, Access> {
  const access = new Map<string, Access>();
  for (const { node, role, generation, state, tokenSha256 } of slotsOf(desired)) {
    if (tokenSha256 === undefined || access.has(tokenSha256)) continue;
    access.set(tokenSha256, { node, role, generation, state });
  }
  return access;
}
