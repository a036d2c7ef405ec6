// Whose a hostname is, as far as a team may know. Law: a team finds its own files, and of a name of others only that it is taken.
import type { Desired } from './desired.ts';
import { viewOfDesired } from './desired-view.ts';
import type { LoadedFile } from './files.ts';
import { canonicalHostname, coveredByAny } from './hostname.ts';
import type { Problem } from './problem.ts';
import type { RouteRefusal } from './route-request-shapes.ts';
import { indexOf } from './settings-index.ts';
import { shown } from './shown.ts';

/** What is said of a name in the place of words that name the file of another team; reviewers read those in the pull request. */
const SAID: Readonly<Record<string, Pick<Problem, 'message' | 'hint'>>> = {
  KK303: {
    message: 'found a hostname that another file claims too, expected one file per hostname',
    hint: 'choose another name, or ask an operator whose it is',
  },
  KK366: {
    message: 'found a name that belongs together with one of another team, expected names of one team',
    hint: 'if it is meant, nothing else to do: the pull request says which one, and who has to agree',
  },
};

/** As the program of a team is told. */
export function withoutOthers(problem: Problem): Problem {
  return { ...problem, ...SAID[problem.rule] };
}

/** The team's file that a PATCH or DELETE is about; what it is not allowed, or cannot be, is refused. */
export function findRoute(
  newest: Desired,
  team: string,
  typed: string,
): { kind: 'found'; hostname: string; file: LoadedFile<'route'> } | RouteRefusal {
  const result = canonicalHostname(typed);
  if (result.kind === 'refused')
    return refused(404, 'unknown_route', `no route has the name ${shown(typed)}`, `expected ${result.expected}`);
  const { hostname } = result;
  if (!isGranted(newest, team, hostname)) return notGranted(team, hostname);
  const claims = filesOf(newest, hostname);
  const own = claims.find((file) => file.team === team);
  if (own !== undefined) return { kind: 'found', hostname, file: own };
  if (claims.length > 0) return taken(hostname);
  return refused(404, 'unknown_route', `no route has the name ${hostname}`, 'POST /api/v1/routes adds one');
}

export function canonical(typed: unknown): string | undefined {
  const result = typeof typed === 'string' ? canonicalHostname(typed) : undefined;
  return result?.kind === 'hostname' ? result.hostname : undefined;
}

/** Of the newest kokoa.yaml; without a valid one nobody is granted anything. */
export function isGranted({ kokoa }: Desired, team: string, hostname: string): boolean {
  const grants = kokoa?.value === undefined ? undefined : indexOf(kokoa.value).grants.get(team);
  return grants !== undefined && coveredByAny(grants, hostname);
}

export function filesOf(newest: Desired, hostname: string): LoadedFile<'route'>[] {
  const view = viewOfDesired(newest);
  return view.routesByHost(hostname).flatMap((path) => view.route(path) ?? []);
}

export function notGranted(team: string, hostname: string): RouteRefusal {
  const hint = 'choose a name that kokoa.yaml grants the team, or ask an operator to grant this one';
  return refused(403, 'not_granted', `team ${team} is not granted ${hostname}`, hint);
}

export function taken(hostname: string): RouteRefusal {
  return refused(409, 'taken', `${hostname} is taken by another team`, 'choose another name');
}

export function refused(status: RouteRefusal['status'], error: string, message: string, hint: string): RouteRefusal {
  return { kind: 'refused', status, error, message, hint };
}
