// What operators took from nodes on the reconciler's machine, laid over what git says. Law: it only takes away; a revocation is for the
// tokens it hit, and ends by itself when git has a newer generation with another token.
import { canonicalJson } from '../../bundle/canonical.ts';
import type { LocalRestriction } from '../ports/restrictions.ts';
import { type Desired, updateDesired } from './desired.ts';
import { isMoreSevere, withState } from './restrict.ts';
import { type Slot, slotsOf } from './slots.ts';

/** `desired` with every restriction in force over it; `desired` itself when none takes anything away. */
export function layOver(desired: Desired, local: readonly LocalRestriction[]): Desired {
  const states = inForce(desired, local);
  if (states.size === 0) return desired;
  const changes = slotsOf(desired).flatMap((slot) => {
    const { state } = states.get(slot.node) ?? slot;
    return isMoreSevere(state, slot.state) ? [{ path: slot.path, file: withState(slot, state) }] : [];
  });
  return changes.length === 0 ? desired : updateDesired(desired, changes);
}

/** Node → the restriction that holds for it, the more severe one of two; sorted by node. Only for nodes that `desired` has. */
export function inForce(desired: Desired, local: readonly LocalRestriction[]): Map<string, LocalRestriction> {
  const found = new Map<string, LocalRestriction>();
  if (local.length === 0) return found;
  const slots = new Map(slotsOf(desired).map((slot) => [slot.node, slot]));
  for (const restriction of local) {
    const { node, state } = restriction;
    const slot = slots.get(node);
    if (slot === undefined || !isInForce(restriction, slot)) continue;
    const other = found.get(node);
    if (other === undefined || isMoreSevere(state, other.state)) found.set(node, restriction);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** False once the machine was given a new token under a newer generation. */
export function isInForce(
  { state, generation, tokenSha256 }: LocalRestriction,
  slot: Pick<Slot, 'generation' | 'tokenSha256'>,
): boolean {
  return state === 'suspended' || slot.generation <= generation || slot.tokenSha256 === tokenSha256;
}

/** Both sorted as the store answers them. */
export function sameRestrictions(a: readonly LocalRestriction[], b: readonly LocalRestriction[]): boolean {
  return a === b || canonicalJson(a) === canonicalJson(b);
}
