// What there may be only so many of, because it costs every edge of a pool, or a machine, memory and time. Law: above a bound is a
// problem with a place in a file, never a route that silently does less; and of what is published nothing is taken away for it.
import { STREAMS_MAX } from '../../bundle/config-schema.ts';
import { ASKED_PER_TEAM_MAX, askedPlaces } from './asked-origins.ts';
import { type BoundedPlace, networkPlaces, policyPlaces, upstreamPlaces } from './bounded-places.ts';
import type { Desired, RouteIndexes } from './desired.ts';
import type { LoadedFile } from './files.ts';
import { entriesOf, lookup } from './persistent-map.ts';
import { compareProblems, type Problem } from './problem.ts';
import { UNNAMED_POOL } from './public-port.ts';
import { publicPortPlaces } from './public-port-places.ts';
import { targetsOf } from './route-targets.ts';
import type { RuleId } from './rules.ts';
import { portKey, serviceKey } from './service-keys.ts';
import { SECTION_PORTS, sectionName } from './tunnel-ports.ts';

/** DESIGN.md §8: each is a `server{}` and two zones of shared memory on every edge of the pool. */
export const POLICIES_PER_TEAM_MAX = 50;
/** nginx finds a named upstream by a linear scan. */
export const UPSTREAMS_PER_TEAM_MAX = 200;
/** A reload builds each, in time that grows faster than their number. */
export const NETWORK_LISTS_PER_TEAM_MAX = 100;
/** Each is an entry of the machine's packet filter, and of the lists that it is told. */
export const PORTS_PER_ORIGIN_MAX = 10_000;

type RouteFile = LoadedFile<'route'>;

export interface Bound {
  rule: RuleId;
  /** Distinct keys in one group. */
  max: number;
  /** Group → key → something. */
  index: Extract<
    keyof RouteIndexes,
    'policies' | 'upstreams' | 'networkLists' | 'services' | 'ports' | 'asked' | 'publicPorts'
  >;
  /** What a route takes of it. `defaultPool`: where a route without one goes. */
  placesOf(file: RouteFile, defaultPool: string | undefined): BoundedPlace[];
  /** Goes before the name of the group. */
  what: string;
  hint: string;
}

export const BOUNDS: readonly Bound[] = [
  {
    rule: 'KK341',
    max: POLICIES_PER_TEAM_MAX,
    index: 'policies',
    placesOf: policyPlaces,
    what: 'different sets of limits, timeouts, headers and the like in team',
    hint: 'write the same limits, timeouts, headers, hsts and redirect status as another route of the team',
  },
  {
    rule: 'KK342',
    max: UPSTREAMS_PER_TEAM_MAX,
    index: 'upstreams',
    placesOf: upstreamPlaces,
    what: 'different lists of backends in team',
    hint: 'use the list of another route of the team, or a single origin and port',
  },
  {
    rule: 'KK361',
    max: NETWORK_LISTS_PER_TEAM_MAX,
    index: 'networkLists',
    placesOf: networkPlaces,
    what: 'different lists of addresses in team',
    hint: 'write the same addresses as another route or path of the team',
  },
  {
    rule: 'KK344',
    max: SECTION_PORTS,
    index: 'services',
    placesOf: ({ value, team = '' }) =>
      targetsOf(value!).flatMap(({ origin, host, pointer, ...port }) =>
        host === undefined ? [] : [{ group: sectionName(origin, team), key: serviceKey({ host, ...port }), pointer }],
      ),
    what: 'services behind origin',
    hint: 'let a reverse proxy in that network answer for several, or make another machine an origin',
  },
  {
    rule: 'KK344',
    max: PORTS_PER_ORIGIN_MAX,
    index: 'ports',
    placesOf: (file) =>
      targetsOf(file.value!).flatMap(({ origin, host, pointer, ...port }) =>
        host === undefined ? [{ group: origin, key: portKey(port), pointer }] : [],
      ),
    what: 'ports of origin',
    hint: 'let a reverse proxy on the machine answer for several',
  },
  {
    rule: 'KK382',
    max: ASKED_PER_TEAM_MAX,
    index: 'asked',
    placesOf: askedPlaces,
    what: 'scripts, or scripts and ping, that checks ask of origin',
    hint: 'let one script answer for several services',
  },
  {
    rule: 'KK360',
    max: STREAMS_MAX,
    index: 'publicPorts',
    placesOf: publicPortPlaces,
    what: 'places for public ports, of which one with long lists takes several, in pool',
    hint: 'name networks instead of addresses in allow and deny, give up a port that nobody needs, or use another pool',
  },
];

/** What a route takes of it in this state. */
export function placesIn(desired: Desired, bound: Bound, file: RouteFile): BoundedPlace[] {
  return bound.placesOf(file, defaultPoolOf(desired));
}

/** How many distinct ones there are. */
export function countIn(desired: Desired, { index }: Bound, group: string): number {
  const sizeOf = (name: string) => lookup<{ size: number }>(desired[index], name)?.size ?? 0;
  const unnamed = index === 'publicPorts' && group === defaultPoolOf(desired);
  return sizeOf(group) + (unnamed ? sizeOf(UNNAMED_POOL) : 0);
}

/** True when there is too much of anything. Cost: the teams, origins and pools. */
export function isCrowded(desired: Desired): boolean {
  const pool = defaultPoolOf(desired);
  return BOUNDS.some((bound) => {
    const isUnnamed = (group: string) => bound.index === 'publicPorts' && group === UNNAMED_POOL;
    const groups = [...entriesOf<object>(desired[bound.index])].map(([group]) => group);
    return groups.some((group) => countIn(desired, bound, isUnnamed(group) ? (pool ?? group) : group) > bound.max);
  });
}

/** What a route takes of something of which there is too much. */
export function placesBeyond(
  desired: Desired,
  file: RouteFile,
): { bound: Bound; place: BoundedPlace; count: number }[] {
  if (file.value === undefined) return [];
  return BOUNDS.flatMap((bound) =>
    placesIn(desired, bound, file).flatMap((place) => {
      const count = countIn(desired, bound, place.group);
      return count > bound.max ? [{ bound, place, count }] : [];
    }),
  );
}

/** The problem of a route that is one too many; `count`: how many there would be. */
export function boundProblem(file: RouteFile, bound: Bound, { group, pointer }: BoundedPlace, count: number): Problem {
  const { rule, max, what, hint } = bound;
  const message = `found ${count} ${what} ${group}, expected at most ${max}`;
  return { file: file.path, ...file.locate(pointer), rule, severity: 'error', message, hint };
}

/**
 * The problems of all routes, sorted. What is shared by most routes is within the bound, then what the first path names: the newcomer
 * is the last one that most people would miss. Of `newcomers`, which are paths, no more are told than anybody reads: finding a place costs.
 */
export function checkBounds(
  files: Iterable<RouteFile>,
  defaultPool?: string,
  newcomers: ReadonlySet<string> = new Set(),
): Problem[] {
  const taken = [...files].flatMap((file) => (file.value === undefined ? [] : takenBy(file, defaultPool)));
  const keys = new Map<Bound, Map<string, Set<string>>>(BOUNDS.map((bound) => [bound, new Map()]));
  for (const { bound, place } of taken) {
    const groups = keys.get(bound)!;
    const group = groups.get(place.group);
    if (group === undefined) groups.set(place.group, new Set([place.key]));
    else group.add(place.key);
  }
  // Nearly always there is too much of nothing, and who came first is not asked.
  const beyond = taken.filter(({ bound, place }) => keys.get(bound)!.get(place.group)!.size > bound.max);
  return eachOnce(
    [...Map.groupBy(beyond, ({ bound }) => bound)].flatMap(([bound, some]) => problemsOf(bound, some, newcomers)),
  );
}

const NEWCOMERS_TOLD_MAX = 1000;

interface Taken {
  bound: Bound;
  file: RouteFile;
  place: BoundedPlace;
}

/** A state shares nearly all its files with the one before it. */
const takenPlaces = new WeakMap<RouteFile, { defaultPool: string | undefined; taken: readonly Taken[] }>();

/** What a route takes of everything. */
function takenBy(file: RouteFile, defaultPool: string | undefined): readonly Taken[] {
  const known = takenPlaces.get(file);
  if (known !== undefined && known.defaultPool === defaultPool) return known.taken;
  const taken = BOUNDS.flatMap((bound) => bound.placesOf(file, defaultPool).map((place) => ({ bound, file, place })));
  takenPlaces.set(file, { defaultPool, taken });
  return taken;
}

/** Sorted; one that takes several places is told once. */
export function eachOnce(problems: readonly Problem[]): Problem[] {
  const sorted = problems.toSorted(compareProblems);
  return sorted.filter((one, at) => at === 0 || compareProblems(one, sorted[at - 1]!) !== 0);
}

interface Named {
  first: string;
  places: { file: RouteFile; place: BoundedPlace }[];
}

/** `taken`: all that routes take of groups of which there is too much. */
function problemsOf(bound: Bound, taken: readonly Taken[], newcomers: ReadonlySet<string>): Problem[] {
  const groups = new Map<string, Map<string, Named>>();
  for (const { file, place } of taken) {
    const group = groups.get(place.group) ?? new Map<string, Named>();
    groups.set(place.group, group);
    const named = group.get(place.key) ?? { first: file.path, places: [] };
    group.set(place.key, named);
    if (file.path < named.first) named.first = file.path;
    named.places.push({ file, place });
  }
  return [...groups.values()].flatMap((group) => {
    const ranked = [...group].sort(
      ([a, x], [b, y]) => y.places.length - x.places.length || order(x.first, y.first) || order(a, b),
    );
    const beyond = ranked.slice(bound.max).flatMap(([, { places }]) => places);
    let room = NEWCOMERS_TOLD_MAX;
    const told = beyond.filter(({ file }) => {
      if (newcomers.has(file.path)) room -= 1;
      return room >= 0 || !newcomers.has(file.path);
    });
    return told.map(({ file, place }) => boundProblem(file, bound, place, group.size));
  });
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function defaultPoolOf({ kokoa }: Desired): string | undefined {
  return kokoa?.value?.pools[0]?.name;
}
