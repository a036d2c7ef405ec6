// What one reconcile hands to the next. Nothing here is precious: it is rebuilt from git and the store after a restart.
import type { Compiled } from './core/compile.ts';
import { type Desired, emptyDesired } from './core/desired.ts';
import type { Problem } from './core/problem.ts';
import type { Offered } from './core/rollout/offered.ts';
import type { OlderVersions } from './older-versions.ts';
import type { LocalRestriction } from './ports/restrictions.ts';
import type { PublishedHead, PublishedNode } from './ports/store.ts';
import type { RollingOut } from './roll-out.ts';

/** Why the newest commit is not what is live. Restrictions take effect all the same. */
export interface Hold {
  reason: 'invalid' | 'guard' | 'history_rewritten';
  commit: string;
  message: string;
  hint: string;
  problems: readonly Problem[];
  /** What a guard refused: the `plan` and `base` that an override must name. */
  refused?: { plan: string; base: string };
}

export interface Standing {
  /** Newest commit read, and its files as they are, good or bad. */
  commit: string | undefined;
  newest: Desired;
  /** What is live, as git says it: the newest files where they could be accepted. Holds no file with an error. */
  live: Desired;
  /** What operators took from nodes on this machine: laid over `live` wherever it takes effect, and never part of it. */
  local: readonly LocalRestriction[];
  /** `live` under `local`, compiled; undefined while nothing was published, and after a restart that could not compile it again. */
  compiled: Compiled | undefined;
  /** Settings on their way; undefined: everybody has those of `live`. */
  rolling: RollingOut | undefined;
  /** What nodes are told: `compiled`, but for those whom a rollout has not reached. */
  offered: Offered | undefined;
  /** True when the store is known to hold every chunk of `offered`. */
  stored: boolean;
  head: PublishedHead | undefined;
  nodes: ReadonlyMap<string, PublishedNode>;
  /** Published once, and damaged in the store since: nobody is told, until it is signed anew. */
  damaged: ReadonlyMap<string, PublishedNode>;
  hold: Hold | undefined;
  /** Route files left out of `live`, or in it in an older version, with the problems of their newest one. */
  quarantined: ReadonlyMap<string, readonly Problem[]>;
  /** A cache: what was read of the quarantined files' histories. */
  older: OlderVersions;
}

/** Before the first run, with nothing published. */
export const NOTHING_YET: Standing = {
  commit: undefined,
  newest: emptyDesired(),
  live: emptyDesired(),
  local: [],
  compiled: undefined,
  rolling: undefined,
  offered: undefined,
  stored: false,
  head: undefined,
  nodes: new Map(),
  damaged: new Map(),
  hold: undefined,
  quarantined: new Map(),
  older: new WeakMap(),
};
