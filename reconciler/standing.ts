// What one reconcile hands to the next. Nothing here is precious: it is rebuilt from git and the store after a restart.
import type { Compiled } from './core/compile.ts';
import { type Desired, emptyDesired } from './core/desired.ts';
import type { Problem } from './core/problem.ts';
import type { PublishedHead, PublishedNode } from './ports/store.ts';

/** Why the newest commit is not what is live. Restrictions take effect all the same. */
export interface Hold {
  reason: 'invalid' | 'guard' | 'history_rewritten';
  commit: string;
  message: string;
  hint: string;
  problems: readonly Problem[];
}

export interface Standing {
  /** Newest commit read, and its files as they are, good or bad. */
  commit: string | undefined;
  newest: Desired;
  /** What is live: the newest files where they could be accepted. Holds no file with an error. */
  live: Desired;
  compiled: Compiled | undefined;
  head: PublishedHead | undefined;
  nodes: ReadonlyMap<string, PublishedNode>;
  hold: Hold | undefined;
  /** Route files left out or served in an older version, with their problems. */
  quarantined: ReadonlyMap<string, readonly Problem[]>;
}

export const NOTHING_YET: Standing = {
  commit: undefined,
  newest: emptyDesired(),
  live: emptyDesired(),
  compiled: undefined,
  head: undefined,
  nodes: new Map(),
  hold: undefined,
  quarantined: new Map(),
};
