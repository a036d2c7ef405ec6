// Where the desired state comes from: one branch of one repository, read and never written.
import type { FileChange } from '../core/files.ts';

/** A commit of the branch itself, as seen from its tip. */
export interface BranchCommit {
  commit: string;
  /** Its first parent; undefined: it has none. */
  parent: string | undefined;
  /** ms since the epoch, as whoever made the commit says; 0: it says nothing readable. */
  committedMs: number;
}

export interface Source {
  /** Fetches and answers the newest commit of the branch. @throws KokoaError source_unreachable, branch_missing */
  fetch(): Promise<string>;
  /** What the last successful `fetch` answered, also before a restart; without network. Undefined: nothing is kept of this branch. */
  newestKnown(): Promise<string | undefined>;
  /**
   * Data files (kokoa.yaml, routes/, origins/, edges/; *.yaml and *.yml) that differ between two commits, with their new bytes.
   * `from` undefined: all of `to`. Reads only what changed.
   */
  changes(from: string | undefined, to: string): Promise<FileChange[]>;
  /** The bytes of a file that `changes` named by its content id; undefined: it is not here any more, or too large. */
  contents(blob: string): Promise<Uint8Array | undefined>;
  /** True when `ancestor` is reachable from `descendant`; false also when `ancestor` is not in the repository any more. */
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
  /** Older versions of one file along first parents from `commit`, newest first, without the one at `commit` itself. Ends where the file did not exist. */
  history(path: string, commit: string, limit: number): AsyncIterable<FileChange>;
  /** The commits from `to` on along first parents, newest first, at most `limit`. Ends before `from`. @throws KokoaError commit_missing */
  firstParents(from: string | undefined, to: string, limit: number): Promise<BranchCommit[]>;
  close(): Promise<void>;
}
