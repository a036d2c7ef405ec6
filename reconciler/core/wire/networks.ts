// Lists of addresses in one spelling, so that the same list is the same bytes and no network stands in it twice.
import ipaddr from 'ipaddr.js';

/** ::ffff:a.b.c.d (RFC 4291 §2.5.5.2) is the IPv4 address: visitors by IPv4 are seen with that one. */
const MAPPED_PREFIX = 96;

/**
 * Addresses and CIDRs as people type them → canonical CIDRs (RFC 5952, host bits zero), IPv4 first, ascending, each once.
 * @throws Error for what is neither; the rules have refused that
 */
export function canonicalNetworks(typed: readonly string[]): string[] {
  const byCidr = new Map(typed.map((text) => [cidrOf(text), sortKey(cidrOf(text))]));
  return [...byCidr].sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([cidr]) => cidr);
}

function cidrOf(text: string): string {
  const [address, prefix] = text.includes('/') ? ipaddr.parseCIDR(text) : withFullPrefix(ipaddr.parse(text));
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && prefix >= MAPPED_PREFIX)
    return cidrOf(`${address.toIPv4Address()}/${prefix - MAPPED_PREFIX}`);
  if (address instanceof ipaddr.IPv4) return `${ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefix}`)}/${prefix}`;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/${prefix}`).toRFC5952String()}/${prefix}`;
}

function withFullPrefix(address: ipaddr.IPv4 | ipaddr.IPv6): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** Kind, address and prefix in digits of fixed width. */
function sortKey(cidr: string): string {
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  const bytes = address.toByteArray().map((byte) => byte.toString(16).padStart(2, '0'));
  return `${address.kind()} ${bytes.join('')} ${String(prefix).padStart(3, '0')}`;
}
