// The merges that are followed, newest first. Law: bounded; commits of one pull request are one merge; and whoever is at its end stays until
// it is known on which pull request that is to be said.

import type { Progress } from '../core/pull-request/progress.ts';
import type { Touched } from '../core/pull-request/touched.ts';
import { type Bell, createBell } from './after-merge-bell.ts';

export interface Followed {
  commit: string;
  /** What it is compared with. */
  parent: string;
  touched: Touched;
  /** Undefined: it was there when this process began. */
  seenMs: number | undefined;
  /** When it was first seen published. */
  publishedMs?: number;
  /** `unknown`: not asked yet, or nobody could say. Undefined: it was pushed. */
  pullRequest: number | undefined | 'unknown';
  /** The last one that was told. */
  progress?: Progress;
  /** Its end stands where it is to stand. */
  isTold?: true;
  /** Where it was found last. */
  place?: MergePlace;
}

/** Where a merge is, with the commits that this was found out by. */
export interface MergePlace {
  newest: string;
  live: string | undefined;
  isInBranch: boolean;
  isPublished: boolean;
}

export interface FollowedMerges {
  /** Newest first. */
  all(): readonly Followed[];
  has(commit: string): boolean;
  /** The newest so far. Beyond FOLLOWED_MAX the oldest one is left. */
  add(one: Pick<Followed, 'commit' | 'parent' | 'touched' | 'seenMs'>): void;
  /** Two commits of one pull request, the newer one first; undefined: there are none. */
  halves(): [Followed, Followed] | undefined;
  /** They are one merge from now on, which touches this. */
  join(newer: Followed, older: Followed, touched: Touched): void;
  /** Leaves those that are told to their end. */
  dropSettled(): void;
  /** Rings when one was added. */
  bell: Bell;
}

export const FOLLOWED_MAX = 50;

export function createFollowed(): FollowedMerges {
  let list: Followed[] = [];
  const bell = createBell();
  return {
    all: () => list,
    has: (commit) => list.some((one) => one.commit === commit),
    add(one) {
      list = [{ ...one, pullRequest: 'unknown' as const }, ...list].slice(0, FOLLOWED_MAX);
      bell.ring();
    },
    halves() {
      for (const one of list) {
        if (typeof one.pullRequest !== 'number') continue;
        const older = list.findLast(({ pullRequest }) => pullRequest === one.pullRequest);
        if (older !== undefined && older !== one) return [one, older];
      }
      return undefined;
    },
    join(newer, older, touched) {
      list = list.filter((one) => one !== older);
      newer.parent = older.parent;
      newer.seenMs = older.seenMs;
      newer.touched = touched;
      delete newer.progress;
      delete newer.isTold;
    },
    dropSettled() {
      // Another commit may turn out to be of the same pull request.
      if (list.some(({ pullRequest }) => pullRequest === 'unknown')) return;
      list = list.filter(({ isTold }) => isTold !== true);
    },
    bell,
  };
}
