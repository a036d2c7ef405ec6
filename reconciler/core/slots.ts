// The slots of a Desired: every edge and origin file, with the defaults filled in and a state that can be trusted.

import { COMPROMISED_MAX } from '../../bundle/certificate-text.ts';
import type { NodeRole } from '../../bundle/config.ts';
import type { Edge, Origin } from '../../schemas/types.ts';
import { claimOf, type Desired } from './desired.ts';
import type { LoadedFile } from './files.ts';
import { entriesOf } from './persistent-map.ts';

export type SlotState = 'active' | 'draining' | 'suspended' | 'revoked' | 'compromised';

export interface Slot {
  node: string;
  role: NodeRole;
  path: string;
  /** A slot without a token counts as revoked: nothing could ever authenticate as it. */
  state: SlotState;
  generation: number;
  /** Lower-case hex. */
  tokenSha256: string | undefined;
  file: LoadedFile<'edge'> | LoadedFile<'origin'>;
}

/** All slots, sorted by name. A name claimed twice (a state the rules refuse) is the edge's. */
export function slotsOf(desired: Desired): Slot[] {
  const slots = new Map<string, Slot>();
  for (const [name] of entriesOf(desired.origins)) addSlot(slots, 'origin', claimOf(desired.origins, name));
  for (const [name] of entriesOf(desired.edges)) addSlot(slots, 'edge', claimOf(desired.edges, name));
  return [...slots.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
}

/** True for a slot that gets a config and whose peers keep it. */
export function isServed(slot: { state: SlotState }): boolean {
  return slot.state !== 'revoked' && slot.state !== 'compromised';
}

/**
 * Pool → `NODE/GENERATION` of its compromised edges, sorted, at most `COMPROMISED_MAX`: what they had of it is ordered anew. The same generation
 * compromised a second time is the same entry.
 */
export function compromisedByPool(desired: Desired, defaultPool: string): Record<string, string[]> {
  const edges = slotsOf(desired).filter(({ role, state }) => role === 'edge' && state === 'compromised');
  const byPool = Map.groupBy(edges, ({ file }) => (file.value as Edge).pool ?? defaultPool);
  const entryOf = ({ node, generation }: Slot) => `${node}/${generation}`;
  return Object.fromEntries([...byPool].map(([pool, slots]) => [pool, slots.slice(0, COMPROMISED_MAX).map(entryOf)]));
}

/** `sha256:` in front is optional in YAML. */
export function tokenHashOf(value: Edge | Origin): string | undefined {
  return value.token?.replace(/^sha256:/, '');
}

function addSlot(slots: Map<string, Slot>, role: NodeRole, file: Slot['file'] | undefined): void {
  if (file?.value === undefined) return;
  const { value, path } = file;
  const tokenSha256 = tokenHashOf(value);
  const stated = value.state ?? 'active';
  slots.set(value.name, {
    node: value.name,
    role,
    path,
    state: tokenSha256 === undefined && stated !== 'compromised' ? 'revoked' : stated,
    generation: value.generation ?? 1,
    tokenSha256,
    file,
  });
}
