// Decides what changes on the WireGuard interface. Law: a peer that is already right is never named in a step, where a peer that is alive
// was seen is never overwritten, and removals come first, because an address claimed twice moves silently to the last claim.
import type { NodeConfig, Peer } from '../../bundle/config.ts';
import type { TunnelPeer, TunnelState, TunnelStep } from '../ports/tunnel.ts';
import { type Dialling, isToDial } from './dialling.ts';
import { canonicalEndpoint } from './endpoint.ts';
import { checkClaims } from './tunnel-claims.ts';
import { keyInUse } from './two-keys.ts';
import { isWireguardKey } from './wireguard-key.ts';

/**
 * Keeps a NAT mapping open, and tells the other side a new address: an origin whose network changed is found again after this long, and
 * nobody sees the change of a home router's address but by what arrives from it. Only the side that dials needs it (wg(8),
 * PersistentKeepalive); an empty packet has 32 bytes.
 */
export const KEEPALIVE_SECONDS = 5;

type WantedPeer = Omit<TunnelPeer, 'latestHandshake'>;

/**
 * The steps from `state` to `config`; none when they already agree. `savedEndpoints` (public key → `ip:port`) are given back to peers
 * that have no endpoint, configured or learned: after a restart that saves waiting for the peers' keepalives. `dialling` decides who is
 * taken back to the endpoint that is declared.
 * A peer that nobody could reach (`peersLeftOut`) has no step but its removal.
 * @throws KokoaError bad_tunnel for an address that is malformed or outside the network, and for an address or key that is claimed twice
 */
export function planTunnel(
  config: NodeConfig,
  state: TunnelState,
  savedEndpoints: ReadonlyMap<string, string>,
  dialling: Dialling,
): TunnelStep[] {
  const { address, port } = config.wireguard;
  const prefix = checkClaims(config);
  const known = new Map(state.peers.map((peer) => [peer.publicKey, peer]));
  const peers = config.wireguard.peers.filter((peer) => mistakeOf(peer, state.publicKey) === undefined);
  const wanted = peers.flatMap((peer) => wantedPeers(peer, (key) => known.get(key)?.latestHandshake ?? 0));
  const keys = new Set(wanted.map((peer) => peer.publicKey));

  const steps: TunnelStep[] = [];
  if (!state.up) steps.push({ kind: 'start' });
  for (const { publicKey } of state.peers) {
    if (!keys.has(publicKey)) steps.push({ kind: 'removePeer', publicKey });
  }
  const ownAddress = `${address}/${prefix}`;
  if (state.address !== ownAddress) steps.push({ kind: 'address', address: ownAddress });
  if (port !== undefined && state.listenPort !== port) steps.push({ kind: 'listenPort', port });
  for (const peer of wanted) {
    const change = changeOf(peer, known.get(peer.publicKey), savedEndpoints.get(peer.publicKey), dialling);
    if (change) steps.push({ kind: 'setPeer', peer: change });
  }
  return steps;
}

/** Peers that are no use to anybody, each for a mistake of its own; all others have their tunnels. `ownKey`: absent where it is not known. */
export function peersLeftOut({ wireguard }: NodeConfig, ownKey?: string): { node: string; reason: string }[] {
  return wireguard.peers.flatMap((peer) => {
    const reason = mistakeOf(peer, ownKey);
    return reason === undefined ? [] : [{ node: peer.node, reason }];
  });
}

/** WireGuard itself would ignore a peer with the key of the interface. */
function mistakeOf(
  { publicKey, nextPublicKey = publicKey, endpoint }: Peer,
  ownKey: string | undefined,
): string | undefined {
  const keys = [publicKey, nextPublicKey];
  if (!keys.every(isWireguardKey)) return 'its public key is none';
  if (ownKey !== undefined && keys.includes(ownKey)) return 'its public key is that of this node';
  if (endpoint !== undefined && canonicalEndpoint(endpoint) === undefined)
    return 'its endpoint is none: expected ip:port or [ip6]:port';
  return undefined;
}

/**
 * The steps that give the addresses of peers with two keys to the key in use, whatever the interface has now; `latest`: see keyInUse. Where
 * they are dialled stays as it is: a handshake has just shown where the peer is.
 */
export function planKeys(config: NodeConfig, latest: (key: string) => number): TunnelStep[] {
  const peers = config.wireguard.peers.filter(
    (peer) => peer.nextPublicKey !== undefined && mistakeOf(peer, undefined) === undefined,
  );
  return peers.flatMap((peer) =>
    wantedPeers(peer, latest).map(({ endpoint: _, ...one }): TunnelStep => ({ kind: 'setPeer', peer: one })),
  );
}

/** The keys of a peer, first the one that has its address: of two, whichever it shook hands with last (ADR 24). */
function wantedPeers(peer: Peer, latest: (key: string) => number): WantedPeer[] {
  const { nextPublicKey } = peer;
  const current = wantedPeer(peer);
  if (nextPublicKey === undefined) return [current];
  const next = { ...current, publicKey: nextPublicKey };
  return keyInUse(peer, latest) === nextPublicKey ? [next, idle(current)] : [current, idle(next)];
}

/** It may shake hands, and nothing is sent to it or taken from it. */
function idle(peer: WantedPeer): WantedPeer {
  return { ...peer, allowedIps: [], keepaliveSeconds: 0 };
}

function wantedPeer(peer: Peer): WantedPeer {
  const endpoint = peer.endpoint === undefined ? undefined : canonicalEndpoint(peer.endpoint);
  return {
    publicKey: peer.publicKey,
    allowedIps: [`${peer.address}/32`],
    keepaliveSeconds: endpoint === undefined ? 0 : KEEPALIVE_SECONDS,
    ...(endpoint !== undefined && { endpoint }),
  };
}

/** What to set, or undefined when `known` is right. No `endpoint` in the answer: leave the one that is there. */
function changeOf(
  { endpoint: declared, ...wanted }: WantedPeer,
  known: TunnelPeer | undefined,
  saved: string | undefined,
  dialling: Dialling,
): WantedPeer | undefined {
  if (known?.endpoint === undefined) {
    const endpoint = declared ?? canonicalEndpoint(saved ?? '');
    if (endpoint !== undefined) return { ...wanted, endpoint };
  } else if (declared !== undefined && isToDial(declared, known, dialling)) return { ...wanted, endpoint: declared };
  const right =
    known?.keepaliveSeconds === wanted.keepaliveSeconds && known.allowedIps.join() === wanted.allowedIps.join();
  return right ? undefined : wanted;
}
