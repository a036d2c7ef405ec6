// One changed route, asked whose its name, its port and its origins are in the base. What the head refuses itself is not said twice.
import type { LoadedFile } from './files.ts';
import type { Change } from './ownership-change.ts';
import { teamLine } from './ownership-lines.ts';
import { claimOfRoute, holdingsOfOthers, isGranted, OPERATORS, ownersOf } from './ownership-owners.ts';
import { KOKOA_FILE } from './paths.ts';
import type { Position, Problem } from './problem.ts';
import { targetsOf } from './route-targets.ts';
import type { RuleId } from './rules.ts';
import { indexOf } from './settings-index.ts';
import type { DesiredView } from './view.ts';

type RouteFile = LoadedFile<'route'>;

/** The rules by which the head itself refuses a team, a name or a port; and an origin. */
const GRANT_RULES: readonly string[] = ['KK301', 'KK302', 'KK340', 'KK350'] satisfies RuleId[];
const ORIGIN_RULES: readonly string[] = ['KK304', 'KK305'] satisfies RuleId[];

/**
 * `file` has a value, and the base a valid kokoa.yaml. `refused`: what the head says of this file. `isTaken`: that another team has
 * its name or port is among it.
 */
export function judgeOwnership(
  change: Change,
  file: RouteFile,
  refused: readonly Problem[],
  isTaken: boolean,
): Problem[] {
  if (file.team === undefined) return [];
  const grantRefused = refused.some(({ rule }) => GRANT_RULES.includes(rule));
  const grant = grantRefused ? [] : judgeGrant(change, file, file.team, isTaken);
  const visitors = grantRefused || isTaken || grant.length > 0 ? [] : judgeVisitors(change, file, file.team);
  return [...grant, ...judgeOrigins(change, file, file.team, refused), ...visitors];
}

function judgeGrant(change: Change, file: RouteFile, team: string, isTaken: boolean): Problem[] {
  const { base } = change;
  const kokoa = base.kokoa!.value!;
  const claim = claimOfRoute(file);
  if (isGranted(kokoa, team, claim)) return [];
  const what = claim.port === undefined ? `${claim.hostname}` : `the public port ${claim.port}`;
  const holdings = holdingsOfOthers(kokoa, team, claim);
  const owners = holdings.map((holding) => holding.team).join(', ');
  const asked = holdings
    .map((holding) => `; ask ${ownersOf(kokoa, holding.team)} too, because ${holding.grant} is theirs`)
    .join('');
  if (!indexOf(kokoa).grants.has(team)) {
    const owned = owners === '' ? '' : `; the base grants ${what} to team ${owners}`;
    const message = `found the team ${team}, which ${KOKOA_FILE} has in this change only, expected one of the base${owned}`;
    const line = teamLine(change, team, [file])?.line;
    const lines = line === undefined ? '' : `: ${line}`;
    const hint = `merge in ${KOKOA_FILE} first, approved by ${OPERATORS}${lines}${asked}`;
    return [errorAt(file, file.locate(''), 'KK363', message, hint)];
  }
  if (isTaken) return [];
  const owned = owners === '' ? '' : `, while the base grants it to team ${owners}`;
  const message = `found ${what}, which ${KOKOA_FILE} grants to team ${team} in this change only${owned}, expected a grant of the base`;
  const hint = `let ${OPERATORS} merge the grant in ${KOKOA_FILE} first, then this file${asked}`;
  const at = file.locate(claim.port === undefined ? '/hostname' : '/publicPort');
  return [errorAt(file, at, 'KK362', message, hint)];
}

function judgeOrigins(change: Change, file: RouteFile, team: string, refused: readonly Problem[]): Problem[] {
  // A team that is mistyped: nobody is asked to list it.
  if (refused.some(({ rule, hint }) => rule === 'KK301' && hint.startsWith('did you mean'))) return [];
  const problems = new Map<string, Problem>();
  for (const { origin: name, pointer } of targetsOf(file.value!)) {
    const at = file.locate(`${pointer}/origin`);
    const isRefused = refused.some(
      ({ rule, line, column }) => ORIGIN_RULES.includes(rule) && line === at.line && column === at.column,
    );
    const problem = isRefused ? undefined : judgeOrigin(change, file, team, name, at);
    if (problem !== undefined) problems.set(`${at.line}:${at.column}`, problem);
  }
  return [...problems.values()];
}

function judgeOrigin({ base, head }: Change, file: RouteFile, team: string, name: string, at: Position) {
  const [before, after] = [base.origin(name), head.origin(name)];
  // What is wrong with the file itself is told there.
  if (before?.value?.teams.includes(team) || after?.value === undefined) return undefined;
  const owner = before?.value?.owner ?? after.value.owner ?? 'its owner';
  if (!after.value.teams.includes(team)) {
    const message = `found the origin ${name}, which does not list team ${team}, expected one that lists it in the base`;
    const hint = `let ${owner} and ${OPERATORS} add ${team} to teams in ${after.path} first`;
    return errorAt(file, at, 'KK305', message, hint);
  }
  const found = before === undefined ? 'which this change adds' : `which lists team ${team} in this change only`;
  const message = `found the origin ${name}, ${found} (${after.path}), expected one that lists team ${team} in the base`;
  const hint = `let ${owner} and ${OPERATORS} merge ${after.path} first, then this file`;
  return errorAt(file, at, 'KK364', message, hint);
}

/** Warnings: the base grants the name, so it may be meant. */
function judgeVisitors({ base, head }: Change, file: RouteFile, team: string): Problem[] {
  const { hostname } = file;
  if (hostname === undefined) return [];
  const isOfOthers = (other: RouteFile | undefined): other is RouteFile =>
    other?.value !== undefined && other.team !== undefined && other.team !== team;
  const before = base.route(file.path);
  if (before?.hostname === hostname) return [];
  const at = (paths: readonly string[]) => paths.map((path) => base.route(path)).filter(isOfOthers);
  // Who still has the very name is told by KK303.
  const taken = at(base.routesByHost(hostname)).filter(({ path }) => head.route(path)?.hostname !== hostname);
  const above = at(base.routesByHost(`*.${hostname.slice(hostname.indexOf('.') + 1)}`));
  const below = hostname.startsWith('*.') ? at(directlyBelow(base, hostname.slice(1))) : [];
  const warn = (other: RouteFile | undefined, what: string): Problem[] => {
    if (other === undefined) return [];
    const message = `found ${hostname}, ${what} ${other.path} of team ${other.team}, expected names of one team`;
    const hint = `if it is meant, let ${ownersOf(base.kokoa!.value!, other.team!)} agree; nothing else to do`;
    return [{ ...errorAt(file, file.locate('/hostname'), 'KK366', message, hint), severity: 'warning' }];
  };
  return [
    ...warn(taken[0], 'which was in'),
    ...warn(above[0], `which is answered by ${above[0]?.hostname} in`),
    ...warn(below[0], `which covers ${below[0]?.hostname} in`),
  ];
}

/** By what follows its first label: the routes of a state. A change may bring thousands of wildcards. */
const routesBelow = new WeakMap<DesiredView, Map<string, string[]>>();

/** A wildcard of a route stands for one label. `parent` begins with its dot. */
function directlyBelow(base: DesiredView, parent: string): readonly string[] {
  const known = routesBelow.get(base) ?? new Map<string, string[]>();
  if (!routesBelow.has(base)) {
    for (const { path, hostname } of base.routes) {
      if (hostname === undefined || hostname.startsWith('*.')) continue;
      const name = hostname.slice(hostname.indexOf('.'));
      const paths = known.get(name);
      if (paths === undefined) known.set(name, [path]);
      else paths.push(path);
    }
    routesBelow.set(base, known);
  }
  return known.get(parent) ?? [];
}

function errorAt(file: RouteFile, at: Position, rule: RuleId, message: string, hint: string): Problem {
  return { file: file.path, ...at, rule, severity: 'error', message, hint };
}
