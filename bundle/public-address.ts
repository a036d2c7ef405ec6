// Addresses that anybody on the internet can reach (the special-purpose registries of RFC 6890). Law: no other is put into DNS because a machine
// announced it, and none is knocked at because a config says so: such an address leads everybody into a network of their own.
import ipaddr from 'ipaddr.js';

/** Ranges of ipaddr.js. `reserved`: addresses for documents and tests, which laboratories use as public ones. */
const PUBLIC: readonly string[] = ['unicast', 'reserved', 'benchmarking'];

/** `010.1.1.1` is an address to some programs, and `::ffff:10.0.0.1` one of IPv4 in disguise: here they are none. */
export function isPublicAddress(text: unknown, alsoRanges: readonly string[] = []): text is string {
  if (typeof text !== 'string' || !ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  const isCanonical = address.kind() === 'ipv6' || address.toString() === text;
  return isCanonical && [...PUBLIC, ...alsoRanges].includes(address.range());
}
