// Which recipients of the pool's identity this edge knows. Laws: only a person makes a stranger known, except where an edge looks for
// the first time and nobody asked for approvals; and what leaves the signed config comes back as a stranger.
import { ESCROW_NAME } from '../../bundle/api.ts';
import type { EdgePart } from '../../bundle/config.ts';
import type { Recipient, RecipientRecord, Stranger } from '../ports/recipient-book.ts';

export interface RecipientSituation {
  pool: string;
  /** All but this edge itself. */
  recipients: readonly Recipient[];
  /** Of last time; undefined: there is none, or it is lost. */
  record: RecipientRecord | undefined;
  approvals: readonly Recipient[];
  /** name → recipient that an identity was wrapped for before there was a record; undefined: there is no identity. */
  wrappedFor: Readonly<Record<string, string>> | undefined;
  /** Nothing is wrapped for a stranger. */
  approvalIsRequired: boolean;
  nowMs: number;
}

/** The members besides `me`, and the escrow key. */
export function recipientsOf({ members, escrow }: Pick<EdgePart, 'members' | 'escrow'>, me: string): Recipient[] {
  return [
    ...members
      .filter(({ node }) => node !== me)
      .map(({ node, recipient, signingKey }) => ({ name: node, recipient, signingKey })),
    ...(escrow === undefined ? [] : [{ name: ESCROW_NAME, recipient: escrow, signingKey: '' }]),
  ];
}

/** The record that follows; both of its lists in the order of `recipients`. */
export function nextRecord(situation: RecipientSituation): RecipientRecord {
  const { pool, recipients, approvals, nowMs } = situation;
  const before = situation.record?.pool === pool ? situation.record : undefined;
  const isKnown = (one: Recipient) =>
    includes(approvals, one) || (before ? includes(before.known, one) : isKnownAtFirst(one, situation));
  const sinceNow = new Date(nowMs).toISOString();
  const strangerOf = (one: Recipient): Stranger =>
    before?.strangers.find((other) => isSame(other, one)) ?? { ...one, since: sinceNow };
  return {
    pool,
    known: recipients.filter(isKnown),
    strangers: recipients.filter((one) => !isKnown(one)).map(strangerOf),
  };
}

export function isSame(one: Recipient, other: Recipient): boolean {
  return one.name === other.name && one.recipient === other.recipient && one.signingKey === other.signingKey;
}

function includes(list: readonly Recipient[], one: Recipient): boolean {
  return list.some((other) => isSame(other, one));
}

/**
 * Those that an identity was wrapped for already; on a new machine everybody, because it has nothing to give yet. A machine that looked in
 * another pool is not new: else a move there and back would make everybody known.
 */
function isKnownAtFirst(
  { name, recipient }: Recipient,
  { record, wrappedFor, approvalIsRequired }: RecipientSituation,
): boolean {
  if (approvalIsRequired || record !== undefined) return false;
  return wrappedFor === undefined || wrappedFor[name] === recipient;
}
