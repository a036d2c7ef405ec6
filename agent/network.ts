// Tunnel and packet filter as one: what a node's config says about the network, made true. Law: the filter stands before a peer
// can send the first packet.
import type { NodeConfig } from '../bundle/config.ts';
import { type AllowedRange, allowedForwards } from './core/allow-list.ts';
import { hasExpired, NO_PORTS, type OpenOrigin, openingsOf, openOrigin, portsInForce } from './core/closing-ports.ts';
import { renderFirewall } from './core/firewall.ts';
import { type ForwardingPlan, isNothing } from './core/forwarding-plan.ts';
import { networkPart } from './core/network-part.ts';
import { planTunnel } from './core/tunnel-plan.ts';
import { createForwarding, type ForwardingParts } from './forwarding.ts';
import type { Firewall } from './ports/firewall.ts';
import type { Tunnel, TunnelState, TunnelStep } from './ports/tunnel.ts';

export interface NetworkParts {
  tunnel: Tunnel & { savedEndpoints(): Promise<ReadonlyMap<string, string>> };
  firewall: Firewall;
  /** Settings and routes of the kernel; only forwards use them. */
  forwarding: ForwardingParts;
  interfaceName: string;
  /** What the owner of this machine allows; only origins use it. */
  allow: readonly AllowedRange[];
  /** ms since the epoch. */
  now(): number;
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
  /** Puts the packet filter back when somebody else changed it. @throws KokoaError firewall_failed */
  restoreFilter(): Promise<string[]>;
  /** Packets to forwards that another packet filter of this machine dropped since ours was applied. @throws KokoaError */
  droppedByOthers(): Promise<number>;
  /** @throws KokoaError tunnel_failed */
  read(): Promise<TunnelState>;
  /** What was read last, without reading again. */
  seen(): TunnelState | undefined;
}

const FILTER = 'packet filter';
const SETTINGS = 'kernel settings for forwards';

interface Wanted {
  ruleset: string;
  settings: ForwardingPlan;
  hasForwards: boolean;
}

export function createNetwork({
  tunnel,
  firewall,
  forwarding: kernel,
  interfaceName,
  allow,
  now,
}: NetworkParts): Network {
  const forwarding = createForwarding(kernel, interfaceName);
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

  async function wantedFor(config: NodeConfig, open: OpenOrigin): Promise<Wanted> {
    const forwards = allowedForwards(open.forwards, allow);
    const settings = await forwarding.plan(forwards);
    const text = rulesetFor(config, open, interfaceName, allow, settings.guarded);
    return { ruleset: text, settings, hasForwards: forwards.length > 0 };
  }

  /** With forwards more depends on the filter than without, so it is not only compared with what was applied. */
  async function filterStands(wanted: Wanted): Promise<boolean> {
    return wanted.ruleset === ruleset && (!wanted.hasForwards || (await firewall.matches()));
  }

  async function make(config: NodeConfig, unsettled: (error: unknown) => false): Promise<string[]> {
    applied = undefined;
    const done: string[] = [];
    const next = portsInForce(ports, declared(config), now());
    const wanted = await wantedFor(config, openOrigin(next));
    await forwarding.turnOff(wanted.settings);
    if (!(await filterStands(wanted))) {
      ruleset = undefined;
      await firewall.apply(wanted.ruleset);
      ruleset = wanted.ruleset;
      done.push(FILTER);
    }
    ports = next;
    const steps = await plan(config);
    if (steps.length > 0) await tunnel.apply(steps);
    const settled = await forwarding.turnOn(wanted.settings).then(() => true, unsettled);
    if (settled && !isNothing(wanted.settings)) done.push(SETTINGS);
    applied = networkPart(config);
    const known = new Map(config.wireguard.peers.map(({ publicKey, node }) => [publicKey, node]));
    const said = steps.map((step) => described(step, new Map([...names, ...known])));
    names = known;
    return [...done, ...said];
  }

  return {
    apply: async (config) => (applied === networkPart(config) ? [] : make(config, () => false)),
    async differs(config) {
      const wanted = await wantedFor(config, openOrigin(ports));
      if (!isNothing(wanted.settings) || !(await filterStands(wanted))) return true;
      return (await plan(config)).length > 0;
    },
    hasPortsToClose: () => hasExpired(ports, now()),
    repair: (config) =>
      make(config, (error) => {
        throw error;
      }),
    async restoreFilter() {
      if (ruleset === undefined || (await firewall.matches())) return [];
      await firewall.apply(ruleset);
      return [FILTER];
    },
    droppedByOthers: () => firewall.droppedByOthers(),
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

function declared(config: NodeConfig) {
  return config.role === 'origin' ? openingsOf(config.origin) : [];
}

function rulesetFor(
  config: NodeConfig,
  open: OpenOrigin,
  interfaceName: string,
  allow: readonly AllowedRange[],
  guarded: readonly string[],
): string {
  return renderFirewall({
    interfaceName,
    role: config.role,
    address: config.wireguard.address,
    peers: config.wireguard.peers.map(({ address }) => address),
    ...open,
    allow,
    guarded,
  });
}
