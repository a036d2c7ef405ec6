// What `kokoa-agent status` says of the recipients of the pool's identity. Law: the fingerprint of a stranger is not shown beside the
// command that approves it: it is to be read on the other machine.
import { ESCROW_NAME } from '../bundle/api.ts';
import { labelledLine } from './core/labelled-line.ts';
import type { Stranger } from './ports/recipient-book.ts';

const SHOWN_MAX = 5;

export interface RecipientsReading {
  /** Of this edge's own keys, for others to approve. */
  poolFingerprint?: string | undefined;
  /** Of this edge, `age1…`: what is sealed for this machine alone is sealed to it. */
  recipient?: string | undefined;
  strangers?: readonly Stranger[] | undefined;
  approvalIsRequired?: boolean | undefined;
  /** `kokoa-agent approve`, as a person types it here. */
  approvedBy?: string | undefined;
}

export function describeRecipients({
  poolFingerprint,
  recipient,
  strangers = [],
  approvalIsRequired,
  approvedBy,
}: RecipientsReading) {
  const more = strangers.length - SHOWN_MAX;
  return {
    facts: {
      poolKey: poolFingerprint,
      recipient,
      approvalIsRequired: approvalIsRequired || undefined,
      ...(strangers.length > 0 && {
        unacknowledged: strangers.map(({ name, recipient: key, since, given }) => ({
          ...{ name, recipient: key, since },
          given: given ?? false,
        })),
      }),
    },
    lines: [
      ...(poolFingerprint === undefined
        ? []
        : labelledLine('pool key', `${poolFingerprint} ${recipient ?? ''}`.trimEnd())),
      ...strangers.slice(0, SHOWN_MAX).flatMap((one) => labelledLine('recipient', textOf(one, approvedBy))),
      ...(more > 0 ? labelledLine('', `and ${more} more`) : []),
    ],
  };
}

function textOf({ name, since, given }: Stranger, approvedBy = 'kokoa-agent approve'): string {
  const isEscrow = name === ESCROW_NAME;
  const what = given ? 'has the keys of the pool' : 'gets no keys of the pool';
  const who = isEscrow ? 'the escrow key' : name;
  const command = isEscrow ? `${approvedBy} --escrow RECIPIENT` : `${approvedBy} ${name} FINGERPRINT`;
  const where = isEscrow ? 'the one that you keep offline' : `the pool key that kokoa-agent status prints there`;
  return `${who}, new since ${since.replace(/\.\d+/, '')}, ${what}, and nobody approved it: ${command}, with ${where}`;
}
