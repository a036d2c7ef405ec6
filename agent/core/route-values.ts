// Whether the templates take every value of one route. Law: it asks the very tables and views that the tree is rendered from, so that what
// passes here passes there.
import type { WireRoute } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { classView } from './class-view.ts';
import { checkView } from './mustache-template.ts';
import { GateTables } from './nginx-gates.ts';
import { Upstreams } from './nginx-upstreams.ts';
import { classId, type Policy, policyOf } from './policy-class.ts';

/** Of many routes. Those that share a policy class are judged by it once. */
export interface RouteValues {
  /** Distinct policy classes. */
  readonly classes: number;
  /** @throws KokoaError unsafe_value */
  check(route: WireRoute): void;
}

const PORT = 443;
/** Class of every route that passed. A route is never changed, and one that no change touched is the same object, so that judging costs what changed. */
const PASSED = new WeakMap<WireRoute, string>();

export function createRouteValues(): RouteValues {
  /** Class → why no template takes it; undefined: they do. */
  const known = new Map<string, KokoaError | undefined>();
  // Made for nobody: what fits in here fits in there.
  const tables = new GateTables(new Upstreams());

  function checkClass(id: string, policy: Policy): void {
    if (!known.has(id)) known.set(id, problemOf(id, policy));
    const problem = known.get(id);
    if (problem) throw problem;
  }

  return {
    get classes() {
      return known.size;
    },
    check(route) {
      const before = PASSED.get(route);
      if (before !== undefined) {
        known.set(before, undefined);
        return;
      }
      const policy = policyOf(route);
      const id = classId(policy);
      // What passes through has no class; judging it by one costs nothing.
      checkClass(id, policy);
      if (route.errorPages) tables.pages(route);
      if (policy.gated) tables.add(route);
      PASSED.set(route, id);
    },
  };
}

/** As if it asked every question, so that every value it can hold is looked at. */
function problemOf(id: string, policy: Policy): KokoaError | undefined {
  const one = { id, ...policy, hostnames: [], questions: new Set(['stripped'] as const) };
  try {
    checkView(classView(one, true, PORT, () => undefined));
    return undefined;
  } catch (error) {
    if (error instanceof KokoaError) return error;
    throw error;
  }
}
