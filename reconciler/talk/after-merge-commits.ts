// What came to the branch: its new commits, the files of each before and after, and whether it is still there. Law: bounded, whatever is pushed at once, and between
// two files everybody else has a turn.
import { setImmediate as turn } from 'node:timers/promises';
import type { Desired } from '../core/desired.ts';
import type { AnyLoadedFile, FileChange } from '../core/files.ts';
import { loadFile } from '../core/load.ts';
import { changedKeys, lookup } from '../core/persistent-map.ts';
import { type FilePair, type Touched, touchedBy } from '../core/pull-request/touched.ts';
import type { BranchCommit, Source } from '../ports/source.ts';
import type { Followed, MergePlace } from './after-merge-followed.ts';

export type CommitSource = Pick<Source, 'firstParents' | 'changes' | 'isAncestor'>;

/** Of one push. */
const COMMITS_MAX = 20;
/** After a restart, and after the branch was rewritten: those that somebody may still wait for. */
const RECENT_MAX = 10;
const RECENT_MS = 60 * 60_000;

/** States that are in memory anyway, by commit. */
export type KnownStates = ReadonlyMap<string, Desired>;

/** A commit that changed something: the first one of a repository did not. */
export interface NewCommit {
  commit: string;
  parent: string;
}

/** What the branch got since `from`, newest first. @throws what the source throws */
export async function newCommits(
  from: string | undefined,
  to: string,
  source: CommitSource,
  nowMs: number,
): Promise<NewCommit[]> {
  const continues = from !== undefined && (await source.isAncestor(from, to));
  const found = continues
    ? await source.firstParents(from, to, COMMITS_MAX)
    : (await source.firstParents(undefined, to, RECENT_MAX)).filter((one) => nowMs - one.committedMs < RECENT_MS);
  return found.flatMap(({ commit, parent }: BranchCommit) => (parent === undefined ? [] : [{ commit, parent }]));
}

/** @throws what the source throws */
export async function touchedBetween(
  { commit, parent }: NewCommit,
  source: CommitSource,
  known: KnownStates,
  defaultPool: string,
): Promise<Touched> {
  const [before, after] = [known.get(parent), known.get(commit)];
  const files = before && after ? differingFiles(before, after) : await readFiles(parent, commit, source);
  return touchedBy(files, defaultPool);
}

/** What was published once stays so: whoever goes back from it makes a new commit, or rewrites the branch. @throws what the source throws */
export async function placeOf(
  { commit, place }: Pick<Followed, 'commit' | 'place'>,
  newest: string,
  live: string | undefined,
  source: Pick<CommitSource, 'isAncestor'>,
): Promise<MergePlace> {
  if (place?.newest === newest && place.live === live) return place;
  const isIn = async (later: string) => later === commit || (await source.isAncestor(commit, later));
  const isInBranch = await isIn(newest);
  const isPublished = isInBranch && (place?.isPublished === true || (live !== undefined && (await isIn(live))));
  return { newest, live, isInBranch, isPublished };
}

function differingFiles(before: Desired, after: Desired): FilePair[] {
  return [...changedKeys(before.files, after.files)].map((path) => ({
    path,
    before: lookup(before.files, path),
    after: lookup(after.files, path),
  }));
}

/** The way back brings the old versions. */
async function readFiles(parent: string, commit: string, source: CommitSource): Promise<FilePair[]> {
  const pairs = new Map<string, FilePair>();
  for (const change of await source.changes(parent, commit))
    pairs.set(change.path, { path: change.path, after: await loaded(change) });
  for (const change of await source.changes(commit, parent))
    pairs.set(change.path, { ...pairs.get(change.path), path: change.path, before: await loaded(change) });
  return [...pairs.values()];
}

async function loaded({ path, blob, bytes }: FileChange): Promise<AnyLoadedFile | undefined> {
  if (blob === undefined || bytes === undefined) return undefined;
  await turn();
  return loadFile(path, blob, bytes);
}
