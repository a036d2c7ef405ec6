// One route: its fields beyond the schema, then against the rest, which is its team, its name or public port, its origins, its pool. The
// cost does not grow with the number of routes.
import type { Kokoa, Route } from '../../schemas/types.ts';
import { checkRouteDns } from './check-route-dns.ts';
import { placed } from './fields/field.ts';
import type { LoadedFile } from './files.ts';
import { coveredByAny } from './hostname.ts';
import { baseNameOf } from './paths.ts';
import { compareProblems, type Position, type Problem, problemAt } from './problem.ts';
import { coversPort, type PortRange, publicPortKey, RESERVED_PORTS, takesPublicPort } from './public-port.ts';
import { judgeRouteFields } from './route-fields.ts';
import { type Target, targetsOf } from './route-targets.ts';
import { indexOf, type SettingsIndex } from './settings-index.ts';
import { didYouMean } from './suggest.ts';
import { isTunnelPort, SECTIONS_MAX, sectionOf, TUNNEL_PORTS } from './tunnel-ports.ts';
import { type DesiredView, originNames } from './view.ts';
import { capProblems, PROBLEMS_PER_FILE_MAX } from './yaml.ts';

/** Names that a message lists. */
const LISTED_MAX = 3;

/** What a file says is judged once under one kokoa.yaml; a state shares nearly all its files with the one before it. */
const judgedFields = new WeakMap<LoadedFile, { kokoa: Kokoa | undefined; problems: readonly Problem[] }>();

/**
 * The problems of a route that has passed its schema, sorted; at most as many as are shown for one file. Where a file it depends on
 * is broken itself, the route is not blamed for it. A route without a value is asked only who else has its hostname.
 */
export function checkRoute(view: DesiredView, path: string): Problem[] {
  const file = view.route(path);
  if (file === undefined) return [];
  const problems = checkHostnameUnique(view, file);
  if (file.value === undefined || file.team === undefined) return problems;
  const { value: route, team } = file;
  const kokoa = view.kokoa?.value;
  problems.push(...fieldProblems(file, route, kokoa));
  for (const target of targetsOf(route)) problems.push(...checkTarget(view, file, team, target));
  if (kokoa !== undefined) {
    const settings = indexOf(kokoa);
    problems.push(...checkGrant(settings, file, team), ...checkPool(settings, file, route.pool));
    problems.push(...checkPassthrough(settings, file, route), ...checkPortUnique(view, settings, file, route));
    problems.push(...checkRouteDns(view, file, kokoa));
  }
  const errors = problems.filter(({ severity }) => severity === 'error').sort(compareProblems);
  // The remark that there are more is an error: warnings, of which there are few, do not bring it about.
  return errors.length > PROBLEMS_PER_FILE_MAX ? capProblems(errors) : problems.sort(compareProblems);
}

function fieldProblems(file: LoadedFile<'route'>, route: Route, kokoa: Kokoa | undefined): readonly Problem[] {
  const known = judgedFields.get(file);
  if (known !== undefined && known.kokoa === kokoa) return known.problems;
  const { hostname, team } = file;
  const problems = judgeRouteFields(route, { hostname, team, kokoa }).map((problem) => placed(file, problem));
  judgedFields.set(file, { kokoa, problems });
  return problems;
}

/** The problem of a pool that kokoa.yaml does not have; also asked for edges. */
export function checkPool(settings: SettingsIndex, file: LoadedFile, pool: string | undefined): Problem[] {
  if (pool === undefined || settings.pools.has(pool)) return [];
  const message = `found the pool ${pool}, expected one of ${listed([...settings.pools])}`;
  return [
    problemAt(
      file,
      file.locate('/pool'),
      'KK306',
      message,
      hintFor(pool, settings.pools, 'add the pool to kokoa.yaml'),
    ),
  ];
}

/** The problem of a team that kokoa.yaml does not have. */
export function unknownTeam(settings: SettingsIndex, file: LoadedFile, at: Position, team: string): Problem {
  const message = `found the team ${team}, expected one of ${listed([...settings.grants.keys()])}`;
  return problemAt(file, at, 'KK301', message, hintFor(team, settings.grants.keys(), 'add the team to kokoa.yaml'));
}

function checkHostnameUnique(view: DesiredView, file: LoadedFile<'route'>): Problem[] {
  if (file.hostname === undefined) return [];
  const others = othersOf(view.routesByHost(file.hostname), file);
  if (others === undefined) return [];
  const message = `found the hostname ${file.hostname}, also claimed by ${others}, expected one file per hostname`;
  return [
    problemAt(file, file.locate('/hostname'), 'KK303', message, 'delete one of the files, or choose another name'),
  ];
}

function checkPortUnique(
  view: DesiredView,
  { defaultPool }: SettingsIndex,
  file: LoadedFile<'route'>,
  route: Route,
): Problem[] {
  const key = defaultPool === undefined ? undefined : publicPortKey(route, defaultPool);
  const others = key === undefined ? undefined : othersOf(view.routesByPublicPort(key), file);
  if (others === undefined) return [];
  const { protocol, publicPort, pool = defaultPool } = route;
  const message = `found the public port ${publicPort} (${protocol}) of the pool ${pool}, also claimed by ${others}, expected one file per port`;
  return [problemAt(file, file.locate('/publicPort'), 'KK345', message, 'choose another port, or another pool')];
}

/** In words, who else is among the claims of something; undefined: nobody. */
function othersOf(claims: readonly string[], file: LoadedFile<'route'>): string | undefined {
  const count = claims.length - (file.value === undefined ? 0 : 1);
  if (count <= 0) return undefined;
  return listed(
    claims.slice(0, LISTED_MAX + 1).filter((path) => path !== file.path),
    count,
  );
}

/** A route that passes through unopened needs edges that look at the name before they answer. */
function checkPassthrough(settings: SettingsIndex, file: LoadedFile<'route'>, route: Route): Problem[] {
  const { protocol, pool = settings.defaultPool } = route;
  if (protocol !== 'tls' || pool === undefined || !settings.pools.has(pool) || settings.passthrough.has(pool))
    return [];
  const message = `found protocol: tls on the pool ${pool}, expected a pool with tlsPassthrough: ${listed([...settings.passthrough])}`;
  const [other] = [...settings.passthrough].sort();
  const hint =
    other === undefined ? `ask an operator for tlsPassthrough: true on the pool ${pool}` : `write pool: ${other}`;
  return [problemAt(file, file.locate('/protocol'), 'KK346', message, hint)];
}

function checkGrant(settings: SettingsIndex, file: LoadedFile<'route'>, team: string): Problem[] {
  const grants = settings.grants.get(team);
  if (grants === undefined) return [unknownTeam(settings, file, file.locate(''), team)];
  if (takesPublicPort(file.value!)) return checkPortGrant(settings, file, team);
  const hostname = file.hostname!;
  if (coveredByAny(grants, hostname)) return [];
  const owner = [...settings.grants].find(([, granted]) => coveredByAny(granted, hostname))?.[0];
  const message = `found ${hostname}, expected a name that team ${team} is granted: ${listed([...grants])}`;
  const hint =
    owner === undefined
      ? 'ask an operator to grant it in kokoa.yaml'
      : `it is granted to team ${owner}: ask an operator to grant it to ${team} too, or move the file to routes/${owner}/`;
  return [problemAt(file, file.locate('/hostname'), 'KK302', message, hint)];
}

function checkPortGrant({ ports }: SettingsIndex, file: LoadedFile<'route'>, team: string): Problem[] {
  const { publicPort: port } = file.value!;
  if (port === undefined) return [];
  const at = file.locate('/publicPort');
  if (RESERVED_PORTS.includes(port)) {
    const message = `found the public port ${port}, expected none of ${RESERVED_PORTS.join(', ')}, which every edge needs itself`;
    return [problemAt(file, at, 'KK350', message, 'choose another port')];
  }
  const covers = (ranges: readonly PortRange[]) => ranges.some((range) => coversPort(range, port));
  const own = ports.get(team) ?? [];
  if (covers(own)) return [];
  const owner = [...ports].find(([, ranges]) => covers(ranges))?.[0];
  const granted = own.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
  const message = `found the public port ${port}, expected one that team ${team} is granted: ${listed(granted)}`;
  const hint =
    owner === undefined
      ? 'ask an operator to grant it: teams[].ports in kokoa.yaml'
      : `it is granted to team ${owner}: ask an operator to grant it to ${team} too, or move the file to routes/${owner}/`;
  return [problemAt(file, at, 'KK340', message, hint)];
}

/** A service that the route leads to: its origin must be there and must list the team, and have a port for it. */
function checkTarget(view: DesiredView, file: LoadedFile<'route'>, team: string, target: Target): Problem[] {
  return [...checkOwnPort(file, target), ...checkOrigin(view, file, team, target)];
}

/** A port of the machine itself is none of those that lead to services behind it, whether or not there are any today. */
function checkOwnPort(file: LoadedFile<'route'>, { origin, host, port, pointer }: Target): Problem[] {
  if (host !== undefined || !isTunnelPort(port)) return [];
  const message = `found the port ${port} of ${origin} itself, expected none of ${TUNNEL_PORTS}, which the origin keeps for its tunnels`;
  const hint = 'add host: 127.0.0.1, or let the service listen on another port';
  return [problemAt(file, file.locate(`${pointer}/port`), 'KK352', message, hint)];
}

function checkOrigin(
  view: DesiredView,
  file: LoadedFile<'route'>,
  team: string,
  { origin: name, host, pointer }: Target,
): Problem[] {
  const at = () => file.locate(`${pointer}/origin`);
  const origin = view.origin(name);
  // A team that is not there may be mistyped: nobody is asked to list it.
  const isTeam = view.kokoa?.value === undefined || indexOf(view.kokoa.value).grants.has(team);
  if (origin === undefined) {
    const names = isTeam ? originsFor(view, team) : originNames(view);
    const expected = names.length === 0 ? `one that lists team ${team}: there is none` : `one of ${listed(names)}`;
    const message = `found the origin ${name}, expected ${expected}`;
    return [problemAt(file, at(), 'KK304', message, hintFor(name, names, `add it with: kokoa origin add ${name}`))];
  }
  if (origin.value === undefined || !isTeam) return [];
  const { teams, owner = 'its owner' } = origin.value;
  if (teams.includes(team)) {
    if (host === undefined || sectionOf(teams, team) !== undefined) return [];
    const message = `found a service behind ${name}, which lists team ${team} as number ${teams.indexOf(team) + 1}, expected one of its first ${SECTIONS_MAX} teams`;
    const hint = `name a port of ${name} itself, or ask ${owner} for a place among the first in ${origin.path}`;
    return [problemAt(file, file.locate(`${pointer}/host`), 'KK353', message, hint)];
  }
  const message = `found the origin ${name}, which lists ${listed(teams)}, expected one that lists team ${team}`;
  const hint = `ask ${owner} to add ${team} to teams in ${origin.path}`;
  return [problemAt(file, at(), 'KK305', message, hint)];
}

const teamOrigins = new WeakMap<DesiredView, Map<string, readonly string[]>>();

/** The names of origins that a team may use, and of those that cannot be read. */
function originsFor(view: DesiredView, team: string): readonly string[] {
  const known = teamOrigins.get(view) ?? new Map<string, readonly string[]>();
  teamOrigins.set(view, known);
  const names =
    known.get(team) ??
    [...view.origins]
      .filter(({ value }) => value?.teams.includes(team) !== false)
      .map(({ path }) => baseNameOf(path))
      .sort();
  known.set(team, names);
  return names;
}

function hintFor(word: string, known: Iterable<string>, otherwise: string): string {
  const meant = didYouMean(word, known);
  return meant === undefined ? otherwise : `did you mean ${meant}?`;
}

/** The first names in order, and how many of `count` are left. */
function listed(names: readonly string[], count = names.length): string {
  if (count === 0) return 'none';
  const shown = [...names].sort().slice(0, LISTED_MAX);
  return `${shown.join(', ')}${count > shown.length ? ` and ${count - shown.length} more` : ''}`;
}
