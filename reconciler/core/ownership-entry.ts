// What kokoa.yaml would have to say of a team for its routes. Law: all that it says of the team stays, and what another team has is
// added only for a team that is new, never a pattern and never a name in use, together with the word of whose it is.
import type { Kokoa } from '../../schemas/types.ts';
import type { LoadedFile } from './files.ts';
import { canonicalHostname, coveredByAny, covers } from './hostname.ts';
import type { Change } from './ownership-change.ts';
import { type Holding, holdingsOfOthers } from './ownership-owners.ts';
import { coversPort, RESERVED_PORTS, takesPublicPort } from './public-port.ts';
import { indexOf } from './settings-index.ts';
import { didYouMean } from './suggest.ts';

type Team = Kokoa['teams'][number];
type RouteFile = LoadedFile<'route'>;

export interface TeamEntry {
  entry: Team;
  /** The base has nothing of the team: the entry stands in no other's place. */
  isNew: boolean;
  /** What other teams are granted of its names today. */
  holdings: readonly Holding[];
}

/** What the team has, or asks for, and what its routes lack; undefined: nothing is lacking, or all of it is another's. */
export function entryFor(change: Change, name: string, files: readonly RouteFile[]): TeamEntry | undefined {
  const present = change.base.kokoa!.value!.teams.find((team) => team.name === name);
  const hostnames = missingNames(change, name, files);
  const ports = missingPorts(change, files);
  if (present === undefined) return newEntry(change, name, hostnames, ports);
  if (hostnames.length === 0 && ports.length === 0) return undefined;
  const entry = {
    ...present,
    hostnames: joined(present.hostnames, hostnames),
    ...(ports.length > 0 && { ports: joined(present.ports, ports) }),
  } as Team;
  return { entry, isNew: false, holdings: [] };
}

/** A team that neither side has and whose name is near to that of one that is there: it is told so, and nobody is asked for anything. */
export function isMistyped({ base, head }: Change, name: string): boolean {
  const known = [base, head].flatMap(({ kokoa }) => kokoa?.value?.teams.map((team) => team.name) ?? []);
  return !known.includes(name) && didYouMean(name, known) !== undefined;
}

function newEntry(change: Change, name: string, missing: string[], ports: number[]): TeamEntry | undefined {
  const kokoa = change.base.kokoa!.value!;
  const { ports: _, ...asked } = askedFor(change, name);
  const free = asked.hostnames.filter((typed) => !isOfOthers(kokoa, name, canonical(typed)));
  const granted = new Set(free.map(canonical));
  const lacking = missing.filter((hostname) => !coveredByAny(granted, hostname));
  const hostnames = joined(free, lacking);
  if (hostnames.length === 0) return undefined;
  const holdings = new Map(
    lacking.flatMap((hostname) => holdingsOfOthers(kokoa, name, { hostname })).map((one) => [one.team, one]),
  );
  const entry = { ...asked, hostnames, ...(ports.length > 0 && { ports }) } as Team;
  return { entry, isNew: true, holdings: [...holdings.values()] };
}

/** What the change itself says of the team. */
function askedFor({ head }: Change, name: string): Pick<Team, 'name' | 'ports'> & { hostnames: readonly string[] } {
  return head.kokoa?.value?.teams.find((team) => team.name === name) ?? { name, hostnames: [] };
}

function missingNames(change: Change, name: string, files: readonly RouteFile[]): string[] {
  const kokoa = change.base.kokoa!.value!;
  const granted = indexOf(kokoa).grants.get(name);
  const mayBeShared = granted === undefined && !isMistyped(change, name);
  const isWanted = (hostname: string | undefined): hostname is string => {
    if (hostname === undefined || coveredByAny(granted ?? new Set(), hostname)) return false;
    if (!isOfOthers(kokoa, name, hostname)) return true;
    return mayBeShared && !hostname.startsWith('*.') && !isInUse(change, name, hostname);
  };
  return joined(files.map(({ hostname }) => hostname).filter(isWanted));
}

/** Another team is granted it, or something in it. */
function isOfOthers(kokoa: Kokoa, name: string, hostname: string): boolean {
  return [...indexOf(kokoa).grants].some(([team, granted]) => {
    if (team === name) return false;
    if (coveredByAny(granted, hostname)) return true;
    return hostname.startsWith('*.') && [...granted].some((grant) => covers(hostname, grant));
  });
}

function isInUse({ base }: Change, name: string, hostname: string): boolean {
  return base.routesByHost(hostname).some((path) => base.route(path)?.team !== name);
}

function missingPorts({ base }: Change, files: readonly RouteFile[]): number[] {
  const { ports } = indexOf(base.kokoa!.value!);
  // Whoever has it: the team itself lacks nothing then, and what is another's is not proposed.
  const isGranted = (port: number) => [...ports.values()].flat().some((range) => coversPort(range, port));
  const asked = files.flatMap(({ value }) => (takesPublicPort(value!) ? (value!.publicPort ?? []) : []));
  return joined(asked.filter((port) => !RESERVED_PORTS.includes(port) && !isGranted(port)));
}

function joined<T>(...lists: (readonly T[] | undefined)[]): T[] {
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

function canonical(typed: string): string {
  const result = canonicalHostname(typed);
  return result.kind === 'hostname' ? result.hostname : typed;
}
