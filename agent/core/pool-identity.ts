// What an edge does about its pool's identity: make it, open it, wrap it for others, or wait. Laws: it is wrapped to nobody but
// members that the signed config names, and epochs only grow. Who acts first goes by rank, so that two seldom do the same;
// when they do, the store keeps one and the others open it.
import type { PoolIdentity } from '../../bundle/api.ts';
import type { PoolMember } from '../../bundle/config.ts';
import { verifyRelayed } from '../../bundle/relayed.ts';
import type { HeldIdentity } from '../ports/pool-keyring.ts';

/** The next in rank acts when the one before it did nothing for this long. */
export const RANK_STAGGER_MS = 30_000;
/** So long an edge waits for a member that could let it in, before a new identity is made. */
export const WRAP_PATIENCE_MS = 60_000;
export const MEMBERS_MAX = 256;
const WRAP_CHARACTERS_MAX = 4096;

export interface IdentitySituation {
  me: string;
  pool: string;
  /** Of the signed config, sorted by name. */
  members: readonly PoolMember[];
  /** As the mailbox shows it; hostile. */
  relayed: PoolIdentity | undefined;
  held: Pick<HeldIdentity, 'epoch' | 'recipient' | 'wrappedFor'> | undefined;
  /** Signature of a relayed identity whose wrap did not open. */
  unopenable?: string;
  now: number;
  /** The `wait` of last time, and since when it is the same. */
  waiting?: { reason: string; sinceMs: number };
}

export type IdentityPlan =
  | { kind: 'make'; epoch: number; reason: string }
  | { kind: 'open'; relayed: PoolIdentity; wrap: string }
  /** Put the held identity, wrapped anew for every member; `newcomers` have a recipient that no wrap seen so far was for. */
  | { kind: 'wrap'; newcomers: PoolMember[] }
  | { kind: 'settled' }
  | { kind: 'wait'; reason: string; untilMs?: number };

export function planIdentity(situation: IdentitySituation): IdentityPlan {
  const { me, members, relayed, held } = situation;
  if (!members.some(({ node }) => node === me))
    return { kind: 'wait', reason: 'the signed config does not name this edge yet' };
  const accepted = relayed && isAcceptable(relayed, situation) ? relayed : undefined;

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

/** True when a relayed identity is well formed, for this pool, and signed by a member of the signed config. */
export function isAcceptable(
  relayed: PoolIdentity,
  { pool, members }: Pick<IdentitySituation, 'pool' | 'members'>,
): boolean {
  const { epoch, recipient, wraps, by } = relayed;
  if (relayed.pool !== pool || !Number.isSafeInteger(epoch) || epoch < 1 || typeof recipient !== 'string') return false;
  if (typeof wraps !== 'object' || wraps === null || Object.keys(wraps).length > MEMBERS_MAX) return false;
  if (!Object.values(wraps).every((wrap) => typeof wrap === 'string' && wrap.length <= WRAP_CHARACTERS_MAX))
    return false;
  const signer = members.find(({ node }) => node === by);
  return signer !== undefined && verifyRelayed(relayed, signer.signingKey);
}

/** node → recipient as this edge believes each wrap was made; a wrap for nobody of the config is for an unknown recipient. */
export function wrappedForOf(relayed: PoolIdentity, members: readonly PoolMember[]): Record<string, string> {
  const recipients = new Map(members.map(({ node, recipient }) => [node, recipient]));
  return Object.fromEntries(Object.keys(relayed.wraps).map((node) => [node, recipients.get(node) ?? 'unknown']));
}

/** This edge holds the newest identity: rotate it when somebody left, wrap it when somebody came. */
function maintain(
  situation: IdentitySituation,
  held: Pick<HeldIdentity, 'epoch' | 'wrappedFor'>,
  accepted: PoolIdentity | undefined,
): IdentityPlan {
  const { me, members } = situation;
  const recipients = new Map(members.map(({ node, recipient }) => [node, recipient]));
  const gone = Object.keys(held.wrappedFor).filter((node) => recipients.get(node) !== held.wrappedFor[node]);
  if (gone.length > 0) {
    const holders = members.filter(({ node, recipient }) => held.wrappedFor[node] === recipient);
    const reason = `no longer the machine that it was wrapped for: ${gone.sort().slice(0, 5).join(', ')}`;
    return makeInTurn(situation, { reason, epoch: held.epoch + 1, rank: rankOf(me, holders), patienceMs: 0 });
  }
  const missing = members.filter(({ node }) => !accepted || !Object.hasOwn(accepted.wraps, node));
  if (missing.length === 0) return { kind: 'settled' };
  return { kind: 'wrap', newcomers: members.filter(({ node }) => !Object.hasOwn(held.wrappedFor, node)) };
}

/** Another member holds an identity that this edge lacks. */
function enter(situation: IdentitySituation, accepted: PoolIdentity): IdentityPlan {
  const { me, members, unopenable } = situation;
  const wrap = Object.hasOwn(accepted.wraps, me) ? accepted.wraps[me] : undefined;
  if (wrap !== undefined && accepted.signature !== unopenable) return { kind: 'open', relayed: accepted, wrap };
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
  { now, waiting }: IdentitySituation,
  turn: { reason: string; epoch: number; rank: number; patienceMs: number },
): IdentityPlan {
  const sinceMs = waiting?.reason === turn.reason ? waiting.sinceMs : now;
  const untilMs = sinceMs + turn.patienceMs + turn.rank * RANK_STAGGER_MS;
  if (now >= untilMs) return { kind: 'make', epoch: turn.epoch, reason: turn.reason };
  return { kind: 'wait', reason: turn.reason, untilMs };
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
