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
  /** Where a proposal left the followed branch; undefined: the two have nothing in common. @throws KokoaError git_failed */
  mergeBase(branch: string, proposal: string): Promise<string | undefined>;
  /** Data files that differ between the two, sorted by path, content ids as those of Source. @throws KokoaError pull_too_large, git_failed */
  changes(from: string, to: string): Promise<ProposedFile[]>;
  close(): Promise<void>;
}
