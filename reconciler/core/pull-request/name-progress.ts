// What one edge makes of one name, from what it reported. Law: only an edge that has the change is asked, and what it says while it works
// on something does not replace why that failed before.
import { ANSWERS_MAX, type VisitorAnswer } from '../../../bundle/api.ts';
import type { EdgeProgress } from './edge-progress.ts';
import type { EdgeReport } from './merge-fleet.ts';
import type { TouchedName } from './touched.ts';

export type AtEdge =
  /** It has not taken the change. */
  | { kind: 'waiting' }
  | { kind: 'away' }
  | { kind: 'refused' }
  /** `reason` absent: it is on its way. */
  | { kind: 'certificate'; reason?: string }
  | { kind: 'left_out'; reason: string }
  /** In force there. `isAsked`: an answer is to come. */
  | { kind: 'applied'; isAsked: boolean }
  | { kind: 'live'; status: number }
  | { kind: 'failing'; status?: number; failure?: string }
  | { kind: 'gone' };

/** A report as it is looked up in; made once per edge. */
export interface ReportIndex {
  reasons: ReadonlyMap<string, string>;
  certificates: ReadonlySet<string>;
  /** Undefined: the agent is too old to ask. */
  answers: ReadonlyMap<string, VisitorAnswer> | undefined;
}

/** What the agent says of a certificate that is neither there nor refused (agent/certificates.ts, agent/certificate-orders.ts). */
const ON_ITS_WAY =
  /^(about to be ordered|being ordered|waiting for \S+ to order it|no edge is named to order its certificate yet|handed over later: .*)$/s;

/** How a failure begins that says the same (agent/core/visit-plan.ts). */
const NO_CERTIFICATE = 'no_certificate:';

const WAITING: AtEdge = { kind: 'waiting' };
const AWAY: AtEdge = { kind: 'away' };
const REFUSED: AtEdge = { kind: 'refused' };
const GONE: AtEdge = { kind: 'gone' };

export function reportIndex(report: EdgeReport | undefined): ReportIndex {
  return {
    reasons: new Map(report?.quarantined?.map(({ hostname, reason }) => [hostname, reason])),
    certificates: new Set(report?.certificates?.map(({ hostname }) => hostname)),
    answers: report?.answers && new Map(report.answers.map((answer) => [answer.hostname, answer])),
  };
}

export function nameAtEdge(
  touched: TouchedName,
  edge: EdgeProgress,
  index: ReportIndex,
  { before, asked }: { before: AtEdge | undefined; asked: number },
): AtEdge {
  if (edge.state === 'waiting') return WAITING;
  if (edge.state === 'away') return AWAY;
  if (edge.state === 'refused') return REFUSED;
  if (touched.change === 'removed') return GONE;
  const { name } = touched;
  const reason = index.reasons.get(name);
  if (reason !== undefined) return withReason(touched, reason, index, before);
  const answer = index.answers?.get(name);
  if (answer?.failure?.startsWith(NO_CERTIFICATE)) return onItsWay(before);
  if (answer !== undefined) return answered(answer, touched);
  return { kind: 'applied', isAsked: touched.isAsked && index.answers !== undefined && asked <= ANSWERS_MAX };
}

function withReason(
  { name, needsCertificate }: TouchedName,
  reason: string,
  index: ReportIndex,
  before?: AtEdge,
): AtEdge {
  if (!needsCertificate || index.certificates.has(name)) return { kind: 'left_out', reason };
  if (!ON_ITS_WAY.test(reason)) return { kind: 'certificate', reason };
  return onItsWay(before);
}

function onItsWay(before: AtEdge | undefined): AtEdge {
  return before?.kind === 'certificate' ? before : { kind: 'certificate' };
}

/** A login, a redirect, a page that is not there: somebody answers. */
function answered({ status, failure }: VisitorAnswer, { isClosed }: TouchedName): AtEdge {
  if (status === undefined) return { kind: 'failing', failure: failure ?? 'no answer' };
  const isWanted = status < 500 || (status === 503 && isClosed === true);
  return isWanted ? { kind: 'live', status } : { kind: 'failing', status };
}

/** True when nothing more is to be expected of this edge for this name. */
export function isSettled(at: AtEdge): boolean {
  if (at.kind === 'applied') return !at.isAsked;
  return at.kind === 'live' || at.kind === 'gone' || at.kind === 'away' || at.kind === 'refused';
}

/** True when somebody has to do something. `isLate`: what was waited for will not come by itself. */
export function isTrouble(at: AtEdge, isLate: boolean): boolean {
  if (at.kind === 'certificate') return isLate || at.reason !== undefined;
  if (at.kind === 'waiting') return isLate;
  return at.kind === 'failing' || at.kind === 'left_out' || at.kind === 'refused';
}
