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
import { linesNeeded, type NeededLines } from '../ownership-lines.ts';
import { entriesOf } from '../persistent-map.ts';
import type { Problem } from '../problem.ts';
import { finished, type Steps } from '../steps.ts';
import { checkWire } from '../wire-size.ts';

/** More than anybody is told, and each costs a look at all that it could have meant. */
const ERRORS_MAX = 2000;
const FILES_PER_STEP = 100;

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
  /** What files of others lack for the routes of the change. */
  linesNeeded: readonly NeededLines[];
}

/** `base`: the newest state, good or bad. `unread`: what is wrong with files that could not be loaded. */
export function judgePull(
  base: Desired,
  files: readonly ChangedFile[],
  unread: readonly Problem[],
  now: Date,
): JudgedPull {
  return finished(judgePullSteps(base, files, unread, now));
}

/** The same in steps of one file each. */
export function* judgePullSteps(
  base: Desired,
  files: readonly ChangedFile[],
  unread: readonly Problem[],
  now: Date,
): Steps<JudgedPull> {
  let head = base;
  for (let at = 0; at < files.length; at += FILES_PER_STEP) {
    head = updateDesired(head, files.slice(at, at + FILES_PER_STEP));
    yield;
  }
  const paths = files.map(({ path }) => path);
  const all = paths.some((path) => kindOf(path) !== 'route');
  const scope = all ? routesOf(base, head) : paths;
  const before = yield* problemsIn(base, scope, now);
  const after = [...unread, ...(yield* problemsIn(head, scope, now, new Set(paths)))];
  const change = changeInDesired(base, head, paths);
  const problems = yield* problemsOfChange(change, before, after);
  yield;
  return { problems, head, linesNeeded: linesNeeded(change) };
}

/**
 * What is wrong with these routes, and with everything that is no route. Errors in files of `own` are counted: beyond ERRORS_MAX the rest is
 * not asked.
 */
function* problemsIn(
  desired: Desired,
  routes: Iterable<string>,
  now: Date,
  own: ReadonlySet<string> = new Set(),
): Steps<Problem[]> {
  const view = viewOfDesired(desired);
  const problems = [...entriesOf(desired.fleetFiles)].flatMap(([, file]) => file.problems);
  problems.push(...checkFleet(view), ...beyondBounds(desired, own));
  let errors = 0;
  for (const path of routes) {
    yield;
    if (errors > ERRORS_MAX) break;
    const file = view.route(path);
    if (file === undefined) continue;
    const found = [...file.problems, ...checkRoute(view, path), ...checkExpired([file], now)];
    const wrong = found.filter(({ severity }) => severity === 'error').length;
    if (own.has(path)) errors += wrong;
    problems.push(...found, ...(wrong > 0 ? [] : checkWire(file)));
  }
  return problems;
}

/** Who is one too many is known only beside all the others; asked only where there is too much of something. */
function beyondBounds(desired: Desired, own: ReadonlySet<string>): Problem[] {
  if (!isCrowded(desired)) return [];
  return checkBounds(viewOfDesired(desired).routes, desired.kokoa?.value?.pools[0]?.name, own);
}

function routesOf(...states: Desired[]): Set<string> {
  const routes = new Set<string>();
  for (const { files } of states)
    for (const [path, file] of entriesOf(files)) if (file.kind === 'route') routes.add(path);
  return routes;
}
