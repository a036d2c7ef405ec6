// A bundle that failed here by its own fault is condemned: it is not tried again. Law: what `nginx -t` refused is condemned by that nginx
// alone, and is tried once more beside another one.
import { canonicalJson } from '../bundle/canonical.ts';
import { attempt, type Failure } from './attempt.ts';
import type { Machine } from './converge-machine.ts';
import { hashOf, type Refused, type RolledBack } from './converge-outcome.ts';
import type { VerifiedBundle } from './ports/state.ts';
import type { WebServer } from './ports/web-server.ts';

/** What a web server is, as far as its word about a tree depends on it: version and features. Undefined: nobody can say now. */
export async function judgeOf(web: Pick<WebServer, 'features'>): Promise<string | undefined> {
  const { value } = await attempt('test', () => web.features());
  return value && canonicalJson(value);
}

/** True when this bundle failed here, and would again. */
export async function isCondemned(
  { configHash }: VerifiedBundle,
  condemned: Refused | RolledBack | undefined,
  machine: Pick<Machine, 'edge'>,
): Promise<boolean> {
  if (condemned?.fault !== 'bundle' || configHash !== hashOf(condemned)) return false;
  return !(await hasAnotherJudge(condemned, machine));
}

/** The condemned bundle, when another web server than the one that refused it is here now. Never throws. */
export async function bundleToTryAgain(
  condemned: Refused | RolledBack | undefined,
  machine: Pick<Machine, 'edge' | 'trusted'>,
): Promise<VerifiedBundle | undefined> {
  if (!condemned || !(await hasAnotherJudge(condemned, machine))) return undefined;
  if (condemned.bundle) return condemned.bundle;
  const { value: newest } = await attempt('keep', () => machine.trusted.accepted());
  return newest?.configHash === hashOf(condemned) ? newest : undefined;
}

async function hasAnotherJudge({ judgedBy }: Failure, { edge }: Pick<Machine, 'edge'>): Promise<boolean> {
  if (judgedBy === undefined || !edge) return false;
  const now = await judgeOf(edge.web);
  return now !== undefined && now !== judgedBy;
}
