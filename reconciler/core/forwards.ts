// Tunnel ports for services that are not on an origin's own address. Law: a pure function of the origin's list of teams and of what one
// team's routes name behind it, so that every reconciler, after any history, tells edges and origin the same port, and no team can move
// a port of another.
//
// A service's first choice in its team's section is its hash. All services of the team choose in the order of their hashes and take the
// next free port when theirs is taken, so a newcomer moves an older one only where the two collide. TCP and UDP have ports of their own,
// so what routes say of one moves nothing of the other; a service of both has one number, mostly.
import { sha256Hex } from '../../bundle/canonical.ts';
import type { Forward } from '../../bundle/config.ts';
import { type Claims, claimOf, type Desired } from './desired.ts';
import type { LoadedFile } from './files.ts';
import { changedKeys, entriesOf, lookup, type PersistentMap } from './persistent-map.ts';
import { readServiceKey, type ServiceName, serviceKey } from './service-keys.ts';
import { readSectionName, SECTION_PORTS, type Section, sectionName, sectionOf } from './tunnel-ports.ts';

/** A service behind an origin, as a route of a team names it. */
export interface TeamService extends ServiceName {
  origin: string;
  team: string;
}

/** What an origin must be told, ascending by port; of one port, TCP first. */
export function forwardsOf(desired: Desired, origin: string): Forward[] {
  return teamsOf(desired, origin)
    .flatMap((team) => [...portsIn(desired, origin, team)])
    .map(([service, port]): Forward => {
      const { host, port: hostPort, protocol } = readServiceKey(service);
      return { ...(protocol === 'udp' && { protocol }), port, host, hostPort };
    })
    .sort((a, b) => a.port - b.port || Number(a.protocol === 'udp') - Number(b.protocol === 'udp'));
}

/** True when `forwardsOf` answers the same, as far as can be seen without making it. */
export function sameForwards(before: Desired, after: Desired, origin: string): boolean {
  const teams = teamsOf(after, origin);
  return (
    teams.join() === teamsOf(before, origin).join() &&
    teams.every((team) => servicesOf(before, origin, team) === servicesOf(after, origin, team))
  );
}

/** Where edges reach a service behind an origin, on that origin's address. Undefined: the team has none left there (the rules refuse that). */
export function tunnelPort(desired: Desired, { origin, team, ...service }: TeamService): number | undefined {
  return portsIn(desired, origin, team).get(serviceKey(service));
}

/** The routes of `after` that name a service whose port is another one than in `before`. */
export function* routesOfMovedServices(before: Desired, after: Desired): Generator<LoadedFile<'route'>> {
  for (const name of touchedSections(before, after)) {
    const { origin, team } = readSectionName(name);
    const then = portsIn(before, origin, team);
    const now = portsIn(after, origin, team);
    for (const [service, files] of entriesOf(servicesOf(after, origin, team))) {
      if (lookup(servicesOf(before, origin, team), service) === undefined) continue;
      if (then.get(service) !== now.get(service)) for (const [, file] of entriesOf(files)) yield file;
    }
  }
}

/** The names of those in which a port may have moved. */
function touchedSections(before: Desired, after: Desired): Set<string> {
  const names = new Set(changedKeys(before.services, after.services));
  for (const origin of changedKeys(before.origins, after.origins))
    for (const team of [...teamsOf(before, origin), ...teamsOf(after, origin)]) names.add(sectionName(origin, team));
  return names;
}

type Services = PersistentMap<Claims<'route'>>;
type Allocation = ReadonlyMap<string, number>;

const NO_SERVICES: Allocation = new Map();
/** Every route of a team asks: made once per version of what it depends on. */
const made = new WeakMap<Services, { section: Section; allocation: Allocation }>();

/** serviceKey → port. */
function portsIn(desired: Desired, origin: string, team: string): Allocation {
  const services = servicesOf(desired, origin, team);
  const section = sectionOf(teamsOf(desired, origin), team);
  if (services === undefined || section === undefined) return NO_SERVICES;
  const known = made.get(services);
  if (known?.section.first === section.first && known.section.count === section.count) return known.allocation;
  const names = Map.groupBy(entriesOf(services), ([service]) => readServiceKey(service).protocol);
  const allocation = new Map<string, number>();
  for (const protocol of ['tcp', 'udp'] as const) {
    const wanted = (names.get(protocol) ?? []).map(([service]) => service);
    for (const [service, port] of allocate(wanted, SECTION_PORTS - allocation.size, section))
      allocation.set(service, port);
  }
  made.set(services, { section, allocation });
  return allocation;
}

/** Services beyond the bound get none: always the same ones. */
function allocate(services: readonly string[], max: number, { first, count }: Section): Allocation {
  const byHash = services.map((service) => ({ service, hash: hashOf(service) }));
  byHash.sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const taken = new Set<number>();
  const allocation = new Map<string, number>();
  for (const { service, hash } of byHash.slice(0, max)) {
    let port = first + (Number.parseInt(hash.slice(0, 12), 16) % count);
    while (taken.has(port)) port = port + 1 < first + count ? port + 1 : first;
    taken.add(port);
    allocation.set(service, port);
  }
  return allocation;
}

function hashOf(service: string): string {
  return sha256Hex(serviceKey({ ...readServiceKey(service), protocol: 'tcp' }));
}

function servicesOf(desired: Desired, origin: string, team: string): Services | undefined {
  return lookup(desired.services, sectionName(origin, team));
}

function teamsOf(desired: Desired, origin: string): readonly string[] {
  return claimOf(desired.origins, origin)?.value?.teams ?? [];
}
