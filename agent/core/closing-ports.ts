// Break after make: a port that no route declares any more stays open until the edges had time to turn away from it, so that a
// moved route loses no request. Law: only ports that a verified config declared a moment ago, and the owner's allow-list decides on top.
import type { Forward, OriginPart } from '../../bundle/config.ts';

/** Edges apply a change within seconds, and within two polls when they lost the control plane; later ones serve a 504 for that route. */
export const LINGER_MS = 120_000;

/** A port on the tunnel address: the machine's own, or that of a forward. */
export type Opening = { port: number } | Forward;

export interface PortsInForce {
  /** Declared now. */
  declared: readonly Opening[];
  /** Port → what is no longer declared there, and when it closes, ms since the epoch. */
  closing: ReadonlyMap<number, { opening: Opening; untilMs: number }>;
}

export const NO_PORTS: PortsInForce = { declared: [], closing: new Map() };

/** What is open on an origin. */
export type OpenOrigin = Required<Pick<OriginPart, 'ports' | 'forwards'>>;

/** What a config declares by TCP. UDP stays closed: an owner's allow-list says nothing about it. */
export function openingsOf({ ports, forwards = [] }: OriginPart): Opening[] {
  return [...ports.map((port) => ({ port })), ...forwards.filter(({ protocol }) => protocol !== 'udp')];
}

/** What is in force at `nowMs`, when the config declares `declared`. A port that leads elsewhere now does so at once. */
export function portsInForce(before: PortsInForce, declared: readonly Opening[], nowMs: number): PortsInForce {
  const taken = new Set(declared.map(({ port }) => port));
  const closing = new Map([...before.closing].filter(([port, { untilMs }]) => !taken.has(port) && untilMs > nowMs));
  for (const opening of before.declared) {
    const { port } = opening;
    if (!taken.has(port) && !closing.has(port)) closing.set(port, { opening, untilMs: nowMs + LINGER_MS });
  }
  return { declared, closing };
}

/** Everything to admit, ascending by port. */
export function openOrigin({ declared, closing }: PortsInForce): OpenOrigin {
  const openings = [...declared, ...[...closing.values()].map(({ opening }) => opening)];
  openings.sort((a, b) => a.port - b.port);
  const ports = openings.filter((opening) => !isForward(opening)).map(({ port }) => port);
  return { ports: [...new Set(ports)], forwards: openings.filter(isForward) };
}

/** True when some port's time is over. */
export function hasExpired({ closing }: PortsInForce, nowMs: number): boolean {
  return [...closing.values()].some(({ untilMs }) => untilMs <= nowMs);
}

function isForward(opening: Opening): opening is Forward {
  return 'host' in opening;
}
