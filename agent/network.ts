// Tunnel and packet filter as one: what a node's config says about the network, made true. Law: the filter stands before a peer
// can send the first packet.
import type { NodeConfig } from '../bundle/config.ts';
import type { PortRange } from './core/allow-list.ts';
import { hasExpired, NO_PORTS, openPorts, portsInForce } from './core/closing-ports.ts';
import { renderFirewall } from './core/firewall.ts';
import { networkPart } from './core/network-part.ts';
import { planTunnel } from './core/tunnel-plan.ts';
import type { Firewall } from './ports/firewall.ts';
import type { Tunnel, TunnelState, TunnelStep } from './ports/tunnel.ts';

export interface NetworkParts {
  tunnel: Tunnel & { savedEndpoints(): Promise<ReadonlyMap<string, string>> };
  firewall: Firewall;
  interfaceName: string;
  /** What the owner of this machine allows; only origins use it. */
  allow: readonly PortRange[];
  /** ms since the epoch. */
  now(): number;
}

/** Answers of `apply`, `repair` and `restoreFilter` say what was done, one entry per step, for the log. */
export interface Network {
  /** Makes the network equal to a config; at once when nothing about it differs from the last success. @throws KokoaError */
  apply(config: NodeConfig): Promise<string[]>;
  /** True when the machine was changed by somebody else. Reads only. @throws KokoaError tunnel_failed */
  differs(config: NodeConfig): Promise<boolean>;
  /** Like `apply`, and never believes that all is as it was left. @throws KokoaError */
  repair(config: NodeConfig): Promise<string[]>;
  /** True when ports that no route declares any more have stayed open long enough: `repair` closes them. */
  hasPortsToClose(): boolean;
  /** Puts the packet filter back when somebody else changed it. @throws KokoaError firewall_failed */
  restoreFilter(): Promise<string[]>;
  /** @throws KokoaError tunnel_failed */
  read(): Promise<TunnelState>;
  /** What was read last, without reading again. */
  seen(): TunnelState | undefined;
}

const FILTER = 'packet filter';

export function createNetwork({ tunnel, firewall, interfaceName, allow, now }: NetworkParts): Network {
  let ruleset: string | undefined;
  let ports = NO_PORTS;
  let applied: string | undefined;
  let seen: TunnelState | undefined;
  /** Public key → node, of the config before this one: what is removed has a name too. */
  let names: ReadonlyMap<string, string> = new Map();

  async function read(): Promise<TunnelState> {
    seen = await tunnel.read();
    return seen;
  }

  async function plan(config: NodeConfig): Promise<TunnelStep[]> {
    return planTunnel(config, await read(), await tunnel.savedEndpoints());
  }

  async function repair(config: NodeConfig): Promise<string[]> {
    applied = undefined;
    const done: string[] = [];
    const next = portsInForce(ports, declaredPorts(config), now());
    const wanted = rulesetFor(config, openPorts(next), interfaceName, allow);
    if (wanted !== ruleset) {
      ruleset = undefined;
      await firewall.apply(wanted);
      ruleset = wanted;
      done.push(FILTER);
    }
    ports = next;
    const steps = await plan(config);
    if (steps.length > 0) await tunnel.apply(steps);
    applied = networkPart(config);
    const known = new Map(config.wireguard.peers.map(({ publicKey, node }) => [publicKey, node]));
    const said = steps.map((step) => described(step, new Map([...names, ...known])));
    names = known;
    return [...done, ...said];
  }

  return {
    apply: async (config) => (applied === networkPart(config) ? [] : repair(config)),
    differs: async (config) =>
      rulesetFor(config, openPorts(ports), interfaceName, allow) !== ruleset || (await plan(config)).length > 0,
    hasPortsToClose: () => hasExpired(ports, now()),
    repair,
    async restoreFilter() {
      if (ruleset === undefined || (await firewall.matches())) return [];
      await firewall.apply(ruleset);
      return [FILTER];
    },
    read,
    seen: () => seen,
  };
}

/** Steps by the names of nodes; a key that nobody named is shown by its beginning. */
function described(step: TunnelStep, names: ReadonlyMap<string, string>): string {
  const nameOf = (key: string) => names.get(key) ?? `key ${key.slice(0, 8)}…`;
  switch (step.kind) {
    case 'start':
      return 'started the tunnel';
    case 'address':
      return `address ${step.address}`;
    case 'listenPort':
      return `listen port ${step.port}`;
    case 'setPeer':
      return `set peer ${nameOf(step.peer.publicKey)}`;
    case 'removePeer':
      return `removed peer ${nameOf(step.publicKey)}`;
  }
}

function declaredPorts(config: NodeConfig): readonly number[] {
  return config.role === 'origin' ? config.origin.ports : [];
}

function rulesetFor(
  config: NodeConfig,
  ports: readonly number[],
  interfaceName: string,
  allow: readonly PortRange[],
): string {
  return renderFirewall({
    interfaceName,
    role: config.role,
    address: config.wireguard.address,
    peers: config.wireguard.peers.map(({ address }) => address),
    ports,
    allow,
  });
}
