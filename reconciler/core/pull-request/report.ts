// What was found of a pull request, before anybody says it.
import type { Changes } from '../changes/change.ts';
import type { NeededLines } from '../ownership-lines.ts';
import type { Problem } from '../problem.ts';

/** One line of a file, without what may be secret; undefined: there is none to show. */
export type LineOf = (problem: Problem) => string | undefined;

export type PullReport =
  /** Nothing in it is data of the fleet. */
  | { kind: 'no_data' }
  /** It could not be read, or not within the bounds. */
  | { kind: 'unreadable'; message: string; hint: string }
  /** The branch changed the same files meanwhile. Sorted. */
  | { kind: 'conflict'; files: readonly string[] }
  | { kind: 'errors'; problems: readonly Problem[]; linesNeeded: readonly NeededLines[]; lineOf: LineOf }
  /** Good by itself, on top of a branch from which nothing is published. `files`: where that one is wrong. */
  | { kind: 'broken_base'; files: readonly string[]; warnings: readonly Problem[]; lineOf: LineOf }
  | {
      kind: 'planned';
      changes: Changes;
      warnings: readonly Problem[];
      lineOf: LineOf;
      /** Why the newest commit of the branch is not what is live. */
      held?: string;
    };

export interface JudgedPullRequest {
  number: number;
  /** The commit that was judged, and the one of the branch that it was judged against. */
  commit: string;
  base: string;
  branch: string;
  report: PullReport;
}
