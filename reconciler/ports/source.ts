// Where the desired state comes from: one branch of one repository, read and never written.
import type { FileChange } from '../core/files.ts';

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
  /** True when `ancestor` is reachable from `descendant`; false also when `ancestor` is not in the repository any more. */
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
  /** Older versions of one file along first parents from `commit`, newest first, without the one at `commit` itself. Ends where the file did not exist. */
  history(path: string, commit: string, limit: number): AsyncIterable<FileChange>;
  close(): Promise<void>;
}
