// Whether a report speaks for its node at all. Law: only the machine that has the announced signing key can say something, and only something
// newer than what it said before; a token alone says nothing.
import { isSignedReport } from '../../bundle/announcement.ts';
import type { StatusReport } from '../../bundle/api.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import { type Binding, bindEnrolment, type EnrolmentSlot } from './enrolment.ts';

export type Judgement =
  | Binding
  /** Signed by the machine that is bound, but said before: repeated by somebody, or the clock of the node went back. */
  | { kind: 'older'; newest: number; reason: string };

/**
 * Judges the report that came under the slot's token; it has passed `validateStatusReport`. `newest`: the largest number of a report that the
 * bound machine was heard with. `others`: see `bindEnrolment`.
 */
export function judgeReport(
  bound: BoundEnrolment | undefined,
  slot: EnrolmentSlot,
  report: StatusReport,
  newest: number,
  others: Iterable<BoundEnrolment> = [],
): Judgement {
  const { sequence, signature, enrolment } = report;
  if (sequence === undefined || signature === undefined) {
    return { kind: 'refused', bound, reason: 'it is not signed; update the agent, and look who else has the token' };
  }
  if (!isSignedReport(report, slot.node)) {
    return { kind: 'refused', bound, reason: 'the signature is not that of the signing key which it announces' };
  }
  const binding = bindEnrolment(bound, slot, enrolment, others);
  if (binding.kind === 'refused') return binding;
  const isSameMachine = bound?.enrolment.signingKey === enrolment.signingKey;
  if (isSameMachine && sequence <= newest) {
    const reason = 'it is older than what was heard: somebody repeats it, or the clock of the node went back';
    return { kind: 'older', newest, reason };
  }
  return binding.kind === 'unchanged' ? binding : { ...binding, bound: { ...binding.bound, sequence } };
}
