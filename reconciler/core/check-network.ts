// Addresses as rules need them: the tunnel network, host addresses inside it, endpoints that can be dialled, URLs that can be opened.
import ipaddr from 'ipaddr.js';

const PREFIX_MIN = 8;
const PREFIX_MAX = 29;
/** What no packet from the internet may carry (RFC 1918, RFC 6598), and loopback for a fleet on one machine (ADR 8). */
const PRIVATE_RANGES = new Set(['private', 'carrierGradeNat', 'loopback']);

export interface Network {
  cidr: string;
  /** Of the network and of all its hosts: neither can be a host's own. */
  first: string;
  last: string;
  contains(address: string): boolean;
}

/** The tunnel network, or in words what was expected instead. */
export function parseNetwork(cidr: string): Network | { expected: string } {
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr)) return { expected: 'an IPv4 network such as 10.100.0.0/16' };
  const [address, prefix] = ipaddr.IPv4.parseCIDR(cidr);
  if (prefix < PREFIX_MIN || prefix > PREFIX_MAX)
    return { expected: `a prefix between /${PREFIX_MIN} and /${PREFIX_MAX}` };
  const first = ipaddr.IPv4.networkAddressFromCIDR(cidr).toString();
  const last = ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString();
  if (address.toString() !== first) return { expected: `the network's own address, ${first}/${prefix}` };
  const ranges = [first, last].map((end) => ipaddr.IPv4.parse(end).range());
  if (!ranges.every((range) => PRIVATE_RANGES.has(range)))
    return { expected: 'a private network (RFC 1918 or RFC 6598)' };
  return { cidr, first, last, contains: (other) => ipaddr.IPv4.parse(other).match(address, prefix) };
}

/** What was expected instead of this node address (four decimal parts); undefined: it is fine. */
export function expectedAddress(network: Network, address: string): string | undefined {
  if (!network.contains(address)) return `one inside ${network.cidr}`;
  if (address === network.first) return `a host address, not that of the network ${network.cidr}`;
  if (address === network.last) return `a host address, not the broadcast address of ${network.cidr}`;
  return undefined;
}

/** True for `ipv4:port` and `[ipv6]:port`. Names are no endpoints: nobody resolves them. */
export function isEndpoint(text: string): boolean {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([1-9][0-9]{0,4})$/.exec(text);
  if (match === null || Number(match[3]) > 65535) return false;
  return match[1] === undefined ? ipaddr.IPv4.isValidFourPartDecimal(match[2]!) : ipaddr.IPv6.isValid(match[1]);
}

/** A URL by the WHATWG rules, and whether its host is this machine itself. */
export function parseUrl(text: string): { loopback: boolean; secure: boolean } | undefined {
  if (!URL.canParse(text)) return undefined;
  const { hostname, protocol } = new URL(text);
  const bare = hostname.replace(/^\[|\]$/g, '');
  const loopback = bare === 'localhost' || (ipaddr.isValid(bare) && ipaddr.parse(bare).range() === 'loopback');
  return { loopback, secure: protocol === 'https:' };
}
