// The two states that a plan compares, judged as `kokoa validate` judges a folder and compiled as of one moment.
import type { DataDir } from '../adapters/data-dir.ts';
import { checkBounds } from '../core/bounds.ts';
import { checkAll, viewOf } from '../core/check.ts';
import { checkExpired } from '../core/check-expired.ts';
import { type Compiled, compile } from '../core/compile.ts';
import { type Desired, emptyDesired, updateDesired } from '../core/desired.ts';
import type { AnyLoadedFile, FileChange } from '../core/files.ts';
import { kindOf, loadFile } from '../core/load.ts';
import { entriesOf, lookup } from '../core/persistent-map.ts';
import { compareProblems, type Problem } from '../core/problem.ts';
import { NOTHING_SEALED } from '../core/sealed.ts';
import { checkWire } from '../core/wire-size.ts';
import { allRoutes } from '../judge.ts';
import { quarantine } from '../quarantine.ts';
import type { Judgement } from './validate.ts';

/** Loads files, those that are the same in two states once. */
export type Loader = (file: FileChange) => AnyLoadedFile;

export function fileLoader(): Loader {
  const known = new Map<string, AnyLoadedFile>();
  return ({ path, blob = '', bytes = new Uint8Array() }) => {
    const key = `${path}\n${blob}`;
    const file = known.get(key) ?? loadFile(path, blob, bytes);
    known.set(key, file);
    return file;
  };
}

/** What `kokoa validate` says of a folder with these files. */
export function judgeFiles({ files, problems: unread }: DataDir, load: Loader, now: Date): Judgement {
  const loaded = files.map(load);
  const view = viewOf(loaded);
  const routes = loaded.filter((file) => file.kind === 'route');
  const problems = [
    ...unread,
    ...loaded.flatMap((file) => file.problems),
    ...checkAll(view),
    ...checkExpired(routes, now),
    ...checkBounds(routes, view.kokoa?.value?.pools[0]?.name),
  ];
  const wrong = new Set(problems.filter(isError).map(({ file }) => file));
  const wire = routes.filter(({ path }) => !wrong.has(path)).flatMap(checkWire);
  return { problems: [...problems, ...wire].sort(compareProblems), loaded, files };
}

export function isError({ severity }: Problem): boolean {
  return severity === 'error';
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
