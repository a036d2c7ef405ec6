// What PROBE looks at: sampled hostnames through the local web server, the tunnels, the way to the control plane.
import type { VerifiedBundle } from './ports/state.ts';
import type { TunnelState } from './ports/tunnel.ts';
import type { ProbeResults } from './probe.ts';

/** Enough to notice that nothing is routed; more would make every change slower. */
const HOSTS_SAMPLED_MAX = 12;
/** WireGuard renews a used session every 120 s and gives up after 180 s (WireGuard paper, section 6.1). */
const HANDSHAKE_FRESH_SECONDS = 180;
/** Our own answers to a hostname that is not routed, or came on the wrong connection. */
const NOT_ROUTED: readonly number[] = [404, 421];

/** What one hostname answered through the local web server. */
export type HostAnswer = { ok: true; status: number } | { ok: false };

export interface Eyes {
  /** Edges only. */
  host?(hostname: string): Promise<HostAnswer>;
  tunnel?(): Promise<TunnelState>;
  /** True when a new connection to the control plane works. */
  controlPlane(): Promise<boolean>;
  nowSeconds(): number;
}

/** Every check by name; true when it holds now. */
export async function look(bundle: VerifiedBundle, eyes: Eyes): Promise<ProbeResults> {
  const [hosts, tunnels, controlPlane] = await Promise.all([
    lookAtHosts(bundle, eyes),
    lookAtTunnels(bundle, eyes),
    eyes.controlPlane(),
  ]);
  return { ...hosts, ...tunnels, 'control plane': controlPlane };
}

async function lookAtHosts(bundle: VerifiedBundle, { host }: Eyes): Promise<ProbeResults> {
  if (!host || bundle.config.role !== 'edge') return {};
  const names = sample(bundle.chunks.flatMap(({ routes }) => routes.map((route) => route.hostname)));
  const results = await Promise.all(names.map(async (name) => [name, answers(await host(name))] as const));
  return Object.fromEntries(results);
}

function answers(result: HostAnswer): boolean {
  return result.ok && !NOT_ROUTED.includes(result.status);
}

async function lookAtTunnels(bundle: VerifiedBundle, { tunnel, nowSeconds }: Eyes): Promise<ProbeResults> {
  if (!tunnel) return {};
  const ages = new Map((await tunnel()).peers.map(({ publicKey, latestHandshake }) => [publicKey, nowSeconds() - latestHandshake]));
  return Object.fromEntries(
    bundle.config.wireguard.peers.map(({ node, publicKey }) => [
      `tunnel to ${node}`,
      (ages.get(publicKey) ?? Number.POSITIVE_INFINITY) < HANDSHAKE_FRESH_SECONDS,
    ]),
  );
}

/** Evenly spread, so that every part of a large map is looked at. */
function sample(names: readonly string[]): string[] {
  const step = Math.max(1, names.length / HOSTS_SAMPLED_MAX);
  return Array.from({ length: Math.min(names.length, HOSTS_SAMPLED_MAX) }, (_, index) => names[Math.floor(index * step)]!);
}
