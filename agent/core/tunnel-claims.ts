// What a config's nodes claim in the network of the tunnels. Law: an address is inside that network, and nothing is claimed twice, because
// an address claimed twice moves silently to the last claim.
import ipaddr from 'ipaddr.js';
import type { NodeConfig } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { keysOf } from './two-keys.ts';

export const PEERS_MAX = 4096;

/**
 * Answers the network's prefix length, after every address was found well-formed and inside, and with every key unique.
 * @throws KokoaError bad_tunnel
 */
export function checkClaims(config: NodeConfig): number {
  const { address, peers } = config.wireguard;
  const cidr = config.network.wireguard;
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr))
    throw bad(`network.wireguard is ${cidr}, expected an IPv4 network`);
  const network = ipaddr.IPv4.parseCIDR(cidr);
  const keys = peers.flatMap(keysOf);
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
    for (const key of keysOf(peer)) claim(key, peer.node);
  }
  return network[1];
}

function bad(message: string): KokoaError {
  return new KokoaError('bad_tunnel', message, { hint: 'the tunnel was left as it is; correct the node files in git' });
}
