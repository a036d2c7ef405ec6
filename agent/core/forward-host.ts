// The addresses that a forward may lead to. Law: the machine's own loopback, or a private network behind it; nothing that is routed
// on the internet, no link-local address (cloud machines keep secrets there), and one address has exactly one written form.
import ipaddr from 'ipaddr.js';

export const LOOPBACK_HOST = '127.0.0.1';

/** True for exactly `127.0.0.1` and for bare IPv4 addresses of RFC 1918 in dotted form. `010.1.1.1` is an address to some programs, and none here. */
export function isForwardHost(text: string): boolean {
  if (typeof text !== 'string' || !ipaddr.IPv4.isValidFourPartDecimal(text)) return false;
  const address = ipaddr.IPv4.parse(text);
  return address.toString() === text && (text === LOOPBACK_HOST || address.range() === 'private');
}

/** Negative when `a` comes first: by number, not by text. */
export function compareHosts(a: string, b: string): number {
  return Buffer.compare(
    Buffer.from(ipaddr.IPv4.parse(a).toByteArray()),
    Buffer.from(ipaddr.IPv4.parse(b).toByteArray()),
  );
}
