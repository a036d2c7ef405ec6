// Every problem of the data that was read, from a folder or from a commit: of each file, between files, and of what is too much.
import type { DataDir } from '../adapters/data-dir.ts';
import { checkBounds } from '../core/bounds.ts';
import { checkAll, viewOf } from '../core/check.ts';
import { checkExpired } from '../core/check-expired.ts';
import type { AnyLoadedFile, FileChange } from '../core/files.ts';
import { loadFile } from '../core/load.ts';
import type { NeededLines } from '../core/ownership-lines.ts';
import { compareProblems, type Problem } from '../core/problem.ts';
import { checkWire } from '../core/wire-size.ts';

export interface Judgement {
  /** Sorted; of the files themselves, between them, and of what could not be read. */
  problems: Problem[];
  loaded: AnyLoadedFile[];
  files: FileChange[];
  /** What files of others lack for the routes of a change. */
  linesNeeded?: readonly NeededLines[];
}

export type Loader = (file: FileChange) => AnyLoadedFile;

export const loadAnew: Loader = ({ path, blob = '', bytes = new Uint8Array() }) => loadFile(path, blob, bytes);

/** As of `now`. */
export function judgeData({ files, problems: unread }: DataDir, now: Date, load = loadAnew): Judgement {
  const loaded = files.map(load);
  const view = viewOf(loaded);
  const routes = loaded.filter((file) => file.kind === 'route');
  const problems = [
    unread,
    loaded.flatMap((file) => file.problems),
    checkAll(view),
    checkExpired(routes, now),
    checkBounds(routes, view.kokoa?.value?.pools[0]?.name),
  ].flat();
  const wrong = new Set(problems.filter(isError).map(({ file }) => file));
  const wire = routes.filter(({ path }) => !wrong.has(path)).flatMap(checkWire);
  return { problems: [...problems, ...wire].sort(compareProblems), loaded, files };
}

export function isError({ severity }: Problem): boolean {
  return severity === 'error';
}
