// The next free WireGuard address. Edges count up from the first address of the network, origins from its second 256 on, so that
// the address of a machine says what it is: 10.100.0.x is an edge, 10.100.1.x an origin.
import ipaddr from 'ipaddr.js';
import type { NodeRole } from '../../bundle/config.ts';

const BLOCK = 256;

/**
 * The first free host address of `network` (CIDR) for a role; in a network of up to 256 addresses origins count down from the
 * end instead. Undefined when the network is full or no IPv4 network.
 */
export function freeAddress(network: string, taken: ReadonlySet<string>, role: NodeRole): string | undefined {
  if (!ipaddr.IPv4.isValidCIDR(network)) return undefined;
  const [, prefix] = ipaddr.IPv4.parseCIDR(network);
  const first = numberOf(ipaddr.IPv4.networkAddressFromCIDR(network).toString());
  const size = 2 ** (32 - prefix);
  const small = size <= BLOCK;
  const start = role === 'origin' && !small ? BLOCK + 1 : 1;
  // One more candidate than can be taken or unfit: the first and last address of every 256 are left alone.
  const stepsMax = Math.min(size, (taken.size + 1) * 2 + BLOCK);
  for (let step = 0; step < stepsMax; step += 1) {
    const offset = small && role === 'origin' ? size - 2 - step : (start + step) % size;
    if (offset <= 0 || offset >= size - 1 || (!small && (offset % BLOCK === 0 || offset % BLOCK === BLOCK - 1)))
      continue;
    const address = textOf(first + offset);
    if (!taken.has(address)) return address;
  }
  return undefined;
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * BLOCK + Number(octet), 0);
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % BLOCK).join('.');
}
