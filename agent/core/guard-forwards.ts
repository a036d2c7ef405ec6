// The forwards of an origin's config. Law: a signature leads edges to loopback or a private network behind the origin, never back into
// the tunnels, and no port has two meanings. The owner's allow-list decides on top.
import type { Forward, OriginConfig } from '../../bundle/config.ts';
import { FORWARDS_MAX } from '../../bundle/config-schema.ts';
import { KokoaError } from '../../bundle/error.ts';
import { isForwardHost } from './forward-host.ts';
import type { CheckedNetwork } from './guard-network.ts';

/** @throws KokoaError too_many_forwards, forward_not_private, forward_into_tunnels, forward_port_taken, config_malformed */
export function checkForwards({ origin }: OriginConfig, network: CheckedNetwork): void {
  const { ports, udpPorts = [], forwards = [] } = origin;
  if (forwards.length > FORWARDS_MAX)
    throw new KokoaError(
      'too_many_forwards',
      `found ${forwards.length} forwards, at most ${FORWARDS_MAX} are possible`,
    );
  const taken = { tcp: new Set(ports), udp: new Set(udpPorts) };
  for (const forward of forwards) {
    checkTarget(forward, network);
    const { protocol = 'tcp', port } = forward;
    if (taken[protocol].has(port))
      throw refused('forward_port_taken', forward, 'expected a port that nothing else of it has');
    taken[protocol].add(port);
  }
}

function checkTarget(forward: Forward, network: CheckedNetwork): void {
  const { port, host, hostPort } = forward;
  if (!isPort(port) || !isPort(hostPort)) throw refused('config_malformed', forward, 'expected ports from 1 to 65535');
  if (!isForwardHost(host))
    throw refused('forward_not_private', forward, 'expected an IPv4 address of a private network, or 127.0.0.1');
  if (network.covers(host)) throw refused('forward_into_tunnels', forward, 'expected a host behind the origin');
}

function isPort(port: unknown): boolean {
  return Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535;
}

function refused(code: string, { port, host, hostPort }: Forward, expected: string): KokoaError {
  const shown = [port, `${host}:${hostPort}`].map((text) => String(text).slice(0, 40)).join(' to ');
  return new KokoaError(code, `a forward of this origin leads from port ${shown}, ${expected}`);
}
