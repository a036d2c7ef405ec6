// What is worth a warning about the public addresses of a new edge: they are what origins dial and what DNS will name.
import ipaddr from 'ipaddr.js';
import type { AnyLoadedFile } from '../core/files.ts';

export interface PublicAddress {
  ipv4?: string;
  ipv6?: string;
}

/** Ranges that nobody outside of the machine's own network reaches. RFC 1918, 4193, 6598. */
const BEHIND_NAT = new Set(['private', 'uniqueLocal', 'carrierGradeNat']);
/** Ranges that are no address of one machine at all, or not beyond its own link. */
const NEVER = new Set(['unspecified', 'loopback', 'linkLocal', 'multicast', 'broadcast']);

/** One text each, of one or more lines; none when nothing looks wrong. */
export function addressWarnings(address: PublicAddress, others: readonly AnyLoadedFile[]): string[] {
  const own = [address.ipv4, address.ipv6].filter((ip) => ip !== undefined);
  if (own.length === 0) {
    return [
      'no --address: the machine announces the one that faces the control\n' +
        'plane. If that is private (NAT), origins cannot dial it: give the public one.',
    ];
  }
  return own.flatMap((ip) => [...rangeWarnings(ip), ...sharedWarnings(ip, others)]);
}

function rangeWarnings(ip: string): string[] {
  const range = ipaddr.parse(ip).range();
  if (NEVER.has(range)) return [`under ${ip} nobody else reaches the machine (${range}).`];
  if (!BEHIND_NAT.has(range)) return [];
  return [
    `${ip} is private: only its own network reaches it.\n` +
      'Behind NAT, give the public address and forward TCP 80, TCP 443 and UDP 51820\n' +
      '(wireguard.port in the file) to the machine.',
  ];
}

function sharedWarnings(ip: string, others: readonly AnyLoadedFile[]): string[] {
  const same = ipaddr.parse(ip).toString();
  for (const file of others) {
    if (file.kind !== 'edge' || file.value === undefined) continue;
    const { ipv4, ipv6 } = file.value.address ?? {};
    const shared = [ipv4, ipv6].some((one) => one !== undefined && ipaddr.parse(one).toString() === same);
    if (shared) return [`${ip} is the address of edge ${file.value.name}, too.\nTwo edges need two addresses.`];
  }
  return [];
}
