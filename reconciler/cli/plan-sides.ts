// The two states that a plan compares, judged as `kokoa validate` judges a folder and compiled as of one moment.
import { type Compiled, compile } from '../core/compile.ts';
import { type Desired, emptyDesired, updateDesired } from '../core/desired.ts';
import type { AnyLoadedFile } from '../core/files.ts';
import { kindOf } from '../core/load.ts';
import { judgeChange } from '../core/ownership.ts';
import { changeBetween } from '../core/ownership-change.ts';
import { linesNeeded } from '../core/ownership-lines.ts';
import { entriesOf, lookup } from '../core/persistent-map.ts';
import type { Problem } from '../core/problem.ts';
import { NOTHING_SEALED } from '../core/sealed.ts';
import { allRoutes } from '../judge.ts';
import { quarantine } from '../quarantine.ts';
import { isError, type Judgement, type Loader, loadAnew } from './judgement.ts';

/** Loads files, those that are the same in two states once. Content ids of the states must be of one kind. */
export function fileLoader(): Loader {
  const known = new Map<string, AnyLoadedFile>();
  return (read) => {
    const before = known.get(read.path);
    if (before !== undefined && before.blob === read.blob) return before;
    const file = loadAnew(read);
    known.set(read.path, file);
    return file;
  };
}

/** The second state as a change of the first, with who owns what as the first says: what `kokoa validate --base` prints. */
export function asChange(before: Judgement, after: Judgement): Judgement {
  return { ...after, problems: judgeChange(before, after), linesNeeded: linesNeeded(changeBetween(before, after)) };
}

/** Errors of kokoa.yaml and the node files: nothing of such a commit is published. */
export function fleetErrors({ problems }: Judgement): Problem[] {
  return problems.filter((problem) => isError(problem) && kindOf(problem.file) !== 'route');
}

/** What is live of a commit without fleet errors, as far as that commit alone tells: its routes with errors are absent. */
export async function liveOf({ problems, loaded }: Judgement): Promise<{ desired: Desired; absent: string[] }> {
  const newest = desiredOn(emptyDesired(), loaded);
  const wrong = problems.filter(isError).map(({ file }) => file);
  if (wrong.length === 0) return { desired: newest, absent: [] };
  const { desired, quarantined } = await quarantine(newest, allRoutes(newest), {
    holderOf: async () => undefined,
    publishedVersion: async () => undefined,
    async *olderVersions() {},
  });
  // What is no plain file was not even loaded.
  const unread = wrong.filter((file) => lookup(newest.files, file) === undefined);
  return { desired, absent: [...new Set([...quarantined.keys(), ...unread])] };
}

/** The state of exactly these files, which shares with `before` what is the same. */
export function desiredOn(before: Desired, loaded: readonly AnyLoadedFile[]): Desired {
  const kept = new Set(loaded.map(({ path }) => path));
  const gone = [...entriesOf(before.files)].filter(([path]) => !kept.has(path)).map(([path]) => ({ path }));
  const come = loaded.filter((file) => lookup(before.files, file.path) !== file);
  return updateDesired(before, [...gone, ...come.map((file) => ({ path: file.path, file }))]);
}

/** Without what only a store knows: nodes announced nothing, nobody holds a lease, no secret is sealed. No plan depends on those. */
export function compileAt(now: Date, previous?: Compiled): (desired: Desired) => Compiled {
  return (desired) => compile({ desired, enrolments: new Map(), leases: [], sealed: NOTHING_SEALED, now }, previous);
}
