// The rules between files. Each check reads a view and answers problems; nothing here looks at what a single file says of itself.
import { checkFleet } from './check-fleet.ts';
import { checkRoute } from './check-route.ts';
import { compareProblems, type Problem } from './problem.ts';
import { type DesiredView, viewOf } from './view.ts';

export { checkFleet, checkRoute, type DesiredView, viewOf };

/** Every cross-file problem, sorted. The files' own problems are in `LoadedFile.problems`. */
export function checkAll(view: DesiredView): Problem[] {
  const problems = checkFleet(view);
  for (const { path } of view.routes) problems.push(...checkRoute(view, path));
  return problems.sort(compareProblems);
}
