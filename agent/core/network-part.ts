// The part of a config that tunnel, packet filter and the way to the control plane depend on, as one text to compare.
import { canonicalJson } from '../../bundle/canonical.ts';
import type { NodeConfig } from '../../bundle/config.ts';

/** Equal texts: nothing about the network differs. */
export function networkPart(config: NodeConfig): string {
  const { role, network, wireguard, controlPlane } = config;
  const { ports, udpPorts = [], forwards = [], asked = {} } = config.role === 'origin' ? config.origin : { ports: [] };
  return canonicalJson({ role, network, wireguard, controlPlane, ports, udpPorts, forwards, asked });
}
