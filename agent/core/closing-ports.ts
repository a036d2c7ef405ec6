// Break after make: a port that no route declares any more stays open until the edges had time to turn away from it, so that a
// moved route loses no request. Law: only ports that a verified config declared a moment ago, and the owner's allow-list decides on top.

/** Edges apply a change within seconds, and within two polls when they lost the control plane; later ones serve a 504 for that route. */
export const LINGER_MS = 120_000;

export interface PortsInForce {
  /** Declared now, ascending. */
  declared: readonly number[];
  /** No longer declared → when it closes, ms since the epoch. */
  closing: ReadonlyMap<number, number>;
}

export const NO_PORTS: PortsInForce = { declared: [], closing: new Map() };

/** What is in force at `nowMs`, when the config declares `declared`. */
export function portsInForce(before: PortsInForce, declared: readonly number[], nowMs: number): PortsInForce {
  const wanted = new Set(declared);
  const closing = new Map([...before.closing].filter(([port, until]) => !wanted.has(port) && until > nowMs));
  for (const port of before.declared) if (!wanted.has(port) && !closing.has(port)) closing.set(port, nowMs + LINGER_MS);
  return { declared, closing };
}

/** Every port to admit, ascending. */
export function openPorts({ declared, closing }: PortsInForce): number[] {
  return [...new Set([...declared, ...closing.keys()])].sort((a, b) => a - b);
}

/** True when some port's time is over. */
export function hasExpired({ closing }: PortsInForce, nowMs: number): boolean {
  return [...closing.values()].some((until) => until <= nowMs);
}
