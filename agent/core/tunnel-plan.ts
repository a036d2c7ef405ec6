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
 * @throws KokoaError bad_tunnel for an address, key or endpoint that is malformed, outside the network or claimed twice
 */
export function planTunnel(
  config: NodeConfig,
  state: TunnelState,
  savedEndpoints: ReadonlyMap<string, string>,
): TunnelStep[] {
  const { address, port } = config.wireguard;
  const prefix = checkNetwork(config, state.publicKey);
  const wanted = config.wireguard.peers.map(wantedPeer);
  const known = new Map(state.peers.map((peer) => [peer.publicKey, peer]));
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

function wantedPeer(peer: Peer): WantedPeer {
  const endpoint = peer.endpoint === undefined ? undefined : canonicalEndpoint(peer.endpoint);
  if (peer.endpoint !== undefined && endpoint === undefined) {
    throw bad(`peer ${peer.node} has the endpoint ${peer.endpoint}, expected ip:port or [ip6]:port`);
  }
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
    known.allowedIps.length === 1 &&
    known.allowedIps[0] === wanted.allowedIps[0] &&
    (endpoint === undefined || known.endpoint === endpoint);
  return right ? undefined : change;
}

/** Answers the network's prefix length, after every address and key was found well-formed, inside and unique. */
function checkNetwork(config: NodeConfig, ownKey: string | undefined): number {
  const { address, peers } = config.wireguard;
  const cidr = config.network.wireguard;
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr))
    throw bad(`network.wireguard is ${cidr}, expected an IPv4 network`);
  const network = ipaddr.IPv4.parseCIDR(cidr);
  if (peers.length > PEERS_MAX) throw bad(`${peers.length} peers, at most ${PEERS_MAX}`);
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
  if (ownKey !== undefined) claim(ownKey, config.node);
  for (const peer of peers) {
    claimAddress(peer.address, peer.node);
    if (!isWireguardKey(peer.publicKey)) throw bad(`peer ${peer.node} has a malformed public key`);
    claim(peer.publicKey, peer.node);
  }
  return network[1];
}

function bad(message: string): KokoaError {
  return new KokoaError('bad_tunnel', message, { hint: 'the tunnel was left as it is; correct the node files in git' });
}
