// The WireGuard interface: the kernel's when there is one, else wireguard-go, started so that it outlives the agent. Law: only
// `wg set`, never setconf, so other peers keep their sessions; the private key is named by file, never as an argument.
import { join } from 'node:path';
import { KEEPALIVE_SECONDS } from '../core/tunnel-plan.ts';
import type { Tunnel, TunnelState, TunnelStep } from '../ports/tunnel.ts';
import { openLearnedEndpoints } from './learned-endpoints.ts';
import { runProgram } from './program.ts';
import { parseDump, parseHandshakes } from './wireguard-dump.ts';
import { configure, keyOfFile, startInterface, stopInterface, type WireguardInterface } from './wireguard-interface.ts';
import { checkInterfaceName, MTU, readLink } from './wireguard-link.ts';

/** `wg set` takes many peers at once; this bounds the length of one command. */
const PEERS_PER_COMMAND_MAX = 64;

export interface WireguardOptions {
  /** 1 to 15 letters, digits, `-` or `_`; unique on the machine, because wireguard-go's sockets are files. */
  interfaceName: string;
  /** The node's private key in base64, mode 0600. */
  keyFile: string;
  /** Holds `endpoints.json`. */
  stateDir: string;
  /** Holds the log of wireguard-go. */
  runDir: string;
  /** Put before every command, e.g. `['ip', 'netns', 'exec', NAME]` for a network namespace other than the agent's. */
  commandPrefix?: readonly string[];
}

export interface Wireguard extends Tunnel {
  /** Endpoints remembered from earlier readings: the third argument of planTunnel. */
  savedEndpoints(): Promise<ReadonlyMap<string, string>>;
  /** Public key → unix seconds of the newest handshake; 0: never. Cheap. @throws KokoaError tunnel_failed */
  handshakes(): Promise<ReadonlyMap<string, number>>;
  /** Takes the interface away and ends its wireguard-go. */
  remove(): Promise<void>;
}

/** @throws KokoaError bad_interface_name */
export function createWireguard(options: WireguardOptions): Wireguard {
  const name = checkInterfaceName(options.interfaceName);
  const endpoints = openLearnedEndpoints(join(options.stateDir, 'endpoints.json'));
  const target: WireguardInterface = {
    name,
    keyFile: options.keyFile,
    logFile: join(options.runDir, `${name}.log`),
    prefix: options.commandPrefix ?? [],
  };

  return {
    async read() {
      const state = await readState(target);
      await endpoints.remember(state.peers);
      return state;
    },
    async apply(steps) {
      for (const group of groupPeers(steps)) await carryOut(group, target);
      await endpoints.forget(steps.flatMap((step) => (step.kind === 'removePeer' ? [step.publicKey] : [])));
    },
    async handshakes() {
      const shown = await runProgram([...target.prefix, 'wg', 'show', name, 'latest-handshakes']);
      return parseHandshakes(shown.ok ? shown.stdout : '');
    },
    savedEndpoints: () => endpoints.all(),
    remove: () => stopInterface(target),
  };
}

/** `up` means: the link is up with our MTU, answers to wg, and holds the node's own key. Anything less is started again. */
async function readState(target: WireguardInterface): Promise<TunnelState> {
  const link = await readLink(target);
  const down: TunnelState = { up: false, listenPort: 0, peers: [] };
  if (!link) return down;
  const shown = await runProgram([...target.prefix, 'wg', 'show', target.name, 'dump']);
  if (!shown.ok) return down;
  const { publicKey, listenPort, peers } = parseDump(shown.stdout);
  const ours = publicKey !== undefined && publicKey === (await keyOfFile(target));
  return {
    up: link.up && link.mtu === MTU && ours,
    listenPort,
    peers,
    ...(link.addresses.length === 1 && { address: link.addresses[0]! }),
    ...(publicKey !== undefined && { publicKey }),
  };
}

type PeerStep = Extract<TunnelStep, { kind: 'setPeer' | 'removePeer' }>;
type RekeyStep = Extract<TunnelStep, { kind: 'rekey' }>;
type Group = Exclude<TunnelStep, PeerStep> | { kind: 'peers'; steps: PeerStep[] };

function groupPeers(steps: readonly TunnelStep[]): Group[] {
  const groups: Group[] = [];
  for (const step of steps) {
    if (step.kind !== 'setPeer' && step.kind !== 'removePeer') {
      groups.push(step);
      continue;
    }
    const last = groups.at(-1);
    if (last?.kind === 'peers' && last.steps.length < PEERS_PER_COMMAND_MAX) last.steps.push(step);
    else groups.push({ kind: 'peers', steps: [step] });
  }
  return groups;
}

async function carryOut(group: Group, target: WireguardInterface): Promise<void> {
  const { name } = target;
  switch (group.kind) {
    case 'start':
      return startInterface(target);
    case 'address':
      return replaceAddress(group.address, target);
    case 'listenPort':
      return configure(target, ['wg', 'set', name, 'listen-port', String(group.port)]);
    case 'rekey':
      return rekey(group.peers, target);
    case 'peers':
      return configure(target, ['wg', 'set', name, ...group.steps.flatMap(peerArguments)]);
  }
}

/**
 * A keepalive that is turned on is sent at once, and with a new key that needs a handshake; one that is on already is turned off before, so
 * that nothing is between the new key and the first handshake.
 */
async function rekey(peers: RekeyStep['peers'], target: WireguardInterface): Promise<void> {
  const set = (keys: readonly string[], seconds: number) =>
    keys.flatMap((key) => ['peer', key, 'persistent-keepalive', String(seconds)]);
  const all = peers.map(({ publicKey }) => publicKey);
  const quiet = peers.filter(({ keepaliveSeconds }) => keepaliveSeconds === 0).map(({ publicKey }) => publicKey);
  const first = all.slice(0, PEERS_PER_COMMAND_MAX);
  const run = (...args: string[]) => configure(target, ['wg', 'set', target.name, ...args]);
  if (all.length > 0) for (const some of groupsOf(all)) await run(...set(some, 0));
  await run('private-key', target.keyFile, ...set(first, KEEPALIVE_SECONDS));
  for (const some of groupsOf(all.slice(first.length))) await run(...set(some, KEEPALIVE_SECONDS));
  for (const some of groupsOf(quiet)) await run(...set(some, 0));
}

function groupsOf(keys: readonly string[]): string[][] {
  const count = Math.ceil(keys.length / PEERS_PER_COMMAND_MAX);
  return Array.from({ length: count }, (_, n) =>
    keys.slice(n * PEERS_PER_COMMAND_MAX, (n + 1) * PEERS_PER_COMMAND_MAX),
  );
}

/** wg(8): `allowed-ips` replaces the peer's whole list; an endpoint that is not named stays as it is. */
function peerArguments(step: PeerStep): string[] {
  if (step.kind === 'removePeer') return ['peer', step.publicKey, 'remove'];
  const { publicKey, endpoint, keepaliveSeconds, allowedIps } = step.peer;
  return [
    'peer',
    publicKey,
    ...(endpoint === undefined ? [] : ['endpoint', endpoint]),
    'persistent-keepalive',
    String(keepaliveSeconds),
    'allowed-ips',
    allowedIps.join(','),
  ];
}

async function replaceAddress(address: string, target: WireguardInterface): Promise<void> {
  await configure(target, ['ip', 'addr', 'replace', address, 'dev', target.name]);
  const others = (await readLink(target))?.addresses.filter((other) => other !== address) ?? [];
  for (const other of others) await configure(target, ['ip', 'addr', 'del', other, 'dev', target.name]);
}
