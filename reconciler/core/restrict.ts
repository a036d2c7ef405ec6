// Restrictions are never delayed: what the newest head takes away from a node holds at once, even while everything else of that
// head is held back. Law: only less is taken over, never more, and nothing but the node's own token, generation and state.
import { type Desired, type DesiredChange, updateDesired } from './desired.ts';
import type { AnyLoadedFile } from './files.ts';
import { isServed, type Slot, type SlotState, slotsOf } from './slots.ts';

export interface Restriction {
  node: string;
  change: 'token' | 'suspended' | 'revoked' | 'compromised';
}

/** Larger takes more away. */
const SEVERITY: Readonly<Record<SlotState, number>> = {
  active: 0,
  draining: 0,
  suspended: 1,
  revoked: 2,
  compromised: 3,
};

/** True when `state` takes away more than `than` does. */
export function isMoreSevere(state: SlotState, than: SlotState): boolean {
  return SEVERITY[state] > SEVERITY[than];
}

/** The slot's file, in another state. */
export function withState({ file }: Slot, state: SlotState): AnyLoadedFile {
  return { ...file, value: { ...file.value, state } } as AnyLoadedFile;
}

/**
 * `published` with the restrictions of `head` over it; `published` itself when there are none. A node file of the head that is removed or not valid restricts nothing
 * (the guard holds that); one without a token counts as revoked. A changed token brings its generation with it, because the
 * token itself names it: without it neither the old nor the new token would be let in.
 */
export function restrict(published: Desired, head: Desired): { desired: Desired; restrictions: Restriction[] } {
  const slots = slotsOf(published);
  const newest = new Map(slotsOf(head).map((slot) => [slot.node, slot]));
  const tokens = new Set(slots.map(({ tokenSha256 }) => tokenSha256));
  const changes: DesiredChange[] = [];
  const restrictions: Restriction[] = [];
  for (const slot of slots) {
    const next = newest.get(slot.node);
    if (next === undefined || next.role !== slot.role || next.path !== slot.path) continue;
    const moreSevere = isMoreSevere(next.state, slot.state);
    const newToken = isServed(slot) && isNewToken(slot, next, tokens);
    if (!moreSevere && !newToken) continue;
    tokens.add(newToken ? next.tokenSha256 : undefined);
    changes.push({ path: slot.path, file: restrictedFile(slot, next, moreSevere, newToken) });
    restrictions.push({ node: slot.node, change: moreSevere ? (next.state as Restriction['change']) : 'token' });
  }
  return { desired: changes.length === 0 ? published : updateDesired(published, changes), restrictions };
}

/** A token that another published slot holds is not taken over: one bearer must stay one node. */
function isNewToken(slot: Slot, next: Slot, taken: ReadonlySet<string | undefined>): boolean {
  return next.tokenSha256 !== undefined && next.tokenSha256 !== slot.tokenSha256 && !taken.has(next.tokenSha256);
}

function restrictedFile(slot: Slot, next: Slot, moreSevere: boolean, newToken: boolean): AnyLoadedFile {
  const value = {
    ...slot.file.value,
    ...(moreSevere && { state: next.state }),
    ...(newToken && { token: next.tokenSha256, generation: next.generation }),
  };
  return { ...slot.file, value } as AnyLoadedFile;
}
