// Public ports of layer 4. Law: none that the machine itself needs, each once, and only into the tunnels; a port with a mistake of its
// own is left out alone.
import type { EdgeConfig, WireStream } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { CheckedNetwork } from './guard-network.ts';
import { checkTargets, leadsToPeer } from './guard-place.ts';
import { type LeftOut, portName } from './left-out.ts';
import { mistakeIn } from './mistake.ts';
import { allowed } from './mustache-template.ts';

/** SSH, HTTP and HTTPS of the machine itself; kokoa.yaml cannot grant them either. */
export const RESERVED_TCP_PORTS: readonly number[] = [22, 80, 443];
const PORT_MAX = 65_535;

/**
 * Public ports that are left out, each for a mistake of its own.
 * @throws KokoaError stream_invalid, address_outside_network, backend_is_self: no mistake of one port, so it condemns the whole bundle
 */
export function checkStreams(config: EdgeConfig, network: CheckedNetwork): LeftOut[] {
  const taken = new Set<string>(RESERVED_TCP_PORTS.map((port) => `tcp ${port}`));
  const leftOut: LeftOut[] = [];
  for (const stream of config.edge.streams ?? []) {
    const name = portName(stream);
    if (taken.has(name) || !isPort(stream.port))
      throw new KokoaError('stream_invalid', `the public port ${name} is reserved, taken twice, or none`);
    taken.add(name);
    leadsToPeer(stream, `the public port ${name}`, config, network);
    const reason = mistakeIn(checkStream, stream, config);
    if (reason !== undefined) leftOut.push({ name, reason });
  }
  return leftOut;
}

function checkStream(stream: WireStream, { wireguard }: EdgeConfig): void {
  const name = portName(stream);
  if (stream.protocol === 'udp' && stream.port === wireguard.port)
    throw new KokoaError('stream_invalid', `the public port ${name} is that of the tunnels`);
  if (stream.protocol === 'udp' && stream.proxyProtocol)
    throw new KokoaError('stream_invalid', `the public port ${name} cannot carry a PROXY header`);
  checkTargets(stream, `the public port ${name}`);
  for (const from of [...(stream.allow ?? []), ...(stream.deny ?? [])]) allowed('network', from);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX;
}
