// What the nodes are told while settings go out: the newest state under the new settings for those that were reached, under the settled
// ones for everybody else. Law: both know the same routes and the same machines.
import type { Compiled, CompiledNode } from '../compile.ts';
import { isReached, type Rollout } from './rollout.ts';

export type Offered = Pick<Compiled, 'nodes' | 'blobs'>;

/** `behind` undefined: nobody is behind. */
export function offeredOf(newest: Compiled, rollout: Rollout | undefined, behind: Compiled | undefined): Offered {
  if (rollout === undefined || behind === undefined) return newest;
  const nodes = new Map<string, CompiledNode>();
  for (const [node, compiled] of newest.nodes)
    nodes.set(node, isReached(rollout, node) ? compiled : (behind.nodes.get(node) ?? compiled));
  return { nodes, blobs: new Map([...behind.blobs, ...newest.blobs]) };
}
