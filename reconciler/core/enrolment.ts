// What a node announces against what git and earlier announcements say. Law: the first announcement binds; keys change only with
// a larger `generation` in git, or a WireGuard key as ADR 24 says, so a stolen token alone replaces nobody.
import type { Enrolment } from '../../bundle/api.ts';
import { canonicalJson } from '../../bundle/canonical.ts';
import type { NodeRole } from '../../bundle/config.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import { UNKNOWN_KEY } from './mended-enrolment.ts';
import type { Slot } from './slots.ts';
import { newKeysOf, takenKeyOf } from './taken-keys.ts';

/** The slot as git states it; `pins` are keys written in YAML. */
export interface EnrolmentSlot {
  node: string;
  role: NodeRole;
  generation: number;
  tokenSha256: string;
  pins: { wireguardPublicKey?: string | undefined };
}

export type Binding =
  /** `bound` is to be saved: a new node, or an old one with new keys. */
  | { kind: 'bind'; bound: BoundEnrolment; reason: string }
  /** `bound` is to be saved: same keys, other facts or another token. */
  | { kind: 'update'; bound: BoundEnrolment; reason: string }
  | { kind: 'unchanged'; bound: BoundEnrolment; reason: string }
  /** The announcement is ignored; `bound` stays in force. */
  | { kind: 'refused'; bound: BoundEnrolment | undefined; reason: string };

/** What does not change under one generation, with the words for it. */
const IDENTITY = [
  ['wireguardPublicKey', 'WireGuard key'],
  ['signingKey', 'signing key'],
  ['recipient', 'age recipient'],
] as const;

/**
 * Judges one announcement. `announced` has passed `validateStatusReport`; unknown members are dropped here. `others` are the
 * bindings of all nodes that are served: nobody may announce a key that another one is bound to, or its next one.
 */
export function bindEnrolment(
  bound: BoundEnrolment | undefined,
  slot: EnrolmentSlot,
  announced: Enrolment,
  others: Iterable<BoundEnrolment> = [],
): Binding {
  const enrolment = known(announced);
  const next = { node: slot.node, tokenSha256: slot.tokenSha256, generation: slot.generation, enrolment };
  const refused = (reason: string): Binding => ({ kind: 'refused', bound, reason });

  const pin = slot.pins.wireguardPublicKey;
  if (pin !== undefined && pin !== enrolment.wireguardPublicKey) {
    return refused(`the WireGuard key is not the one that git pins for ${slot.node}; correct wireguard.publicKey`);
  }
  if (slot.role === 'edge' && enrolment.recipient === undefined) return refused('an edge announces an age recipient');
  if (bound === undefined || slot.generation > bound.generation) {
    const clash = clashOf(slot.node, enrolment, others);
    if (clash !== undefined) return refused(clash);
    return { kind: 'bind', bound: next, reason: bound ? `generation ${slot.generation}` : 'first announcement' };
  }
  const taken = takenKeyOf(slot.node, newKeysOf(bound.enrolment, enrolment), others);
  if (taken !== undefined) return refused(taken);
  const change = changeOf(bound, slot, enrolment);
  if (change !== undefined) {
    const command = `kokoa ${slot.role} token ${slot.node}`;
    return refused(
      `another ${change} is bound; raise generation above ${bound.generation} with a new token: ${command}`,
    );
  }
  // An account changes when a CA forgets it and with the fallback, and stays named when a report leaves it out. A binding never goes back in
  // generations.
  const { generation, sequence } = bound;
  const numbered = { ...next, generation, ...(sequence !== undefined && { sequence }) };
  const kept = { ...numbered, enrolment: withAccountOf(bound.enrolment, enrolment) };
  if (canonicalJson(bound) === canonicalJson(kept)) return { kind: 'unchanged', bound, reason: 'nothing new' };
  if (bound.mended) return { kind: 'update', bound: kept, reason: 'same keys; what was stored of it was damaged' };
  const sameToken = bound.tokenSha256 === slot.tokenSha256;
  return { kind: 'update', bound: kept, reason: sameToken ? 'same keys, other facts' : 'same keys, new token' };
}

/** What `bindEnrolment` needs of a slot; undefined when it has no token and so nobody can announce for it. */
export function enrolmentSlotOf({ node, role, generation, tokenSha256, file }: Slot): EnrolmentSlot | undefined {
  if (tokenSha256 === undefined) return undefined;
  return { node, role, generation, tokenSha256, pins: { wireguardPublicKey: file.value?.wireguard.publicKey } };
}

/**
 * The announcement that speaks for a slot now: made under its token or its generation, and not against a pinned key. A new
 * token of the same generation keeps it; a larger generation with a new token drops it.
 */
export function enrolmentInForce(slot: Slot, bound: BoundEnrolment | undefined): Enrolment | undefined {
  if (bound === undefined || bound.node !== slot.node) return undefined;
  if (bound.tokenSha256 !== slot.tokenSha256 && bound.generation !== slot.generation) return undefined;
  const pin = slot.file.value?.wireguard.publicKey;
  const { wireguardPublicKey: key } = bound.enrolment;
  return pin === undefined || key === UNKNOWN_KEY || pin === key ? bound.enrolment : undefined;
}

/** The words for what differs between two announcements of one generation and may not. */
function changeOf(bound: BoundEnrolment, { role }: EnrolmentSlot, after: Enrolment): string | undefined {
  const { mended, enrolment: before } = bound;
  // Whoever has the token may know a public key of its machine: for an edge, which gets certificates, that is not enough.
  const isNamed = before.signingKey !== UNKNOWN_KEY || (role === 'origin' && before.wireguardPublicKey !== UNKNOWN_KEY);
  if (mended && !isNamed) return 'key, which a damaged store does not name any more,';
  for (const [key, words] of IDENTITY) {
    if (mended && (before[key] ?? UNKNOWN_KEY) === UNKNOWN_KEY) continue;
    // The one way from one key to another: it was announced before as the next, signed by the machine that is bound.
    const isNext = key === 'wireguardPublicKey' && after[key] === before.nextWireguardPublicKey;
    if (before[key] !== after[key] && !isNext) return words;
  }
  return undefined;
}

function clashOf(node: string, enrolment: Enrolment, others: Iterable<BoundEnrolment>): string | undefined {
  const [own, next = own] = [enrolment.wireguardPublicKey, enrolment.nextWireguardPublicKey];
  const all = [...others];
  for (const other of all) {
    if (other.node === node) continue;
    for (const [key, words] of IDENTITY) {
      if (enrolment[key] !== undefined && enrolment[key] === other.enrolment[key]) {
        return `this ${words} is already bound to ${other.node}; every node makes its own`;
      }
    }
  }
  return takenKeyOf(node, [own, next], all);
}

function withAccountOf({ acmeThumbprint }: Enrolment, enrolment: Enrolment): Enrolment {
  return acmeThumbprint === undefined ? enrolment : { acmeThumbprint, ...enrolment };
}

function known(announced: Enrolment): Enrolment {
  const { wireguardPublicKey, nextWireguardPublicKey, signingKey, recipient, acmeThumbprint, address, allow, formats } =
    announced;
  const isNext = nextWireguardPublicKey !== undefined && nextWireguardPublicKey !== wireguardPublicKey;
  return {
    wireguardPublicKey,
    ...(isNext && { nextWireguardPublicKey }),
    signingKey,
    ...(recipient !== undefined && { recipient }),
    ...(acmeThumbprint !== undefined && { acmeThumbprint }),
    ...(address !== undefined && { address: knownAddress(address) }),
    ...(allow !== undefined && { allow }),
    formats,
  };
}

function knownAddress({ ipv4, ipv6 }: NonNullable<Enrolment['address']>): NonNullable<Enrolment['address']> {
  return { ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) };
}
