// Where a peer is dialled, as a text: `ip:port` or `[ip6]:port`. Law: what is compared has one form, that of `wg`.
import ipaddr from 'ipaddr.js';

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
