// Tunnel and packet filter as one: what a node's config says about the network, made true. Law: the filter stands before a peer
// can send the first packet.
import type { NodeConfig } from '../bundle/config.ts';
import type { PortRange } from './core/allow-list.ts';
import { renderFirewall } from './core/firewall.ts';
import { planTunnel } from './core/tunnel-plan.ts';
import type { Firewall } from './ports/firewall.ts';
import type { Tunnel, TunnelState } from './ports/tunnel.ts';

export interface NetworkParts {
  tunnel: Tunnel & { savedEndpoints(): Promise<ReadonlyMap<string, string>> };
  firewall: Firewall;
  interfaceName: string;
  /** What the owner of this machine allows; only origins use it. */
  allow: readonly PortRange[];
}

export interface Network {
  /** Idempotent and cheap when nothing differs. Answers what was done, for the log. @throws KokoaError */
  apply(config: NodeConfig): Promise<string[]>;
  /** Puts the packet filter back when somebody else changed it. */
  restoreFilter(): Promise<boolean>;
  read(): Promise<TunnelState>;
}

export function createNetwork({ tunnel, firewall, interfaceName, allow }: NetworkParts): Network {
  let ruleset: string | undefined;
  return {
    async apply(config) {
      const done: string[] = [];
      const wanted = rulesetFor(config, interfaceName, allow);
      if (wanted !== ruleset) {
        await firewall.apply(wanted);
        ruleset = wanted;
        done.push('packet filter');
      }
      const steps = planTunnel(config, await tunnel.read(), await tunnel.savedEndpoints());
      if (steps.length > 0) await tunnel.apply(steps);
      return [...done, ...steps.map(({ kind }) => kind)];
    },
    async restoreFilter() {
      if (ruleset === undefined || (await firewall.matches())) return false;
      await firewall.apply(ruleset);
      return true;
    },
    read: () => tunnel.read(),
  };
}

function rulesetFor(config: NodeConfig, interfaceName: string, allow: readonly PortRange[]): string {
  return renderFirewall({
    interfaceName,
    role: config.role,
    address: config.wireguard.address,
    peers: config.wireguard.peers.map(({ address }) => address),
    ports: config.role === 'origin' ? config.origin.ports : [],
    allow,
  });
}
