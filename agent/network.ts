// Tunnel and packet filter as one: what a node's config says about the network, made true. Law: the filter stands before a peer
// can send the first packet.
import type { NodeConfig } from '../bundle/config.ts';
import { KokoaError } from '../bundle/error.ts';
import { networkPart } from './core/network-part.ts';
import { isInNetwork, overlapsOf, overlapText } from './core/networks-overlap.ts';
import { isOfTwoKeys } from './core/two-keys.ts';
import { createNetworkKeys, type NetworkKeys } from './network-keys.ts';
import type { TunnelState } from './ports/tunnel.ts';
import { createTunnelFilter, type TunnelFilterParts } from './tunnel-filter.ts';
import { createTunnelInTurn, type TunnelInTurn, type TunnelParts } from './tunnel-in-turn.ts';

export interface NetworkParts extends TunnelParts, TunnelFilterParts {
  /** The network of the tunnels that the owner agreed to at join. */
  agreed?: string | undefined;
}

/** Answers of `apply`, `repair` and `restoreFilter` say what was done, one entry per step, for the log. */
export interface Network {
  /**
   * Makes the network equal to a config; at once when nothing about it differs from the last success. A kernel that does not let
   * forwards through keeps no other change back: `differs` sees it, and `repair` says why. @throws KokoaError
   */
  apply(config: NodeConfig): Promise<string[]>;
  /** True when the machine was changed by somebody else. Reads only. @throws KokoaError tunnel_failed */
  differs(config: NodeConfig): Promise<boolean>;
  /** Like `apply`, and never believes that all is as it was left. @throws KokoaError */
  repair(config: NodeConfig): Promise<string[]>;
  /** True when ports that no route declares any more have stayed open long enough: `repair` closes them. */
  hasPortsToClose(): boolean;
  /** Puts the packet filter back when somebody else changed it; at any time, beside `apply` and `repair`. @throws KokoaError firewall_failed */
  restoreFilter(): Promise<string[]>;
  /** Packets to forwards that another packet filter of this machine dropped since ours was applied. @throws KokoaError */
  droppedByOthers(): Promise<number>;
  /** @throws KokoaError tunnel_failed */
  read(): Promise<TunnelState>;
  /** What was read last, without reading again. */
  seen(): TunnelState | undefined;
}

export function createNetwork(parts: NetworkParts): Network & NetworkKeys {
  const tunnel = createTunnelInTurn(parts);
  const filter = createTunnelFilter(parts);
  let applied: string | undefined;

  async function make(config: NodeConfig, unsettled: (error: unknown) => string[]): Promise<string[]> {
    applied = undefined;
    await refuseOverlap(config, tunnel, parts);
    const filtered = await filter.make(config);
    const steps = await tunnel.make(config);
    const settings = await filtered.turnOn().catch(unsettled);
    applied = networkPart(config);
    return [...filtered.done, ...settings, ...steps];
  }

  return {
    apply: async (config) => (applied === networkPart(config) ? [] : make(config, () => [])),
    async differs(config) {
      if (await filter.differs(config)) return true;
      // Which key of a peer has its address is `followKeys`' to see to, and nobody changed it.
      return (await tunnel.inTurn(() => tunnel.plan(config))).some((step) => !isOfTwoKeys(step, config));
    },
    hasPortsToClose: filter.hasPortsToClose,
    repair: (config) =>
      make(config, (error) => {
        throw error;
      }),
    restoreFilter: filter.restore,
    droppedByOthers: () => parts.firewall.droppedByOthers(),
    read: tunnel.read,
    seen: tunnel.seen,
    ...createNetworkKeys(tunnel, parts.tunnel),
  };
}

/**
 * A signature alone must not turn the machine's way to its LAN into a tunnel. A network that is in force already takes no way from anybody:
 * whatever the machine came to reach since must keep no port open and no revoked peer in.
 */
async function refuseOverlap(
  { network }: NodeConfig,
  tunnel: TunnelInTurn,
  { agreed, forwarding, interfaceName }: NetworkParts,
): Promise<void> {
  if (network.wireguard === agreed) return;
  const overlaps = overlapsOf(network.wireguard, await forwarding.routing.networks(interfaceName));
  if (overlaps.length === 0 || (await isInForce(network.wireguard, tunnel))) return;
  throw new KokoaError(
    'network_overlaps',
    `the network of the tunnels, ${network.wireguard}, lies over what this machine reaches otherwise: ${overlapText(overlaps)}`,
    { hint: 'if it is meant, its owner joins again with --force; else correct network.wireguard in kokoa.yaml' },
  );
}

/** After a restart of the agent the interface says it. */
async function isInForce(network: string, tunnel: TunnelInTurn): Promise<boolean> {
  const made = tunnel.inForce();
  return made ? made.network.wireguard === network : isInNetwork((await tunnel.read()).address, network);
}
