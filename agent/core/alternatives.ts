// Which backends have a stand-in: only there may a connection be ended before its time, because somebody else can answer. Law: what any
// place asks as its only backend is never among them, so a WebSocket without an alternative survives whatever its network survives.
import type { Chunk, WireBackend, WirePlace, WireRoute } from '../../bundle/config.ts';

export interface Target {
  /** Bare IPv4 inside the tunnels. */
  address: string;
  port: number;
}

export interface Replaceable extends Target {
  /** Addresses that some place asks instead. Never its own. */
  others: ReadonlySet<string>;
}

/** Far more than the named upstreams a team may have; what is beyond is left to time. */
const REPLACEABLE_MAX = 1_000;

/** The targets of these routes that another machine can stand in for, in the order of the routes. */
export function replaceableTargets(chunks: readonly Chunk[]): Replaceable[] {
  const found = new Map<string, Target & { others: Set<string> }>();
  for (const { backends } of placesOf(chunks)) {
    const addresses = new Set(backends.map(({ address }) => address));
    if (addresses.size < 2) continue;
    for (const { address, port } of backends) {
      const known = found.get(nameOf({ address, port }));
      const target = known ?? { address, port, others: new Set<string>() };
      for (const other of addresses) if (other !== address) target.others.add(other);
      if (!known && found.size < REPLACEABLE_MAX) found.set(nameOf(target), target);
    }
  }
  if (found.size === 0) return [];
  // Connections show where they lead, not for which route: a target that is shared is spared.
  for (const alone of onlyTargets(chunks)) found.delete(nameOf(alone));
  return [...found.values()];
}

/** Those at a dead address for which somebody at an address of `reachable` can answer. */
export function withoutAnswer(
  targets: readonly Replaceable[],
  dead: ReadonlySet<string>,
  reachable: ReadonlySet<string>,
): Target[] {
  const stands = (address: string) => reachable.has(address) && !dead.has(address);
  return targets
    .filter(({ address, others }) => dead.has(address) && [...others].some(stands))
    .map(({ address, port }) => ({ address, port }));
}

export function nameOf({ address, port }: Target): string {
  return `${address}:${port}`;
}

function* placesOf(chunks: readonly Chunk[]): Generator<WirePlace> {
  for (const { routes } of chunks) for (const route of routes) yield* placesOfRoute(route);
}

function* placesOfRoute(route: WireRoute): Generator<WirePlace> {
  yield route;
  yield* route.paths ?? [];
}

/** What a place asks and nobody else could answer: all its backends are on one machine, or it is a login service. */
function* onlyTargets(chunks: readonly Chunk[]): Generator<Target> {
  for (const { backends, auth } of placesOf(chunks)) {
    if (isOneMachine(backends)) yield* backends;
    if (auth?.kind === 'forward') yield auth;
  }
}

function isOneMachine(backends: readonly WireBackend[]): boolean {
  return backends.every(({ address }) => address === backends[0]?.address);
}
