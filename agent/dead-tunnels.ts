// The story of an origin that falls silent: seen within 1.5 s from what WireGuard counts, its connections are reset, so that the web
// server asks the next backend; new ones fail at once; our own knocks find it alive again. Law: only where another backend can answer.
// It touches sockets and a table of its own, so it waits for nothing else that changes the machine.
import type { Peer } from '../bundle/config.ts';
import { nameOf, type Replaceable, replaceableTargets, type Target, withoutAnswer } from './core/alternatives.ts';
import { type Counters, isCalm, LOOK_MS, NOTHING_SEEN, observe, type TunnelHealth } from './core/tunnel-health.ts';
import { pause } from './follow.ts';
import { createNews, type Log, type News } from './news.ts';
import { type Connections, REFUSED_MS } from './ports/connections.ts';
import type { VerifiedBundle } from './ports/state.ts';
import type { TunnelMeter } from './ports/tunnel-meter.ts';

export interface DeadTunnelsParts {
  meter: TunnelMeter;
  connections: Connections;
  /** One attempt to connect. Whatever answers it comes through the tunnel, and the meter sees it. */
  knock(target: Target, timeoutMs: number): Promise<unknown>;
  log: Log;
  /** Called with those whose tunnel died. */
  told?(peers: readonly Peer[]): void;
  lookMs?: number;
}

export interface DeadTunnels {
  /** Looks until `signal` aborts; `running` is what the node serves now. Never throws. */
  run(running: () => VerifiedBundle | undefined, signal: AbortSignal): Promise<void>;
}

/** In turn, because an owner may have closed some of them. */
const KNOCKS_PER_LOOK_MAX = 16;
const KNOCK_MS = 200;
const RENEW_MS = REFUSED_MS / 3;

/** What one bundle asks to be watched, and what is known of it. */
interface Watched {
  bundle: VerifiedBundle | undefined;
  targets: readonly Replaceable[];
  /** By public key: those that serve or could stand in. */
  peers: ReadonlyMap<string, Peer>;
  health: TunnelHealth;
  /** The interface's own count when the peers' were read. */
  sent: number | undefined;
  refused: readonly Target[];
  refusedAtMs: number;
  looks: number;
}

export function createDeadTunnels(parts: DeadTunnelsParts): DeadTunnels {
  const { connections, log, lookMs = LOOK_MS } = parts;
  return {
    async run(running, signal) {
      const news = createNews(log);
      const watched = nothing();
      // What an agent before this one may have left.
      let well = await attempted(() => connections.refuse([]), news);
      let due = performance.now();
      while (!signal.aborted) {
        due = Math.max(due + lookMs, performance.now() + lookMs / 3);
        await pause(due - performance.now(), signal);
        const bundle = running();
        if (signal.aborted || !bundle) continue;
        if (bundle.configHash !== watched.bundle?.configHash) adopt(bundle, watched);
        if (!well) watched.health = NOTHING_SEEN;
        well = await attempted(() => look(watched, parts), news);
      }
      if (watched.refused.length > 0) await attempted(() => connections.refuse([]), news);
    },
  };
}

/** A failure is said once, and once that it is over. */
async function attempted(action: () => Promise<void>, news: News): Promise<boolean> {
  try {
    await action();
    news.over('dead tunnels', 'dead tunnels are found again');
    return true;
  } catch (error) {
    news.trouble('dead tunnels', 'failed', { reason: String(error) }, 'cannot find dead tunnels or reset connections');
    return false;
  }
}

function nothing(): Watched {
  return {
    ...{ bundle: undefined, targets: [], peers: new Map(), health: NOTHING_SEEN, sent: undefined },
    ...{ refused: [], refusedAtMs: 0, looks: 0 },
  };
}

function adopt(bundle: VerifiedBundle, watched: Watched): void {
  const targets = replaceableTargets(bundle.chunks);
  const addresses = new Set(targets.flatMap(({ address, others }) => [address, ...others]));
  const peers = bundle.config.wireguard.peers.filter(({ address }) => addresses.has(address));
  Object.assign(watched, { bundle, targets, peers: new Map(peers.map((peer) => [peer.publicKey, peer])) });
}

async function look(watched: Watched, parts: DeadTunnelsParts): Promise<void> {
  const before = deadPeers(watched);
  if (watched.targets.length === 0) watched.health = NOTHING_SEEN;
  else await measure(watched, before, parts);
  const dead = deadPeers(watched);
  const [risen, fallen] = [without(before, dead), without(dead, before)];
  for (const { node } of risen) parts.log.info({ node }, 'a dead tunnel is alive again');
  for (const { node } of fallen) parts.log.warn({ node }, 'a tunnel is dead');
  try {
    await cut(watched, dead, parts.connections);
  } finally {
    if (fallen.length > 0) parts.told?.(fallen);
  }
}

/** Knocks where nobody answers, and counts; where nothing was sent since the last time there is nothing to count. */
async function measure(watched: Watched, dead: readonly Peer[], { meter, knock }: DeadTunnelsParts): Promise<void> {
  const silent = watched.targets.filter(({ address }) => dead.some((peer) => peer.address === address));
  // Nobody waits for them: an answer that comes too late for the knock is still counted.
  for (const target of inTurn(silent, watched.looks++)) knock(target, KNOCK_MS).catch(() => undefined);
  const sent = await meter.sent();
  if (isCalm(watched.health) && sent !== undefined && sent === watched.sent) return;
  const counters = await meter.read();
  watched.sent = sent;
  const seen = [...watched.peers].flatMap(([key, { nextPublicKey = '' }]) => {
    // While a peer changes its key, it may use either.
    const both = [counters.get(key), counters.get(nextPublicKey)].filter((one) => one !== undefined);
    return both.length > 0 ? [[key, both.reduce(sum)] as const] : [];
  });
  watched.health = observe(watched.health, performance.now(), new Map(seen));
}

function sum(a: Counters, b: Counters): Counters {
  return { received: a.received + b.received, sent: a.sent + b.sent };
}

function inTurn<T>(all: readonly T[], turn: number): T[] {
  const count = Math.min(all.length, KNOCKS_PER_LOOK_MAX);
  return Array.from({ length: count }, (_, index) => all[(turn * count + index) % all.length]!);
}

function deadPeers({ health, peers }: Watched): Peer[] {
  return [...peers].filter(([key]) => health.peers.get(key)?.dead).map(([, peer]) => peer);
}

function without(some: readonly Peer[], others: readonly Peer[]): Peer[] {
  return some.filter(({ node }) => !others.some((other) => other.node === node));
}

/** New connections are refused first, so that none is made between the reset and the refusal. */
async function cut(watched: Watched, dead: readonly Peer[], connections: Connections): Promise<void> {
  const { bundle, targets, refused, refusedAtMs } = watched;
  const reachable = new Set(bundle?.config.wireguard.peers.map(({ address }) => address));
  const wanted = withoutAnswer(targets, new Set(dead.map(({ address }) => address)), reachable);
  const known = new Set(refused.map(nameOf));
  const fresh = wanted.filter((target) => !known.has(nameOf(target)));
  const changed = fresh.length > 0 || wanted.length !== refused.length;
  const due = wanted.length > 0 && performance.now() - refusedAtMs >= RENEW_MS;
  if (!changed && !due) return;
  try {
    await connections.refuse(wanted);
  } finally {
    if (fresh.length > 0) await connections.reset(fresh);
  }
  Object.assign(watched, { refused: wanted, refusedAtMs: performance.now() });
}
