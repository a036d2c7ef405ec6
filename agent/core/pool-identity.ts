// What an edge does about its pool's identity: make it, open it, wrap it for others, or wait. Laws: it is wrapped to nobody but
// members and the escrow key that the signed config names, and to none of them that awaits approval here; and epochs only grow. Who acts
// first goes by rank, so that two seldom do the same; when they do, the store keeps one and the others open it.
import { ESCROW_NAME, type PoolIdentity } from '../../bundle/api.ts';
import type { PoolMember } from '../../bundle/config.ts';
import type { HeldIdentity } from '../ports/pool-keyring.ts';
import { isWellFormed, signerOf } from './relayed-identity.ts';

/** The next in rank acts when the one before it did nothing for this long. */
export const RANK_STAGGER_MS = 30_000;
/** So long an edge waits for a member that could let it in, before a new identity is made. */
export const WRAP_PATIENCE_MS = 60_000;
/** So long two edges may be told of different escrow keys, while a change of settings goes out. */
export const ESCROW_PATIENCE_MS = 3600_000;
/** No epoch above it is answered by a larger one: the mailbox takes one million. */
const OUTBID_EPOCH_MAX = 500_000;

export interface IdentitySituation {
  me: string;
  pool: string;
  /** Of the signed config, sorted by name. */
  members: readonly PoolMember[];
  /** Of the signed config. */
  escrow?: string | undefined;
  identityEpoch?: number | undefined;
  /** Names of members, or ESCROW_NAME, that await a person's approval on this edge. */
  unapproved?: ReadonlySet<string>;
  /** As the mailbox shows it; hostile. */
  relayed: PoolIdentity | undefined;
  held: Pick<HeldIdentity, 'epoch' | 'recipient' | 'wrappedFor' | 'escrow'> | undefined;
  /** Signature of a relayed identity whose wrap did not open. */
  unopenable?: string;
  now: number;
  /** The `wait` of last time, and since when it is the same. */
  waiting?: { reason: string; sinceMs: number };
}

type Held = NonNullable<IdentitySituation['held']>;

export type IdentityPlan =
  | { kind: 'make'; epoch: number; reason: string }
  | { kind: 'open'; relayed: PoolIdentity; wrap: string }
  /** Put the held identity, wrapped anew for every member that is approved. */
  | { kind: 'wrap' }
  /** The same, under a larger epoch. */
  | { kind: 'outbid'; epoch: number; reason: string }
  | { kind: 'settled' }
  | { kind: 'wait'; reason: string; untilMs?: number };

export function planIdentity(situation: IdentitySituation): IdentityPlan {
  const { me, members, relayed, held } = situation;
  if (!members.some(({ node }) => node === me))
    return { kind: 'wait', reason: 'the signed config does not name this edge yet' };
  const signed = relayed && isWellFormed(relayed, situation) && signerOf(relayed, members) ? relayed : undefined;
  // Whoever passes on what is held here anyway says nothing that has to be believed.
  const isTrusted = signed && (!isUnapproved(signed.by, situation) || signed.recipient === held?.recipient);
  if (signed && !isTrusted) return standOff(situation, signed);
  const accepted = signed;

  if (held && (!accepted || accepted.epoch < held.epoch)) return maintain(situation, held, undefined);
  if (held && accepted && accepted.epoch === held.epoch && accepted.recipient === held.recipient) {
    return maintain(situation, held, accepted);
  }
  if (accepted) return enter(situation, accepted);
  if (relayed) {
    const reason = 'the identity in the mailbox is not signed by a member of this pool';
    return makeInTurn(situation, {
      reason,
      epoch: epochAfter(relayed),
      rank: rankOf(me, members),
      patienceMs: WRAP_PATIENCE_MS,
    });
  }
  return makeInTurn(situation, {
    reason: 'the pool has no identity yet',
    epoch: 1,
    rank: rankOf(me, members),
    patienceMs: 0,
  });
}

/** Members to whom this edge wraps nothing now, sorted. */
export function withheldFrom({ me, members, unapproved }: Pick<IdentitySituation, 'me' | 'members' | 'unapproved'>) {
  return members
    .map(({ node }) => node)
    .filter((node) => node !== me && unapproved?.has(node))
    .sort();
}

/**
 * A member that awaits approval here made an identity. It is not opened. An edge that holds one answers with its own under a larger epoch,
 * unless the other one awaits a person in the same way: of two such edges one has to be silent.
 */
function standOff({ me, held }: IdentitySituation, relayed: PoolIdentity): IdentityPlan {
  const reason = `the identity in the mailbox is that of ${relayed.by}, whom nobody approved here`;
  if (!held || relayed.withheld?.includes(me)) return { kind: 'wait', reason };
  if (relayed.epoch < held.epoch) return { kind: 'wrap' };
  return relayed.epoch >= OUTBID_EPOCH_MAX
    ? { kind: 'wait', reason }
    : { kind: 'outbid', epoch: relayed.epoch + 1, reason };
}

/** This edge holds the newest identity: rotate it when somebody left, wrap it when somebody came. */
function maintain(situation: IdentitySituation, held: Held, accepted: PoolIdentity | undefined): IdentityPlan {
  const { me, members, escrow, identityEpoch = 1 } = situation;
  const holders = members.filter(({ node, recipient }) => held.wrappedFor[node] === recipient);
  const anew = (reason: string, patienceMs = 0) =>
    makeInTurn(situation, { reason, epoch: held.epoch + 1, rank: rankOf(me, holders), patienceMs });

  const recipients = new Map(members.map(({ node, recipient }) => [node, recipient]));
  const gone = Object.keys(held.wrappedFor).filter((node) => recipients.get(node) !== held.wrappedFor[node]);
  if (gone.length > 0)
    return anew(`no longer the machine that it was wrapped for: ${gone.sort().slice(0, 5).join(', ')}`);
  if (held.escrow !== undefined && held.escrow !== escrow) return anew('the escrow key is another one now');
  if (held.epoch < identityEpoch) return anew(`identityEpoch asks for ${identityEpoch}`);

  if (lacks(situation, accepted)) return { kind: 'wrap' };
  const foreign = accepted?.escrow !== undefined && accepted.escrow.recipient !== escrow;
  return foreign ? anew('it is wrapped to another escrow key', ESCROW_PATIENCE_MS) : { kind: 'settled' };
}

/** True when the mailbox does not say all that this edge has to say. */
function lacks(situation: IdentitySituation, accepted: PoolIdentity | undefined): boolean {
  if (!accepted) return true;
  const { members, escrow } = situation;
  const { wraps, withheld = [] } = accepted;
  const isMissing = ({ node }: PoolMember) =>
    !Object.hasOwn(wraps, node) && !(isUnapproved(node, situation) && withheld.includes(node));
  const lacksEscrow = escrow !== undefined && !accepted.escrow && !isUnapproved(ESCROW_NAME, situation);
  return members.some(isMissing) || lacksEscrow;
}

/** Another member holds an identity that this edge lacks. */
function enter(situation: IdentitySituation, accepted: PoolIdentity): IdentityPlan {
  const { me, members, unopenable } = situation;
  const wrap = Object.hasOwn(accepted.wraps, me) ? accepted.wraps[me] : undefined;
  if (wrap !== undefined && accepted.signature !== unopenable) return { kind: 'open', relayed: accepted, wrap };
  if (wrap === undefined && accepted.withheld?.includes(me))
    return { kind: 'wait', reason: `a person has to approve this edge on ${accepted.by}` };
  const reason =
    wrap === undefined
      ? 'no member has wrapped the pool identity for this edge yet'
      : 'the wrap for this edge is for another key';
  return makeInTurn(situation, {
    reason,
    epoch: epochAfter(accepted),
    rank: rankOf(me, members),
    patienceMs: WRAP_PATIENCE_MS,
  });
}

function makeInTurn(
  { now, waiting, identityEpoch = 1 }: IdentitySituation,
  turn: { reason: string; epoch: number; rank: number; patienceMs: number },
): IdentityPlan {
  const sinceMs = waiting?.reason === turn.reason ? waiting.sinceMs : now;
  const untilMs = sinceMs + turn.patienceMs + turn.rank * RANK_STAGGER_MS;
  if (now >= untilMs) return { kind: 'make', epoch: Math.max(turn.epoch, identityEpoch), reason: turn.reason };
  return { kind: 'wait', reason: turn.reason, untilMs };
}

function isUnapproved(name: string, { unapproved }: Pick<IdentitySituation, 'unapproved'>): boolean {
  return unapproved?.has(name) === true;
}

function epochAfter({ epoch }: PoolIdentity): number {
  return Number.isSafeInteger(epoch) && epoch >= 0 && epoch < Number.MAX_SAFE_INTEGER ? epoch + 1 : 1;
}

function rankOf(node: string, members: readonly PoolMember[]): number {
  return Math.max(
    0,
    members
      .map((member) => member.node)
      .sort()
      .indexOf(node),
  );
}
