// The addresses of a config. Law: node, peers and backends are host addresses of one private network, each of one node only.
import ipaddr from 'ipaddr.js';
import type { NodeConfig } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';

/** Same bounds as the schema of kokoa.yaml. */
const PREFIX_MIN = 8;
const PREFIX_MAX = 29;
const PEERS_MAX = 10_000;

export interface CheckedNetwork {
  /** The node's own address. */
  own: string;
  peers: ReadonlySet<string>;
  /** True for a host address inside the network, in canonical dotted form. */
  holds(address: unknown): address is string;
  /** True for every canonical address inside the network, its ends included. */
  covers(address: string): boolean;
}

/** @throws KokoaError network_not_private, address_outside_network, peers_overlap, too_many_peers */
export function checkNetwork(config: NodeConfig, allowLoopback: boolean): CheckedNetwork {
  const { holds, covers } = hostsOf(config.network.wireguard, allowLoopback);
  const { address: own, peers } = config.wireguard;
  if (!holds(own)) throw outside('the node itself', own, config.network.wireguard);
  if (peers.length > PEERS_MAX)
    throw new KokoaError('too_many_peers', `found ${peers.length} peers, at most ${PEERS_MAX} are possible`);

  const taken = new Set([own]);
  const keys = new Set<string>();
  for (const { node, address, publicKey, nextPublicKey } of peers) {
    if (!holds(address)) throw outside(`peer ${String(node)}`, address, config.network.wireguard);
    const both = nextPublicKey === undefined ? [publicKey] : [publicKey, nextPublicKey];
    // WireGuard would move the address, or the key, silently to the last peer that claims it.
    if (taken.has(address) || both.some((key) => keys.has(key)) || publicKey === nextPublicKey)
      throw new KokoaError('peers_overlap', `peer ${String(node)} has the address ${address} or the key of another`);
    taken.add(address);
    for (const key of both) keys.add(key);
  }
  taken.delete(own);
  return { own, peers: taken, holds, covers };
}

export function outside(who: string, address: unknown, network: string): KokoaError {
  const shown = String(address).slice(0, 60);
  return new KokoaError(
    'address_outside_network',
    `${who} has the address ${shown}, expected a host address inside ${network}`,
  );
}

function hostsOf(cidr: string, allowLoopback: boolean): Pick<CheckedNetwork, 'holds' | 'covers'> {
  const shown = String(cidr).slice(0, 60);
  if (!/^[0-9.]{7,15}\/[0-9]{1,2}$/.test(cidr) || !ipaddr.IPv4.isValidCIDR(cidr))
    throw new KokoaError(
      'network_not_private',
      `found the network ${shown}, expected an IPv4 network such as 10.100.0.0/16`,
    );
  const [network, prefix] = ipaddr.IPv4.parseCIDR(cidr);
  const first = ipaddr.IPv4.networkAddressFromCIDR(cidr);
  const last = ipaddr.IPv4.broadcastAddressFromCIDR(cidr);
  const ranges = ['private', 'carrierGradeNat', ...(allowLoopback ? ['loopback'] : [])];
  // Both ends: 10.0.0.0/7 begins in a private range and does not end in one.
  if (prefix < PREFIX_MIN || prefix > PREFIX_MAX || ![first, last].every((end) => ranges.includes(end.range())))
    throw new KokoaError(
      'network_not_private',
      `found the network ${shown}, expected a private one of /${PREFIX_MIN} to /${PREFIX_MAX}`,
    );

  const ends = [first.toString(), last.toString()];
  const known = new Map<string, boolean>();
  const covers = (address: string) => isCanonical(address) && ipaddr.IPv4.parse(address).match(network, prefix);
  const holds = (address: unknown): address is string => {
    if (typeof address !== 'string') return false;
    let inside = known.get(address);
    if (inside === undefined) {
      inside = covers(address) && !ends.includes(address);
      known.set(address, inside);
    }
    return inside;
  };
  return { holds, covers };
}

/** `010.1.1.1` and `10.65793` are addresses to some programs; here they are none. */
function isCanonical(address: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(address) && ipaddr.IPv4.parse(address).toString() === address;
}
