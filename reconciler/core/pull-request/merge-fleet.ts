// What the control plane knows while a merge goes out, as a value: what is published, what is held back, what every edge reported.
import type { StatusReport } from '../../../bundle/api.ts';
import type { Problem } from '../problem.ts';
import type { SlotState } from '../slots.ts';
import type { Touched } from './touched.ts';

/** A commit of the followed branch, or the commits of one pull request that was merged without a merge commit. */
export interface Merge {
  /** 40 hex digits; the newest one. */
  commit: string;
  /** When it was published, as far as we saw; ms since the epoch. Waiting is counted from here. */
  sinceMs: number;
  touched: Touched;
}

export interface MergeFleet {
  /** True when the commit whose files are live contains the merge. */
  isPublished: boolean;
  /** False: the branch was rewritten without it. */
  isInBranch: boolean;
  /** Why the newest commit is not what is live. */
  hold: { message: string; hint: string } | undefined;
  /** Files left out of what is published, or there in an older version → first problem of the newest one. */
  quarantined: ReadonlyMap<string, Problem>;
  /** Touched files that a later commit has changed again. */
  changedSince: ReadonlySet<string>;
  /** Removed names that another file has now. */
  takenOver: ReadonlySet<string>;
  /** Those that are active or draining, sorted by name. */
  edges: readonly MergeEdge[];
}

export interface MergeEdge {
  node: string;
  pool: string;
  state: SlotState;
  /** Hash of the config that is published for it; undefined: none. */
  published: string | undefined;
  /** ms since the epoch; undefined: never heard of. */
  lastSeenMs: number | undefined;
  report: EdgeReport | undefined;
  /** The newest settings of kokoa.yaml have not reached it: what is published for it has older ones. */
  isBehind?: true;
}

export type EdgeReport = Pick<
  StatusReport,
  'state' | 'offered' | 'applied' | 'error' | 'quarantined' | 'certificates' | 'answers'
>;
