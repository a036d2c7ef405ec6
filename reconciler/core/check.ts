// The rules that the schemas cannot say: between files, and between the fields of a route. Each check reads a view and answers problems.
import { checkFleet } from './check-fleet.ts';
import { checkRoute } from './check-route.ts';
import { compareProblems, type Problem } from './problem.ts';
import { type DesiredView, viewOf } from './view.ts';

export { checkFleet, checkRoute, type DesiredView, viewOf };

/** Every problem that loading a file does not show, sorted. The others are in `LoadedFile.problems`. */
export function checkAll(view: DesiredView): Problem[] {
  const problems = checkFleet(view);
  for (const { path } of view.routes) problems.push(...checkRoute(view, path));
  return problems.sort(compareProblems);
}
