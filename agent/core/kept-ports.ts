// Ports in force as they lie on disk for the next agent. Law: what contradicts itself, or speaks of a time that cannot be, opens nothing.
import { isWithinBounds, LINGER_MS, type Opening, openingKey, type PortsInForce } from './closing-ports.ts';
import { isForwardHost } from './forward-host.ts';

/** `untilMs`: when it closes, in ms of a clock that nobody sets; absent: a route declares it. */
export type KeptOpening = Opening & { untilMs?: number };

export function keptOf({ declared, closing }: PortsInForce): KeptOpening[] {
  return [...declared, ...[...closing.values()].map(({ opening, untilMs }) => ({ ...opening, untilMs }))];
}

/**
 * What was in force, or undefined for a list that no agent wrote at this machine since it was started: a port twice, a service that is
 * neither in a LAN nor on loopback, a time further away than any port stays open, or more than the packet filter takes.
 */
export function portsOfKept(kept: readonly KeptOpening[], nowMs: number): PortsInForce | undefined {
  if (!isWithinBounds(kept)) return undefined;
  const closing = new Map<string, { opening: Opening; untilMs: number }>();
  const declared: Opening[] = [];
  const keys = new Set<string>();
  for (const { untilMs, ...opening } of kept) {
    const key = openingKey(opening);
    if (keys.has(key) || ('host' in opening && !isForwardHost(opening.host))) return undefined;
    keys.add(key);
    if (untilMs === undefined) declared.push(opening);
    else if (untilMs - nowMs > LINGER_MS) return undefined;
    else closing.set(key, { opening, untilMs });
  }
  return { declared, closing };
}
