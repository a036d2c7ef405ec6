// Tunnel and packet filter as one: what a node's config says about the network, made true. Law: the filter stands before a peer
// can send the first packet.
import PQueue from 'p-queue';
import type { NodeConfig, Peer } from '../bundle/config.ts';
import { KokoaError } from '../bundle/error.ts';
import { type AllowedRange, allowedForwards } from './core/allow-list.ts';
import { hasExpired, NO_PORTS, type OpenOrigin, openingsOf, openOrigin, portsInForce } from './core/closing-ports.ts';
import { renderFirewall } from './core/firewall.ts';
import { type ForwardingPlan, isNothing } from './core/forwarding-plan.ts';
import { networkPart } from './core/network-part.ts';
import { overlapsOf, overlapText } from './core/networks-overlap.ts';
import { planKeys, planTunnel } from './core/tunnel-plan.ts';
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
  /** The network of the tunnels that the owner agreed to at join. */
  agreed?: string | undefined;
  /** ms of a clock that nobody sets: how long a port stays open must not depend on the time of day. */
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

/** What the change of a WireGuard key needs, its own or a peer's (ADR 24). */
export interface NetworkKeys {
  /** Gives each peer's address to the key that it uses now, of those in the last config. Answers what was done. @throws KokoaError tunnel_failed */
  followKeys(): Promise<string[]>;
  /**
   * The same at once, without reading anything: by the handshakes that the caller has just read. @throws KokoaError tunnel_failed
   */
  moveKeys(latest: ReadonlyMap<string, number>): Promise<string[]>;
  /**
   * Changes the key file by `change`, and the interface takes what is in it; every peer hears of it at once. Nobody sees the one without the
   * other. @throws KokoaError tunnel_failed, and what `change` throws
   */
  useKeyFile(change: () => Promise<void>): Promise<void>;
}

const FILTER = 'packet filter';
const SETTINGS = 'kernel settings for forwards';

interface Wanted {
  ruleset: string;
  settings: ForwardingPlan;
}

export function createNetwork({
  tunnel,
  firewall,
  forwarding: kernel,
  interfaceName,
  allow,
  agreed,
  now,
}: NetworkParts): Network & NetworkKeys {
  const forwarding = createForwarding(kernel, interfaceName);
  let ruleset: string | undefined;
  let ports = NO_PORTS;
  let applied: string | undefined;
  let seen: TunnelState | undefined;
  /** What the tunnel was made of last; steps for it never interleave. */
  let inForce: NodeConfig | undefined;
  const queue = new PQueue({ concurrency: 1 });
  const inTurn = <T>(task: () => Promise<T>) => queue.add(task) as Promise<T>;
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
    return { ruleset: text, settings };
  }

  /** Never only compared with what was applied: whoever reloads nftables flushes our table too, and every port is open then. */
  async function filterStands(wanted: Wanted): Promise<boolean> {
    return wanted.ruleset === ruleset && (await firewall.matches());
  }

  /** A signature alone must not turn the machine's way to its LAN into a tunnel. */
  async function refuseOverlap({ network }: NodeConfig): Promise<void> {
    if (network.wireguard === agreed) return;
    const overlaps = overlapsOf(network.wireguard, await kernel.routing.networks(interfaceName));
    if (overlaps.length === 0) return;
    throw new KokoaError(
      'network_overlaps',
      `the network of the tunnels, ${network.wireguard}, lies over what this machine reaches otherwise: ${overlapText(overlaps)}`,
      { hint: 'if it is meant, its owner joins again with --force; else correct network.wireguard in kokoa.yaml' },
    );
  }

  async function make(config: NodeConfig, unsettled: (error: unknown) => false): Promise<string[]> {
    applied = undefined;
    await refuseOverlap(config);
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
    const steps = await inTurn(async () => {
      const wantedSteps = await plan(config);
      // Only what was found well-formed: `moveKeys` judges nothing anew.
      inForce = config;
      if (wantedSteps.length > 0) await tunnel.apply(wantedSteps);
      return wantedSteps;
    });
    const settled = await forwarding.turnOn(wanted.settings).then(() => true, unsettled);
    if (settled && !isNothing(wanted.settings)) done.push(SETTINGS);
    applied = networkPart(config);
    const known = namesIn(config);
    const said = steps.map((step) => described(step, new Map([...names, ...known])));
    names = known;
    return [...done, ...said];
  }

  return {
    apply: async (config) => (applied === networkPart(config) ? [] : make(config, () => false)),
    async differs(config) {
      const wanted = await wantedFor(config, openOrigin(ports));
      if (!isNothing(wanted.settings) || !(await filterStands(wanted))) return true;
      // Which key of a peer has its address is `followKeys`' to see to, and nobody changed it.
      return (await inTurn(() => plan(config))).some((step) => !isOfTwoKeys(step, config));
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
    moveKeys: (latest) =>
      inTurn(async () => {
        if (inForce === undefined) return [];
        const steps = planKeys(inForce, (key) => latest.get(key) ?? 0);
        if (steps.length > 0) await tunnel.apply(steps);
        return steps.map((step) => described(step, namesIn(inForce!)));
      }),
    followKeys: () =>
      inTurn(async () => {
        const config = inForce;
        if (!config?.wireguard.peers.some(({ nextPublicKey }) => nextPublicKey !== undefined)) return [];
        const steps = (await plan(config)).filter((step) => isOfTwoKeys(step, config));
        if (steps.length > 0) await tunnel.apply(steps);
        return steps.map((step) => described(step, namesIn(config)));
      }),
    useKeyFile: (change) =>
      inTurn(async () => {
        await change();
        const { peers } = await read();
        await tunnel.apply([{ kind: 'rekey', peers: peers.filter(({ allowedIps }) => allowedIps.length > 0) }]);
      }),
    read,
    seen: () => seen,
  };
}

/** By public key. */
function namesIn({ wireguard }: NodeConfig): Map<string, string> {
  return new Map(wireguard.peers.flatMap((peer) => keysOf(peer).map((key) => [key, peer.node])));
}

function keysOf({ publicKey, nextPublicKey }: Peer): string[] {
  return nextPublicKey === undefined ? [publicKey] : [publicKey, nextPublicKey];
}

function isOfTwoKeys(step: TunnelStep, { wireguard }: NodeConfig): boolean {
  if (step.kind !== 'setPeer') return false;
  const peer = wireguard.peers.find((one) => keysOf(one).includes(step.peer.publicKey));
  return peer?.nextPublicKey !== undefined;
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
    case 'rekey':
      return 'took another key';
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
