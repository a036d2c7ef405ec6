// Public ports of layer 4. Law: none that the edge itself needs, each once, and only into the tunnels.
import type { EdgeConfig, WireStream } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { CheckedNetwork } from './guard-network.ts';
import { checkTargets } from './guard-place.ts';

/** SSH, HTTP and HTTPS of the machine itself; kokoa.yaml cannot grant them either. */
export const RESERVED_TCP_PORTS: readonly number[] = [22, 80, 443];
const PORT_MAX = 65_535;

/** @throws KokoaError stream_invalid, backends_invalid, address_outside_network, backend_is_self */
export function checkStreams(config: EdgeConfig, network: CheckedNetwork): void {
  const taken = new Set<string>(RESERVED_TCP_PORTS.map((port) => `tcp ${port}`));
  if (config.wireguard.port !== undefined) taken.add(`udp ${config.wireguard.port}`);
  for (const stream of config.edge.streams ?? []) {
    const name = nameOf(stream);
    if (taken.has(name) || !isPort(stream.port))
      throw new KokoaError('stream_invalid', `the public port ${name} is reserved, taken twice, or none`);
    if (stream.protocol === 'udp' && stream.proxyProtocol)
      throw new KokoaError('stream_invalid', `the public port ${name} cannot carry a PROXY header`);
    taken.add(name);
    checkTargets(stream, `the public port ${name}`, config, network);
  }
}

function nameOf({ protocol, port }: WireStream): string {
  return `${protocol} ${port}`;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX;
}
