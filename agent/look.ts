// What PROBE looks at: sampled hostnames through the local web server and, where a change touches them, the tunnels and the way to
// the control plane. Law: a check is of something that is the same before and after; what is new or different condemns nothing.
import { canonicalJson } from '../bundle/canonical.ts';
import type { Peer, WireRoute } from '../bundle/config.ts';
import { SESSION_SECONDS } from './core/dialling.ts';
import { networkPart } from './core/network-part.ts';
import { servedAs } from './core/served-as.ts';
import { keysOf } from './core/two-keys.ts';
import type { VerifiedBundle } from './ports/state.ts';
import type { TunnelState } from './ports/tunnel.ts';
import type { ProbeResults } from './probe.ts';

/** Enough to notice that nothing is routed; more would make every change slower. */
export const HOSTS_SAMPLED_MAX = 6;
/** Our own answers to a hostname that is not routed, or came on the wrong connection. */
const NOT_ROUTED: readonly number[] = [404, 421];
const CONTROL_PLANE = 'control plane';

/** What one hostname answered through the local web server. `slow`: nothing yet; whoever is slow is not the web server. */
export type HostAnswer = { kind: 'answer'; status: number } | { kind: 'slow' } | { kind: 'failed' };

export interface Eyes {
  /** Edges only. */
  host?(hostname: string, timeoutMs: number): Promise<HostAnswer>;
  /** @throws KokoaError tunnel_failed */
  tunnel?(): Promise<TunnelState>;
  /** True when a new connection to the control plane works. */
  controlPlane(): Promise<boolean>;
  nowSeconds(): number;
}

/** What to look at. */
export interface Questions {
  hostnames: readonly string[];
  peers: readonly Peer[];
  controlPlane: boolean;
}

/**
 * What can be compared across a change from `running` to `wanted`, and is touched by it. A hostname that is served otherwise is left
 * out: it may answer 404 to everything from now on, and that must not keep everybody else's change back.
 */
export function questionsFor(running: VerifiedBundle, wanted: VerifiedBundle): Questions {
  const sampled = new Map(sample(routesOf(running)).map((route) => [route.hostname, servedAs(route)]));
  const hostnames = routesOf(wanted)
    .filter((route) => sampled.has(route.hostname) && sampled.get(route.hostname) === servedAs(route))
    .map(({ hostname }) => hostname);
  if (networkPart(running.config) === networkPart(wanted.config)) return { hostnames, peers: [], controlPlane: false };
  const before = new Set(running.config.wireguard.peers.map((peer) => canonicalJson(peer)));
  const peers = wanted.config.wireguard.peers.filter((peer) => before.has(canonicalJson(peer)));
  return { hostnames, peers, controlPlane: true };
}

/** Only those whose checks are among `names`. */
export function narrowed({ hostnames, peers, controlPlane }: Questions, names: ReadonlySet<string>): Questions {
  return {
    hostnames: hostnames.filter((hostname) => names.has(hostname)),
    peers: peers.filter((peer) => names.has(checkOf(peer))),
    controlPlane: controlPlane && names.has(CONTROL_PLANE),
  };
}

/** Every check by name; true when it holds now. A hostname has `timeoutMs` to answer. */
export async function look(questions: Questions, eyes: Eyes, timeoutMs: number): Promise<ProbeResults> {
  const [hosts, tunnels, controlPlane] = await Promise.all([
    lookAtHosts(questions, eyes, timeoutMs),
    lookAtTunnels(questions, eyes),
    questions.controlPlane ? eyes.controlPlane() : undefined,
  ]);
  return { ...hosts, ...tunnels, ...(controlPlane !== undefined && { [CONTROL_PLANE]: controlPlane }) };
}

async function lookAtHosts({ hostnames }: Questions, { host }: Eyes, timeoutMs: number): Promise<ProbeResults> {
  if (!host) return {};
  const seen = await Promise.all(hostnames.map(async (name) => [name, await host(name, timeoutMs)] as const));
  return Object.fromEntries(
    seen.flatMap(([name, answer]) => (answer.kind === 'slow' ? [] : [[name, isRouted(answer)] as const])),
  );
}

function isRouted(answer: HostAnswer): boolean {
  return answer.kind === 'answer' && !NOT_ROUTED.includes(answer.status);
}

async function lookAtTunnels({ peers }: Questions, { tunnel, nowSeconds }: Eyes): Promise<ProbeResults> {
  if (!tunnel || peers.length === 0) return {};
  const state = await tunnel().catch(() => undefined);
  if (!state) return {};
  const latest = new Map(state.peers.map(({ publicKey, latestHandshake }) => [publicKey, latestHandshake]));
  const newest = (peer: Peer) => Math.max(...keysOf(peer).map((key) => latest.get(key) ?? 0));
  const fresh = (peer: Peer) => nowSeconds() - newest(peer) < SESSION_SECONDS;
  return Object.fromEntries(peers.map((peer) => [checkOf(peer), fresh(peer)]));
}

function checkOf({ node }: Peer): string {
  return `tunnel to ${node}`;
}

function routesOf({ chunks }: VerifiedBundle): WireRoute[] {
  return chunks.flatMap(({ routes }) => routes);
}

/** Evenly spread, so that every part of a large map is looked at. */
function sample<T>(all: readonly T[]): T[] {
  const step = Math.max(1, all.length / HOSTS_SAMPLED_MAX);
  return Array.from({ length: Math.min(all.length, HOSTS_SAMPLED_MAX) }, (_, index) => all[Math.floor(index * step)]!);
}
