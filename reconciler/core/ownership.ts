// A change judged against what it starts from. Law: who owns what is what the base says, never what the change itself says; and a
// change fails for what it brings, not for what was wrong before in files that it leaves alone.
import { approvalHint } from './ownership-approval.ts';
import { type Change, changeBetween, type JudgedData } from './ownership-change.ts';
import { type SettledClashes, settleClashes } from './ownership-clash.ts';
import { judgeOwnership } from './ownership-route.ts';
import { KOKOA_FILE } from './paths.ts';
import { compareProblems, type Problem } from './problem.ts';
import { finished, type Steps } from './steps.ts';

/**
 * Every problem of `head` as a change of `base`, sorted: those of ownership, and those of `head` itself, of which the ones that the
 * base had already, in files that are the same in both, are warnings. Content ids of the two must be of one kind.
 */
export function judgeChange(base: JudgedData, head: JudgedData): Problem[] {
  return finished(problemsOfChange(changeBetween(base, head), base.problems, head.problems));
}

/** The same of problems that were found before: all of both sides, or all that a change of these files can bring about. */
export function* problemsOfChange(
  change: Change,
  before: readonly Problem[],
  after: readonly Problem[],
): Steps<Problem[]> {
  const known = new Set(before.map(placeOf));
  const settled = settleClashes(change, after);
  const kept: Problem[] = [];
  for (const problem of settled.problems) {
    yield;
    kept.push(asOfChange(problem, change, known));
  }
  return [...kept, ...(yield* ownershipProblems(change, settled))].sort(compareProblems);
}

function asOfChange(problem: Problem, change: Change, known: ReadonlySet<string>): Problem {
  if (change.isChanged(problem.file)) return { ...problem, hint: approvalHint(change, problem) };
  const isOld = known.has(placeOf(problem)) && !isCut(problem, change);
  if (problem.severity === 'warning' || !isOld) return problem;
  return { ...problem, severity: 'warning', hint: `${problem.hint}; it is wrong in the base too` };
}

/** A base without any data owns nothing yet: its first kokoa.yaml comes with whoever may merge it. */
function* ownershipProblems(change: Change, { problems, taken }: SettledClashes): Steps<Problem[]> {
  if (change.isFirst || change.routes.length === 0) return [];
  if (change.base.kokoa?.value === undefined) return [unknownOwners(change.routes.length)];
  const refused = Map.groupBy(problems, ({ file }) => file);
  const found: Problem[] = [];
  for (const file of change.routes) {
    yield;
    found.push(...judgeOwnership(change, file, refused.get(file.path) ?? [], taken.has(file.path)));
  }
  return found;
}

function unknownOwners(routes: number): Problem {
  const message = `found a base without a valid ${KOKOA_FILE}, expected one that says who owns the ${routes} changed route${routes === 1 ? '' : 's'}`;
  const hint = `mend ${KOKOA_FILE} in a change of its own first; the operators approve it (its owners in CODEOWNERS)`;
  return { file: KOKOA_FILE, line: 1, column: 1, rule: 'KK365', severity: 'error', message, hint };
}

/** In a file that did not change, the same rule at the same place is the same problem, whatever names its message lists by now. */
function placeOf({ file, rule, line, column }: Problem): string {
  return JSON.stringify([file, rule, line, column]);
}

/** True for the remark that the rest was not read: what is in there may be anything. */
function isCut({ rule, file }: Problem, { isLoaded }: Change): boolean {
  return rule === 'KK001' && !isLoaded(file);
}
