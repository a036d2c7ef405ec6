// Where pull requests live: what the reconciler reads of them and says on them. Law: what is said is put, not added. Every operation looks
// first, so that it may be repeated at any time: after a timeout that had succeeded, after a restart, by a second process.
//
// Every operation throws ForgeError and nothing else, is tried a bounded number of times, and is never needed for an edge to go on.
import { KokoaError, type KokoaErrorOptions } from '../../bundle/error.ts';

/** GitHub takes 65 536; the rest is room for the marker. */
export const COMMENT_CHARACTERS_MAX = 60_000;
export const ANNOTATIONS_MAX = 1000;
export const PROPOSED_FILES_MAX = 1000;
export const PROPOSED_BYTES_MAX = 4 * 1024 * 1024;

export interface PullRequest {
  number: number;
  /** Newest commit of what is proposed, 40 hex digits. */
  head: string;
  /** Commit of the followed branch that it was last compared with. */
  base: string;
  /** Its head is in another repository, whose owner we do not know. Also when that repository is gone. */
  isFork: boolean;
}

/** What an operation did: nothing is sent when what stands there already says the same. */
export type Put = 'created' | 'updated' | 'unchanged';

/** One comment of ours per pull request and key, edited in place. */
export interface StickyComment {
  pullRequest: number;
  /** Small letters, digits and hyphens. Hidden in the comment, it tells ours apart. */
  key: string;
  /** At most COMMENT_CHARACTERS_MAX. Whoever wrote the names in it is the caller's to escape. */
  markdown: string;
  /** True: one that stands there is edited, and none is made. */
  onlyEdit?: true;
}

/** One per commit and name. Where the credential may not write check runs it is a commit status with the summary's first line. */
export interface Check {
  commit: string;
  name: string;
  outcome: 'running' | 'success' | 'neutral' | 'failure';
  title: string;
  /** Markdown, cut to what GitHub takes. */
  summary: string;
  /** At most ANNOTATIONS_MAX, in the order they should be read in. */
  annotations: readonly Annotation[];
}

export interface Annotation {
  path: string;
  /** Counted from 1. */
  startLine: number;
  endLine: number;
  /** Only with one line. Counted from 1. */
  startColumn?: number;
  endColumn?: number;
  level: 'notice' | 'warning' | 'failure';
  title: string;
  message: string;
}

/** One per commit and name, such as `kokoa/publish`. */
export interface CommitStatus {
  commit: string;
  name: string;
  state: 'pending' | 'success' | 'failure' | 'error';
  /** One line, cut to 140 characters. */
  description: string;
  url?: string;
}

/** One per commit and environment, which is an edge; the newest state counts. */
export interface Deployment {
  commit: string;
  environment: string;
  state: 'queued' | 'in_progress' | 'success' | 'failure' | 'error' | 'inactive';
  /** One line, cut to 140 characters. */
  description: string;
  /** Where the result is seen. */
  url?: string;
}

/** A pull request to be opened for somebody who asked for a change without git. */
export interface Proposal {
  /** The same key is the same pull request, also after it was closed. */
  key: string;
  title: string;
  /** Markdown. */
  body: string;
  /** Of the commit. */
  message: string;
  /** At least one and at most PROPOSED_FILES_MAX, PROPOSED_BYTES_MAX in all. */
  files: readonly ProposedFile[];
}

export interface ProposedFile {
  /** From the top of the repository, with slashes. */
  path: string;
  /** Null: removed. */
  text: string | null;
}

export interface Proposed {
  number: number;
  url: string;
  state: 'open' | 'closed';
  /** False: it was there already. */
  isNew: boolean;
}

/** One repository and one followed branch of it. */
export interface Forge {
  /** Those that would be merged into the followed branch, newest activity first, at most 1000. */
  openPullRequests(): Promise<PullRequest[]>;
  /** Number of the pull request that brought a commit to the followed branch, however it was merged. Undefined: it was pushed. */
  mergedBy(commit: string): Promise<number | undefined>;
  putComment(comment: StickyComment): Promise<Put>;
  putCheck(check: Check): Promise<Put>;
  putCommitStatus(status: CommitStatus): Promise<Put>;
  putDeployment(deployment: Deployment): Promise<Put>;
  /** The files change on a new branch, on the tip of the followed one. */
  propose(proposal: Proposal): Promise<Proposed>;
  /** Ends what is under way; later calls fail. */
  close(): void;
}

export type ForgeErrorCode =
  | 'forge_unauthorised'
  | 'forge_forbidden'
  | 'forge_not_found'
  | 'forge_conflict'
  | 'forge_invalid'
  | 'forge_limited'
  | 'forge_down';

/** Never holds a credential: neither in its message nor as a cause. */
export class ForgeError extends KokoaError {
  declare readonly code: ForgeErrorCode;
  /** With `forge_limited`: how long nothing should be asked. */
  readonly waitMs: number | undefined;

  constructor(
    code: ForgeErrorCode,
    message: string,
    { waitMs, hint }: Pick<KokoaErrorOptions, 'hint'> & { waitMs?: number } = {},
  ) {
    super(code, message, hint === undefined ? {} : { hint });
    this.waitMs = waitMs;
  }
}
