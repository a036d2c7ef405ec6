// What an edge does about its pool's identity: make it, open it, wrap it for others, or wait. Laws: it is wrapped to nobody but
// members and the escrow key that the signed config names, and to none of them that awaits approval here; and epochs only grow. Who acts
// first goes by rank, so that two seldom do the same; when they do, the store keeps one and the others open it.
import { ESCROW_NAME, type PoolIdentity } from '../../bundle/api.ts';
import type { PoolMember } from '../../bundle/config.ts';
import type { HeldIdentity } from '../ports/pool-keyring.ts';
import { epochMaxOf, leapPatience, seenEpoch } from './identity-epoch.ts';
import { isWellFormed, signerOf } from './relayed-identity.ts';

/** The next in rank acts when the one before it did nothing for this long. */
export const RANK_STAGGER_MS = 30_000;
/** So long an edge waits for a member that could let it in, before a new identity is made. */
export const WRAP_PATIENCE_MS = 60_000;
/** So long two edges may be told of different escrow keys, while a change of settings goes out. */
export const ESCROW_PATIENCE_MS = 3600_000;
const NOT_OF_A_MEMBER = 'the identity in the mailbox is not signed by a member of this pool';

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
  const epochMax = epochMaxOf(situation);
  const isMembers = relayed && isWellFormed(relayed, { pool: situation.pool, epochMax }) && signerOf(relayed, members);
  const signed = isMembers ? relayed : undefined;
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
    return makeInTurn(situation, {
      reason: NOT_OF_A_MEMBER,
      epoch: seenEpoch(situation) + 1,
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
function standOff(situation: IdentitySituation, relayed: PoolIdentity): IdentityPlan {
  const { me, held } = situation;
  const reason = `the identity in the mailbox is that of ${relayed.by}, whom nobody approved here`;
  if (!held || relayed.withheld?.includes(me)) return { kind: 'wait', reason };
  if (relayed.epoch < held.epoch) return { kind: 'wrap' };
  const turn = { reason, epoch: relayed.epoch + 1, rank: 0, patienceMs: leapPatience(situation, relayed.epoch) };
  return inTurn(situation, turn, { kind: 'outbid', epoch: turn.epoch, reason });
}

/** `wrappedFor`: node → recipient. Those that are no member any more, or another machine by now. */
export function goneFrom(wrappedFor: Readonly<Record<string, string>>, members: readonly PoolMember[]): string[] {
  const recipients = new Map(members.map(({ node, recipient }) => [node, recipient]));
  return Object.keys(wrappedFor).filter((node) => recipients.get(node) !== wrappedFor[node]);
}

/** This edge holds the newest identity: rotate it when somebody left, wrap it when somebody came. */
function maintain(situation: IdentitySituation, held: Held, accepted: PoolIdentity | undefined): IdentityPlan {
  const { me, members, escrow, identityEpoch = 1 } = situation;
  const holders = members.filter(({ node, recipient }) => held.wrappedFor[node] === recipient);
  // Who left may have put a larger one that nobody here holds.
  const seen = seenEpoch(situation);
  const leapMs = leapPatience(situation, seen);
  const turnOf = (reason: string, patienceMs: number) => ({
    ...{ reason, epoch: Math.max(held.epoch, seen) + 1 },
    ...{ rank: rankOf(me, holders), patienceMs: Math.max(patienceMs, leapMs) },
  });
  const anew = (reason: string, patienceMs = 0) => makeInTurn(situation, turnOf(reason, patienceMs));

  const gone = goneFrom(held.wrappedFor, members);
  if (gone.length > 0)
    return anew(`no longer the machine that it was wrapped for: ${gone.sort().slice(0, 5).join(', ')}`);
  if (held.escrow !== undefined && held.escrow !== escrow) return anew('the escrow key is another one now');
  if (held.epoch < identityEpoch) return anew(`identityEpoch asks for ${identityEpoch}`);

  const { relayed } = situation;
  const isInTheWay = seen > held.epoch || (seen === held.epoch && relayed?.recipient !== held.recipient);
  if (!accepted && isInTheWay) {
    const turn = turnOf(NOT_OF_A_MEMBER, WRAP_PATIENCE_MS);
    return inTurn(situation, turn, { kind: 'outbid', epoch: turn.epoch, reason: turn.reason });
  }
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
  const leapMs = leapPatience(situation, accepted.epoch);
  if (wrap !== undefined && accepted.signature !== unopenable) {
    const turn = { reason: 'the number of the pool identity leaps', rank: 0, patienceMs: leapMs };
    return inTurn(situation, turn, { kind: 'open', relayed: accepted, wrap });
  }
  if (wrap === undefined && accepted.withheld?.includes(me))
    return { kind: 'wait', reason: `a person has to approve this edge on ${accepted.by}` };
  const reason =
    wrap === undefined
      ? 'no member has wrapped the pool identity for this edge yet'
      : 'the wrap for this edge is for another key';
  return makeInTurn(situation, {
    reason,
    epoch: accepted.epoch + 1,
    rank: rankOf(me, members),
    patienceMs: Math.max(WRAP_PATIENCE_MS, leapMs),
  });
}

interface Turn {
  reason: string;
  rank: number;
  patienceMs: number;
}

function makeInTurn(situation: IdentitySituation, turn: Turn & { epoch: number }): IdentityPlan {
  const epoch = Math.max(turn.epoch, situation.identityEpoch ?? 1);
  return inTurn(situation, turn, { kind: 'make', epoch, reason: turn.reason });
}

/** `plan`, when it has been this edge's turn for long enough. */
function inTurn({ now, waiting }: IdentitySituation, turn: Turn, plan: IdentityPlan): IdentityPlan {
  const sinceMs = waiting?.reason === turn.reason ? waiting.sinceMs : now;
  const untilMs = sinceMs + turn.patienceMs + turn.rank * RANK_STAGGER_MS;
  if (now >= untilMs) return plan;
  return { kind: 'wait', reason: turn.reason, untilMs };
}

function isUnapproved(name: string, { unapproved }: Pick<IdentitySituation, 'unapproved'>): boolean {
  return unapproved?.has(name) === true;
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
