// Decides what changes on the WireGuard interface. Law: a peer that is already right is never named in a step, an endpoint that
// was learned is never overwritten, and removals come first, because an address claimed twice moves silently to the last claim.
import ipaddr from 'ipaddr.js';
import type { NodeConfig, Peer } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { TunnelPeer, TunnelState, TunnelStep } from '../ports/tunnel.ts';
import { isWireguardKey } from './wireguard-key.ts';

/**
 * Keeps a NAT mapping open, and tells the other side a new address: an origin whose network changed is found again after this long, and
 * nobody sees the change of a home router's address but by what arrives from it. Only the side that dials needs it (wg(8),
 * PersistentKeepalive); an empty packet has 32 bytes.
 */
export const KEEPALIVE_SECONDS = 5;
export const PEERS_MAX = 4096;

type WantedPeer = Omit<TunnelPeer, 'latestHandshake'>;

/**
 * The steps from `state` to `config`; none when they already agree. `savedEndpoints` (public key → `ip:port`) are given back to peers
 * that have no endpoint, configured or learned: after a restart that saves waiting for the peers' keepalives.
 * A peer that nobody could reach (`peersLeftOut`) has no step but its removal.
 * @throws KokoaError bad_tunnel for an address that is malformed or outside the network, and for an address or key that is claimed twice
 */
export function planTunnel(
  config: NodeConfig,
  state: TunnelState,
  savedEndpoints: ReadonlyMap<string, string>,
): TunnelStep[] {
  const { address, port } = config.wireguard;
  const prefix = checkNetwork(config);
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
    const change = changeOf(peer, known.get(peer.publicKey), savedEndpoints.get(peer.publicKey));
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

/** The steps that give the addresses of peers with two keys to the key in use, whatever the interface has now; `latest`: see keyInUse. */
export function planKeys(config: NodeConfig, latest: (key: string) => number): TunnelStep[] {
  const peers = config.wireguard.peers.filter(
    (peer) => peer.nextPublicKey !== undefined && mistakeOf(peer, undefined) === undefined,
  );
  return peers.flatMap((peer) => wantedPeers(peer, latest).map((one): TunnelStep => ({ kind: 'setPeer', peer: one })));
}

/** `ip:port` or `[ip6]:port` in the form `wg` prints, or undefined when it is neither. */
export function canonicalEndpoint(text: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9.]{7,15})):([0-9]{1,5})$/.exec(text);
  if (!match) return undefined;
  const [, ipv6, ipv4, digits] = match;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  if (ipv4 !== undefined) return ipaddr.IPv4.isValidFourPartDecimal(ipv4) ? `${ipv4}:${port}` : undefined;
  if (!ipaddr.IPv6.isValid(ipv6!)) return undefined;
  const address = ipaddr.IPv6.parse(ipv6!);
  return address.isIPv4MappedAddress() ? undefined : `[${address.toRFC5952String()}]:${port}`;
}

/**
 * Which key of a peer has its address: of two, whichever it shook hands with last, because that is what it sends with now (ADR 24).
 * `latest`: unix seconds of the newest handshake with a key; 0: never. In the same second the next key is the later one.
 */
export function keyInUse({ publicKey, nextPublicKey }: Peer, latest: (key: string) => number): string {
  if (nextPublicKey === undefined || latest(nextPublicKey) === 0) return publicKey;
  return latest(nextPublicKey) >= latest(publicKey) ? nextPublicKey : publicKey;
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
  wanted: WantedPeer,
  known: TunnelPeer | undefined,
  saved: string | undefined,
): WantedPeer | undefined {
  const endpoint = wanted.endpoint ?? (known?.endpoint === undefined ? canonicalEndpoint(saved ?? '') : undefined);
  const change = { ...wanted, ...(endpoint !== undefined && { endpoint }) };
  if (!known) return change;
  const right =
    known.keepaliveSeconds === wanted.keepaliveSeconds &&
    known.allowedIps.join() === wanted.allowedIps.join() &&
    (endpoint === undefined || known.endpoint === endpoint);
  return right ? undefined : change;
}

/** Answers the network's prefix length, after every address was found well-formed and inside, and with every key unique. */
function checkNetwork(config: NodeConfig): number {
  const { address, peers } = config.wireguard;
  const cidr = config.network.wireguard;
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr))
    throw bad(`network.wireguard is ${cidr}, expected an IPv4 network`);
  const network = ipaddr.IPv4.parseCIDR(cidr);
  const keys = peers.flatMap(({ publicKey, nextPublicKey }) => [publicKey, ...(nextPublicKey ? [nextPublicKey] : [])]);
  if (keys.length > PEERS_MAX) throw bad(`${keys.length} keys of peers, at most ${PEERS_MAX}`);
  const claims = new Map<string, string>();
  const claim = (what: string, owner: string) => {
    const other = claims.get(what);
    if (other !== undefined) throw bad(`${what} is claimed by ${other} and by ${owner}`);
    claims.set(what, owner);
  };
  const claimAddress = (text: string, owner: string) => {
    const valid = ipaddr.IPv4.isValidFourPartDecimal(text) && ipaddr.IPv4.parse(text).match(network);
    if (!valid) throw bad(`${owner} has the address ${text}, expected one inside ${cidr}`);
    claim(text, owner);
  };
  claimAddress(address, config.node);
  for (const peer of peers) {
    claimAddress(peer.address, peer.node);
    for (const key of [peer.publicKey, peer.nextPublicKey]) if (key !== undefined) claim(key, peer.node);
  }
  return network[1];
}

function bad(message: string): KokoaError {
  return new KokoaError('bad_tunnel', message, { hint: 'the tunnel was left as it is; correct the node files in git' });
}
