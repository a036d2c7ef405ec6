// What a commit object says: its tree and its parents. Reading a few through `cat-file` is cheaper than asking a new process.
import type { BranchCommit } from '../ports/source.ts';
import type { GitObjects } from './git-objects.ts';

export interface GitCommit {
  tree: string;
  parents: string[];
  /** ms since the epoch; 0 where the object says nothing readable. */
  committedMs: number;
}

/** Commits that are looked at before a process is asked: what one push usually brings. */
const NEAR_COMMITS_MAX = 64;

/** @throws KokoaError object_missing */
export async function readCommit(objects: GitObjects, id: string): Promise<GitCommit> {
  const text = Buffer.from(await objects.contents(id)).toString('latin1');
  const header = text.slice(0, text.indexOf('\n\n'));
  const tree = /^tree ([0-9a-f]{40})$/m.exec(header)?.[1] ?? '';
  const parents = [...header.matchAll(/^parent ([0-9a-f]{40})$/gm)].map(([, parent]) => parent!);
  const seconds = /^committer .*> ([0-9]{1,12}) [+-][0-9]{4}$/m.exec(header)?.[1];
  return { tree, parents, committedMs: Number(seconds ?? 0) * 1000 };
}

/** See Source.firstParents. @throws KokoaError object_missing */
export async function firstParents(
  objects: GitObjects,
  from: string | undefined,
  to: string,
  limit: number,
): Promise<BranchCommit[]> {
  const found: BranchCommit[] = [];
  for (let commit: string | undefined = to; commit !== undefined && commit !== from && found.length < limit; ) {
    const read: GitCommit = await readCommit(objects, commit);
    const [parent] = read.parents;
    found.push({ commit, parent, committedMs: read.committedMs });
    commit = parent;
  }
  return found;
}

/** The commit of a branch in the mirror, if it is there. */
export async function branchTip(objects: GitObjects, branch: string): Promise<string | undefined> {
  const tip = await objects.info(`refs/heads/${branch}`);
  return tip?.type === 'commit' ? tip.id : undefined;
}

/** True when `ancestor` is met among the nearest commits behind `descendant`; undefined: not met, which proves nothing. */
export async function isNearAncestor(
  objects: GitObjects,
  ancestor: string,
  descendant: string,
): Promise<true | undefined> {
  const seen = new Set([descendant]);
  for (const id of seen) {
    if (id === ancestor) return true;
    if (seen.size > NEAR_COMMITS_MAX) return undefined;
    for (const parent of (await readCommit(objects, id)).parents) seen.add(parent);
  }
  return undefined;
}
