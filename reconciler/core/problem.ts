// A problem is a value: something in the data that a person must change, with the place and what to type instead.
import type { RuleId } from './rules.ts';

/** A place in a file, both from 1. */
export interface Position {
  line: number;
  column: number;
}

export interface Problem extends Position {
  /** Path relative to the data directory, with forward slashes. */
  file: string;
  /** `KKnnn`, listed in rules.ts. */
  rule: string;
  severity: 'error' | 'warning';
  /** Lower case, found against expected, one line. */
  message: string;
  /** What to do, one line. */
  hint: string;
}

/** An error at a place of a file. */
export function problemAt(file: { path: string }, at: Position, rule: RuleId, message: string, hint: string): Problem {
  return { file: file.path, ...at, rule, severity: 'error', message, hint };
}

/** The order in which problems are reported: by file, line, column, rule, message; by code unit, so the same everywhere. */
export function compareProblems(a: Problem, b: Problem): number {
  return (
    byCodeUnit(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    byCodeUnit(a.rule, b.rule) ||
    byCodeUnit(a.message, b.message)
  );
}

function byCodeUnit(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
