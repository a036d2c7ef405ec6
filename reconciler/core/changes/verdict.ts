// What the guard will say after the merge, asked before it: the same question that the reconciler asks when it publishes.
import type { Compiled } from '../compile.ts';
import type { Desired } from '../desired.ts';
import { judgePlan, type PublishedState, type Verdict } from '../guard.ts';
import { planOf } from '../plan.ts';
import { restrict } from '../restrict.ts';

/**
 * `build` compiles with what `candidate` was compiled with. Restrictions are not judged: they take effect whatever the guard says, so
 * that the plan leads from what is published with them over it.
 */
export function verdictOf(
  published: PublishedState | undefined,
  candidate: Compiled,
  build: (desired: Desired) => Compiled,
): Verdict {
  if (published === undefined) return judgePlan(undefined, candidate, planOf(undefined, candidate));
  const { desired, restrictions } = restrict(published.compiled.desired, candidate.desired);
  const compiled = restrictions.length > 0 ? build(desired) : published.compiled;
  return judgePlan({ ...published, compiled }, candidate, planOf(compiled, candidate));
}
