// What people propose, read as data: never checked out, never run, and bounded, because anybody may propose anything.
import type { Problem } from '../core/problem.ts';

export interface ProposedFile {
  path: string;
  /** Content id of the file where the proposal began; undefined: there was none. */
  before: string | undefined;
  /** Undefined: the proposal removes it, or `problem` says why it is not read. */
  blob: string | undefined;
  bytes?: Uint8Array;
  problem?: Problem;
}

export interface PullSource {
  /**
   * Brings what a pull request proposes and answers its newest commit, 40 hex digits. `expected`: the commit that the forge named;
   * nothing is fetched when it is here. @throws KokoaError pull_missing, pull_too_large, source_unreachable
   */
  fetch(number: number, expected: string): Promise<string>;
  /**
   * Where a proposal left the followed branch, or one of several such places; undefined: the two have nothing in common.
   * @throws KokoaError git_failed, pull_too_large
   */
  mergeBase(branch: string, proposal: string): Promise<string | undefined>;
  /**
   * Data files that git's own merge would leave in another state than the branch with these files in it: it follows renames, looks at
   * every place where the two were one, and joins changes of one file. Sorted. @throws KokoaError git_failed, pull_too_large
   */
  mergedOtherwise(branch: string, proposal: string, files: readonly ProposedFile[]): Promise<string[]>;
  /** Data files that differ between the two, sorted by path, content ids as those of Source. @throws KokoaError pull_too_large, git_failed */
  changes(from: string, to: string): Promise<ProposedFile[]>;
  close(): Promise<void>;
}
