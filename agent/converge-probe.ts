// Looks at the node from outside, before a change and after it. Law: only what held before and does not hold after condemns a bundle.
import { attempt, type Failure } from './attempt.ts';
import type { Machine } from './converge-machine.ts';
import type { LeftOut } from './core/left-out.ts';
import { narrowed, type Questions, questionsFor } from './look.ts';
import type { VerifiedBundle } from './ports/state.ts';
import { checksThat, stillBroken } from './probe.ts';

/** The answers before a change are awaited while the new tree is written and tested; who takes longer is not asked after it. */
const BEFORE_MS = 400;
const AFTER_MS = 1_000;

export const NOTHING_ASKED: Questions = { hostnames: [], peers: [], controlPlane: false };

/** The questions whose answers were good. Never throws: what cannot be seen condemns nothing. */
export async function lookBefore(
  running: VerifiedBundle,
  wanted: VerifiedBundle,
  machine: Machine,
): Promise<Questions> {
  const questions = questionsFor(running, wanted);
  const { value } = await attempt('probe', () => machine.probe(questions, BEFORE_MS));
  return narrowed(questions, new Set(checksThat('hold', value ?? {})));
}

/** What is left out now is not there, and condemns nothing. */
export function withoutHosts(questions: Questions, leftOut: readonly LeftOut[]): Questions {
  if (leftOut.length === 0) return questions;
  const gone = new Set(leftOut.map(({ name }) => name));
  return { ...questions, hostnames: questions.hostnames.filter((hostname) => !gone.has(hostname)) };
}

export async function lookAfter(questions: Questions, machine: Machine): Promise<Failure | undefined> {
  const look = () => machine.probe(questions, AFTER_MS);
  const { value: broken = [] } = await attempt('probe', () => stillBroken(look, machine.probeMs));
  if (broken.length === 0) return undefined;
  const detail = `held before and not after: ${broken.join(', ')}`;
  return { stage: 'probe', code: 'probe_failed', detail, fault: 'bundle' };
}
