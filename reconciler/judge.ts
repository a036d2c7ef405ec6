// What may go live of the newest commit: all of it, all but some routes, or nothing but its restrictions. An error in kokoa.yaml or a
// node file holds everything, because it decides for all; an error in a route concerns that route alone.
import { checkFleet } from './core/check.ts';
import type { Desired } from './core/desired.ts';
import { viewOfDesired } from './core/desired-view.ts';
import { kindOf } from './core/load.ts';
import { changedKeys, entriesOf, lookup } from './core/persistent-map.ts';
import { compareProblems, type Problem } from './core/problem.ts';
import { restrict } from './core/restrict.ts';
import { olderVersions } from './older-versions.ts';
import type { Source } from './ports/source.ts';
import { claimantsOf, quarantine } from './quarantine.ts';
import type { Hold, Standing } from './standing.ts';

/** `standing` with `live`, `hold` and `quarantined` as its newest commit leaves them. @throws what the source throws */
export async function judge(standing: Standing & { commit: string }, source: Source): Promise<Standing> {
  const { commit, newest, live, head } = standing;
  const continues = head === undefined || (await source.isAncestor(head.commit, commit));
  const hold = invalidHold(commit, newest) ?? (continues ? undefined : historyHold(commit, head.commit, newest));
  if (hold) return { ...standing, hold, live: restrict(live, newest).desired };
  // Versions read before the history was rewritten are not in it any more.
  const older = continues ? standing.older : new WeakMap();
  const { desired, quarantined } = await quarantine(newest, suspectsOf(newest, live), {
    holderOf: async (claim, claimants) => {
      const [path] = claimantsOf(live, claim);
      return claimants.some((claimant) => claimant.path === path) ? path : undefined;
    },
    publishedVersion: async ({ path }) => {
      const file = lookup(live.files, path);
      return file?.kind === 'route' ? file : undefined;
    },
    olderVersions: (file) => olderVersions(file, commit, source, older),
  });
  return { ...standing, hold: undefined, live: desired, quarantined, older };
}

/** Every route of a state. */
export function allRoutes(desired: Desired): Set<string> {
  return new Set([...entriesOf(desired.files)].map(([path]) => path).filter((path) => kindOf(path) === 'route'));
}

/** Errors of kokoa.yaml and the node files: with them nothing new is published, whatever the routes say. */
export function fleetErrors(desired: Desired): Problem[] {
  const own = [...entriesOf(desired.fleetFiles)].flatMap(([, file]) => file.problems);
  return [...own, ...checkFleet(viewOfDesired(desired))]
    .filter(({ severity }) => severity === 'error')
    .sort(compareProblems);
}

/** Routes to look at: those whose newest file is not the live one, and all of them when what decides for all has changed. */
function suspectsOf(newest: Desired, live: Desired): Set<string> {
  const differing = [...changedKeys(newest.files, live.files)];
  return differing.every((path) => kindOf(path) === 'route') ? new Set(differing) : allRoutes(newest);
}

function invalidHold(commit: string, newest: Desired): Hold | undefined {
  const problems = fleetErrors(newest);
  const first = problems[0];
  if (!first) return undefined;
  const message = `${first.file}:${first.line}:${first.column}: ${first.message}`;
  return { reason: 'invalid', commit, message, hint: first.hint, problems };
}

function historyHold(commit: string, published: string, newest: Desired): Hold | undefined {
  if (newest.kokoa?.value?.guards?.override?.base === published) return undefined;
  return {
    reason: 'history_rewritten',
    commit,
    message: `the published commit ${published} is no ancestor of ${commit}`,
    hint: `push a history that contains it, or, if it was rewritten on purpose, paste this into kokoa.yaml: guards: {override: {base: ${published}, reason: why}}`,
    problems: [],
  };
}
