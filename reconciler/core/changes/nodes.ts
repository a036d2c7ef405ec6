// Nodes that a merge adds, removes or changes: what their files say, and the state that follows from it.

import type { Edge } from '../../../schemas/types.ts';
import type { Compiled } from '../compile.ts';
import { type Slot, slotsOf } from '../slots.ts';
import type { FieldChange, Listed, NodeChange } from './change.ts';
import { type Facts, factsOf } from './facts.ts';
import { fieldChanges } from './fields.ts';

/** Sorted by name. A node that changes its role is removed and added. */
export function nodeChanges(from: Compiled | undefined, to: Compiled): Listed<NodeChange> {
  const [before, after] = [nodesIn(from), nodesIn(to)];
  const list: Listed<NodeChange> = { removed: [], added: [], changed: [] };
  for (const [key, node] of before) if (!after.has(key)) list.removed.push(nodeChange(node, []));
  for (const [key, node] of after) {
    const old = before.get(key);
    if (old === undefined) list.added.push(nodeChange(node, []));
    else if (old.slot.file !== node.slot.file || old.pool !== node.pool) {
      const fields = fieldChanges(factsOfNode(old), factsOfNode(node));
      if (fields.length > 0) list.changed.push(nodeChange(node, fields));
    }
  }
  return list;
}

interface PooledSlot {
  slot: Slot;
  /** Edges only. */
  pool?: string;
}

function nodesIn(compiled: Compiled | undefined): Map<string, PooledSlot> {
  if (compiled === undefined) return new Map();
  const { defaultPool } = compiled.routing.settings;
  return new Map(
    slotsOf(compiled.desired).map((slot) => {
      const pool = slot.role === 'edge' ? ((slot.file.value as Edge).pool ?? defaultPool) : undefined;
      return [`${slot.role} ${slot.node}`, { slot, ...(pool !== undefined && { pool }) }];
    }),
  );
}

function nodeChange({ slot: { node, role, path, state }, pool }: PooledSlot, fields: FieldChange[]): NodeChange {
  return { node, role, file: path, ...(pool !== undefined && { pool }), state, fields };
}

/** The state that counts and the pool that it gets, whether its file says so or not. */
function factsOfNode({ slot, pool }: PooledSlot): Facts {
  const facts = factsOf(slot.file.value ?? {});
  facts.set('state', { kind: 'value', text: slot.state });
  if (pool !== undefined) facts.set('pool', { kind: 'value', text: pool });
  return facts;
}
