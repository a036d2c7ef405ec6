// Break after make: a port that no route declares any more stays open until the edges had time to turn away from it, so that a
// moved route loses no request. Law: only ports that a verified config declared a moment ago, and the owner's allow-list decides on top.
import type { Forward, OriginPart } from '../../bundle/config.ts';
import { PORTS_MAX } from './firewall.ts';

/** Edges apply a change within seconds, and within two polls when they lost the control plane; later ones serve a 504 for that route. */
export const LINGER_MS = 120_000;

/** A port on the tunnel address: the machine's own, or that of a forward. `protocol` absent: TCP. */
export type Opening = { protocol?: 'udp'; port: number } | Forward;

export interface PortsInForce {
  /** Declared now. */
  declared: readonly Opening[];
  /** Protocol and port → what is no longer declared there, and when it closes, in ms of the same clock as `nowMs`. */
  closing: ReadonlyMap<string, { opening: Opening; untilMs: number }>;
}

export const NO_PORTS: PortsInForce = { declared: [], closing: new Map() };

/** What is open on an origin. */
export type OpenOrigin = Required<Pick<OriginPart, 'ports' | 'udpPorts' | 'forwards'>>;

/** What a config declares. */
export function openingsOf({ ports, udpPorts = [], forwards = [] }: OriginPart): Opening[] {
  const byUdp = udpPorts.map((port) => ({ protocol: 'udp' as const, port }));
  return [...ports.map((port) => ({ port })), ...byUdp, ...forwards];
}

/**
 * What is in force at `nowMs`, when the config declares `declared`. A port that leads elsewhere now does so at once; what the packet filter
 * has no room for closes at once, the oldest first.
 */
export function portsInForce(before: PortsInForce, declared: readonly Opening[], nowMs: number): PortsInForce {
  const taken = new Set(declared.map(openingKey));
  const closing = new Map([...before.closing].filter(([key, { untilMs }]) => !taken.has(key) && untilMs > nowMs));
  for (const opening of before.declared) {
    const key = openingKey(opening);
    if (!taken.has(key) && !closing.has(key)) closing.set(key, { opening, untilMs: nowMs + LINGER_MS });
  }
  return { declared, closing: withRoom(closing, declared) };
}

/** True when the packet filter takes them all: so many TCP ports, so many UDP ports, so many forwards. */
export function isWithinBounds(openings: readonly Opening[]): boolean {
  return [...countsOf(openings).values()].every((count) => count <= PORTS_MAX);
}

function withRoom(closing: PortsInForce['closing'], declared: readonly Opening[]): PortsInForce['closing'] {
  const counts = countsOf(declared);
  const newestFirst = [...closing].reverse().filter(([, { opening }]) => {
    const count = (counts.get(kindOf(opening)) ?? 0) + 1;
    counts.set(kindOf(opening), count);
    return count <= PORTS_MAX;
  });
  return new Map(newestFirst.reverse());
}

function countsOf(openings: readonly Opening[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const opening of openings) counts.set(kindOf(opening), (counts.get(kindOf(opening)) ?? 0) + 1);
  return counts;
}

/** The lists of the packet filter, each with a bound of its own. */
function kindOf(opening: Opening): string {
  return isForward(opening) ? 'forward' : (opening.protocol ?? 'tcp');
}

/** Everything to admit, ascending by port. */
export function openOrigin({ declared, closing }: PortsInForce): OpenOrigin {
  const openings = [...declared, ...[...closing.values()].map(({ opening }) => opening)];
  openings.sort((a, b) => a.port - b.port);
  const own = openings.filter((opening) => !isForward(opening));
  const portsOf = (openings: Opening[]) => [...new Set(openings.map(({ port }) => port))];
  return {
    ports: portsOf(own.filter(({ protocol }) => protocol === undefined)),
    udpPorts: portsOf(own.filter(({ protocol }) => protocol === 'udp')),
    forwards: openings.filter(isForward),
  };
}

/** True when some port's time is over. */
export function hasExpired({ closing }: PortsInForce, nowMs: number): boolean {
  return [...closing.values()].some(({ untilMs }) => untilMs <= nowMs);
}

/** Protocol and port: of two openings with one key there is only one. */
export function openingKey({ protocol, port }: Opening): string {
  return `${protocol ?? 'tcp'} ${port}`;
}

function isForward(opening: Opening): opening is Forward {
  return 'host' in opening;
}
