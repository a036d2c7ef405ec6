// How an edge is asked whether it serves: it shows its mark with plain HTTP, so that whoever got the address of a machine that is gone is not taken
// for it, and it speaks TLS. Law: no name is needed for that, so an edge without certificates is not taken for a dead one.
import { EDGE_MARK_PATH, edgeMark } from '../bundle/edge-mark.ts';
import type { Check } from './check.ts';

export interface EdgePorts {
  http: number;
  https: number;
}

const PORTS: EdgePorts = { http: 80, https: 443 };

/** Of one edge, at all its addresses. `hostname`: one that it serves, for the handshake. */
export function edgeChecksAt(
  { node, addresses, hostname }: { node: string; addresses: readonly string[]; hostname?: string },
  ports = PORTS,
): Check[] {
  return addresses.flatMap((address): Check[] => [
    {
      ...{ kind: 'http', address, port: ports.http, hostname: hostname ?? bracketed(address) },
      ...{ path: EDGE_MARK_PATH, status: { from: 200, to: 200 }, body: edgeMark(node) },
    },
    { kind: 'tls', address, port: ports.https, ...(hostname !== undefined && { hostname }) },
  ]);
}

/** As the Host header has an address. */
function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
