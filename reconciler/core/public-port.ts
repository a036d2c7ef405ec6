// Ports of the edges themselves, which tcp and udp routes take. Law: one (pool, protocol, port) is one route's, and what the edge needs
// for itself is nobody's.
import type { Route } from '../../schemas/types.ts';

/** SSH, HTTP and HTTPS of every edge: no grant may cover them, for UDP neither (HTTP/3). */
export const RESERVED_PORTS: readonly number[] = [22, 80, 443];
const PORT_MAX = 65_535;

/** Both ends count. */
export interface PortRange {
  from: number;
  to: number;
}

/** True for a route that takes a public port instead of a hostname. */
export function takesPublicPort({ protocol }: Pick<Route, 'protocol'>): boolean {
  return protocol === 'tcp' || protocol === 'udp';
}

/** True for a route of which the edge sees connections, and nothing that is said in them. */
export function isLayer4(route: Pick<Route, 'protocol'>): boolean {
  return route.protocol === 'tls' || takesPublicPort(route);
}

/** What a tcp or udp route claims: `POOL\nPROTOCOL\nPORT`. Undefined: it claims no port. */
export function publicPortKey(route: Route, defaultPool: string): string | undefined {
  const { pool = defaultPool, protocol, publicPort } = route;
  return takesPublicPort(route) && publicPort !== undefined ? `${pool}\n${protocol}\n${publicPort}` : undefined;
}

/** The pool that a route names by naming none, in an index that outlives kokoa.yaml. */
export const UNNAMED_POOL = '';

/** The key of a route in such an index. */
export function indexedPortKey(route: Route): string | undefined {
  return publicPortKey(route, UNNAMED_POOL);
}

/** Where an index has the claims of a key: those that name the pool and, if it is the default one, those that name none. */
export function indexedPortKeys(key: string, defaultPool: string | undefined): string[] {
  const isDefault = defaultPool !== undefined && key.startsWith(`${defaultPool}\n`);
  return isDefault ? [key, UNNAMED_POOL + key.slice(defaultPool.length)] : [key];
}

/** The publicPortKey for a key of such an index. */
export function resolvedPortKey(indexed: string, defaultPool: string): string {
  return indexed.startsWith(`${UNNAMED_POOL}\n`) ? defaultPool + indexed.slice(UNNAMED_POOL.length) : indexed;
}

/** `25565`, or `30000-30100` from the lower to the higher one; undefined for anything else. */
export function readPortRange(typed: string): PortRange | undefined {
  const match = /^([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?$/.exec(typed);
  if (match === null) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to && to <= PORT_MAX ? { from, to } : undefined;
}

export function coversPort({ from, to }: PortRange, port: number): boolean {
  return from <= port && port <= to;
}
