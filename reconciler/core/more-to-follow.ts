// What is not looked at while a file has mistakes of its own, in one sentence, so that nobody takes a list for the whole of it.
import type { Problem } from './problem.ts';

export const MORE_TO_FOLLOW =
  'More may follow: how the values of a file go together, and with the other files, is looked at when each of them is valid.';

/** From here on rules are about files whose values are all valid (rules.ts). */
const FIRST_RULE_OF_VALID_FILES = 'KK300';

/** True when one of the problems is the reason that its file was not looked at any further. */
export function hidesMore(problems: readonly Problem[]): boolean {
  return problems.some(({ severity, rule }) => severity === 'error' && rule < FIRST_RULE_OF_VALID_FILES);
}
