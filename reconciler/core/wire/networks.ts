// Lists of addresses in one spelling, so that the same list is the same bytes and no network stands in it twice.
import ipaddr from 'ipaddr.js';

/** ::ffff:a.b.c.d (RFC 4291 §2.5.5.2) is the IPv4 address: visitors by IPv4 are seen with that one. */
const MAPPED_PREFIX = 96;

/**
 * Addresses and CIDRs as people type them → canonical CIDRs (RFC 5952, host bits zero), IPv4 first, ascending, each once.
 * @throws Error for what is neither; the rules have refused that
 */
export function canonicalNetworks(typed: readonly string[]): string[] {
  const byCidr = new Map(typed.map((text) => canonical(text)));
  return [...byCidr].sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([cidr]) => cidr);
}

/** The CIDR, and what it is sorted by: kind, address and prefix in digits of fixed width. */
function canonical(text: string): [cidr: string, sortKey: string] {
  // Asked by kind, because the library finds out what it is by throwing.
  const family = text.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4;
  const [address, prefix]: [ipaddr.IPv4 | ipaddr.IPv6, number] = text.includes('/')
    ? family.parseCIDR(text)
    : [family.parse(text), family === ipaddr.IPv6 ? 128 : 32];
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && prefix >= MAPPED_PREFIX)
    return canonical(`${address.toIPv4Address()}/${prefix - MAPPED_PREFIX}`);
  const bytes = address.toByteArray().map((byte, at) => byte & maskAt(prefix - 8 * at));
  const network = ipaddr.fromByteArray(bytes);
  const cidr = `${network instanceof ipaddr.IPv6 ? network.toRFC5952String() : network}/${prefix}`;
  const digits = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [cidr, `${network.kind()} ${digits} ${String(prefix).padStart(3, '0')}`];
}

/** The byte of a netmask of which the leading `bits` are set; below 0 none, above 8 all. */
function maskAt(bits: number): number {
  return 0xff & (0xff00 >> Math.min(8, Math.max(0, bits)));
}
