// What suspend, resume and revoke come to: a pure decision over what the store knows. Law: only resume gives back, only what suspend took
// here, and never what git says.
import { KokoaError } from '../../bundle/error.ts';
import { isInForce } from '../core/local-restriction.ts';
import { shown } from '../core/shown.ts';
import { didYouMean } from '../core/suggest.ts';
import type { KnownSlot, LocalRestriction } from '../ports/restrictions.ts';

export interface KnownState {
  slots: readonly KnownSlot[];
  restrictions: readonly LocalRestriction[];
}

export interface Change {
  put?: LocalRestriction;
  drop?: LocalRestriction['state'];
  /** What to tell the operator, in lines of at most 80 columns as far as names allow. */
  said: string[];
}

const NAMES_MAX = 10;

/** `data`: what names the store in a command that is printed, such as ` --data DIR`. */
export function suspending(state: KnownState, node: string, reason: string, nowMs: number, data = ''): Change {
  const slot = slotOf(state, node);
  const { suspended, revoked } = heldOf(state, slot);
  if (revoked)
    throw new KokoaError('already_revoked', `${node} was revoked here at ${timeOf(revoked)}, which takes more`, {
      hint: 'Nothing was changed.',
    });
  if (suspended) return { said: [`${node} was suspended here at ${timeOf(suspended)} already; nothing was changed`] };
  return {
    put: restrictionOf(slot, 'suspended', reason, nowMs),
    said: [
      `suspended    ${described(slot)}`,
      'it is told   403, and nothing new; it keeps serving what it has',
      `to undo it   kokoa resume ${node}${data}`,
    ],
  };
}

export function revoking(state: KnownState, node: string, reason: string, nowMs: number): Change {
  const slot = slotOf(state, node);
  const { suspended, revoked } = heldOf(state, slot);
  if (revoked) return { said: [`${node} was revoked here at ${timeOf(revoked)} already; nothing was changed`] };
  return {
    put: restrictionOf(slot, 'revoked', reason, nowMs),
    ...(suspended && { drop: 'suspended' as const }),
    said: [
      `revoked      ${described(slot)}, generation ${slot.generation}`,
      'it is told   401; other nodes drop it from tunnels and pools',
      `then         set state: revoked in ${fileOf(slot)} when git is back`,
      `back in      only with a new token: kokoa ${slot.role} token ${node}`,
    ],
  };
}

export function resuming(state: KnownState, node: string): Change {
  if (isLeftBehind(state, node)) return { drop: 'suspended', said: [`resumed      ${node}, of which no file is live`] };
  const slot = slotOf(state, node);
  const { suspended, revoked } = heldOf(state, slot);
  if (revoked)
    throw new KokoaError(
      'revoked_for_good',
      `${node} was revoked here at ${timeOf(revoked)}: its token is never good again`,
      {
        hint: [
          `Give the machine a new token of a generation above ${revoked.generation}, merge it, join again:`,
          `  kokoa ${slot.role} token ${node}`,
          'The revocation made here then ends by itself.',
        ].join('\n'),
      },
    );
  if (!suspended)
    throw new KokoaError('not_restricted', `${node} was not suspended here; git says ${slot.state}`, {
      hint: slot.state === 'active' ? 'There is nothing to undo.' : `Its state is set in ${fileOf(slot)}.`,
    });
  return {
    drop: 'suspended',
    said: [
      `resumed      ${described(slot)}`,
      ...(slot.state === 'active' ? [] : [`             what git says stays, and is set in ${fileOf(slot)}`]),
    ],
  };
}

/** @throws KokoaError name_unknown */
function slotOf({ slots }: KnownState, node: string): KnownSlot {
  const slot = slots.find((one) => one.node === node);
  if (slot) return slot;
  const names = slots.map((one) => one.node);
  const near = didYouMean(node, names);
  const list = `${names.slice(0, NAMES_MAX).join(', ')}${names.length > NAMES_MAX ? ', …' : ''}`;
  const known = names.length > 0 ? `There are ${list}.` : 'Nothing was published from here yet.';
  throw new KokoaError('name_unknown', `no edge or origin that is live is called ${shown(node)}`, {
    hint: near === undefined ? known : `Did you mean ${near}?`,
  });
}

/** Suspended here, and then its file went. */
function isLeftBehind({ slots, restrictions }: KnownState, node: string): boolean {
  const isNamed = (one: { node: string }) => one.node === node;
  return !slots.some(isNamed) && restrictions.some((one) => isNamed(one) && one.state === 'suspended');
}

function heldOf({ restrictions }: KnownState, slot: KnownSlot) {
  const held = restrictions.filter((one) => one.node === slot.node && isInForce(one, slot));
  const of = (state: LocalRestriction['state']) => held.find((one) => one.state === state);
  return { suspended: of('suspended'), revoked: of('revoked') };
}

function restrictionOf(
  { node, generation, tokenSha256 }: KnownSlot,
  state: LocalRestriction['state'],
  reason: string,
  sinceMs: number,
): LocalRestriction {
  return { node, state, reason, sinceMs, generation, tokenSha256 };
}

function described({ node, role, state }: KnownSlot): string {
  return `${node} (${role}; git says ${state})`;
}

function fileOf({ node, role }: KnownSlot): string {
  return `${role}s/${node}.yaml`;
}

function timeOf({ sinceMs }: LocalRestriction): string {
  return `${new Date(sinceMs).toISOString().slice(0, 19)}Z`;
}
