// A pull request as a change of the newest state. Law: the same words as `kokoa validate --base`, at the cost of what it changes; only a
// change of kokoa.yaml or of a node file makes every route be asked again, because those decide for all.
import { checkBounds, isCrowded } from '../bounds.ts';
import { checkFleet, checkRoute } from '../check.ts';
import { checkExpired } from '../check-expired.ts';
import { type Desired, updateDesired } from '../desired.ts';
import { viewOfDesired } from '../desired-view.ts';
import type { AnyLoadedFile } from '../files.ts';
import { kindOf } from '../load.ts';
import { problemsOfChange } from '../ownership.ts';
import { changeInDesired } from '../ownership-change.ts';
import { linesNeeded } from '../ownership-lines.ts';
import { entriesOf } from '../persistent-map.ts';
import type { Problem } from '../problem.ts';
import { checkWire } from '../wire-size.ts';

/** One file as the change leaves it. */
export interface ChangedFile {
  path: string;
  /** Undefined: it is gone, or it cannot be read, and `unread` says why. */
  file: AnyLoadedFile | undefined;
}

export interface JudgedPull {
  /** Sorted, errors and warnings. */
  problems: Problem[];
  head: Desired;
  /** Lines that the base's kokoa.yaml lacks below `teams:`; empty: none. */
  linesNeeded: string;
}

/** `base`: the newest state, good or bad. `unread`: what is wrong with files that could not be loaded. */
export function judgePull(
  base: Desired,
  files: readonly ChangedFile[],
  unread: readonly Problem[],
  now: Date,
): JudgedPull {
  const head = updateDesired(base, files);
  const paths = files.map(({ path }) => path);
  const all = paths.some((path) => kindOf(path) !== 'route');
  const scope = all ? routesOf(base, head) : paths;
  const before = problemsIn(base, scope, now);
  const after = [...unread, ...problemsIn(head, scope, now)];
  const change = changeInDesired(base, head, paths);
  return { problems: problemsOfChange(change, before, after), head, linesNeeded: linesNeeded(change) };
}

/** What is wrong with these routes, and with everything that is no route. */
function problemsIn(desired: Desired, routes: Iterable<string>, now: Date): Problem[] {
  const view = viewOfDesired(desired);
  const problems = [...entriesOf(desired.fleetFiles)].flatMap(([, file]) => file.problems);
  problems.push(...checkFleet(view), ...beyondBounds(desired));
  for (const path of routes) {
    const file = view.route(path);
    if (file === undefined) continue;
    const own = [...file.problems, ...checkRoute(view, path), ...checkExpired([file], now)];
    const isWrong = own.some(({ severity }) => severity === 'error');
    problems.push(...own, ...(isWrong ? [] : checkWire(file)));
  }
  return problems;
}

/** Who is one too many is known only beside all the others; asked only where there is too much of something. */
function beyondBounds(desired: Desired): Problem[] {
  if (!isCrowded(desired)) return [];
  return checkBounds(viewOfDesired(desired).routes, desired.kokoa?.value?.pools[0]?.name);
}

function routesOf(...states: Desired[]): Set<string> {
  const routes = new Set<string>();
  for (const { files } of states)
    for (const [path, file] of entriesOf(files)) if (file.kind === 'route') routes.add(path);
  return routes;
}
