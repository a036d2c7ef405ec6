// A problem is a value: something in the data that a person must change, with the place and what to type instead.

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
