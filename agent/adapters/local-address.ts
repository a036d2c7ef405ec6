// The addresses this machine shows to the world, as far as it can know: those its own routes would send from. No packet is sent.
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';
import ipaddr from 'ipaddr.js';

/** Addresses of the root name server a.root-servers.net: on the internet whatever happens, and only routes to them are looked up. */
const INTERNET = { ipv4: '198.41.0.4', ipv6: '2001:503:ba3e::2:30' } as const;
const DISCARD_PORT = 9;
const LOOKUP_MS = 3_000;
const TARGETS_MAX = 8;

export interface LocalAddresses {
  ipv4?: string;
  ipv6?: string;
}

export interface LocalAddressOptions {
  /** Host names or addresses of the control plane: their routes count when the one to the internet shows no usable address. */
  controlPlane: readonly string[];
  /** Also addresses that are not global unicast (private, documentation): for a fleet inside one network. */
  anyRange?: boolean;
}

/** What to announce; a family without a usable address is left out. Never throws. */
export async function localAddresses({ controlPlane, anyRange = false }: LocalAddressOptions): Promise<LocalAddresses> {
  const [ipv4, ipv6] = await Promise.all(
    ([4, 6] as const).map(async (family) => {
      const internet = await sourceAddress(INTERNET[`ipv${family}`], family);
      if (isAnnounceable(internet, anyRange)) return internet;
      for (const target of await resolve(controlPlane, family)) {
        const address = await sourceAddress(target, family);
        if (isAnnounceable(address, anyRange)) return address;
      }
      return undefined;
    }),
  );
  return { ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) };
}

/** Global unicast; with `anyRange` all but loopback, link-local, multicast and the like. */
export function isAnnounceable(address: string | undefined, anyRange: boolean): boolean {
  if (address === undefined || !ipaddr.isValid(address)) return false;
  const range = ipaddr.parse(address).range();
  if (range === 'unicast') return true;
  return anyRange && ['private', 'reserved', 'uniqueLocal', 'carrierGradeNat', 'benchmarking'].includes(range);
}

/** A UDP socket that is connected has chosen its source address, by the routes and before any packet. */
function sourceAddress(target: string, family: 4 | 6): Promise<string | undefined> {
  return new Promise((done) => {
    const socket = createSocket(`udp${family}`);
    const finish = (address?: string) => {
      socket.close();
      done(address);
    };
    socket.once('error', () => finish());
    socket.once('connect', () => finish(socket.address().address));
    socket.connect(DISCARD_PORT, target);
  });
}

async function resolve(hosts: readonly string[], family: 4 | 6): Promise<string[]> {
  const found = await Promise.all(
    hosts.slice(0, TARGETS_MAX).map((host) => {
      const answer = lookup(host.replace(/^\[|\]$/g, ''), { family, all: true }).catch(() => []);
      return Promise.race([answer, delay(LOOKUP_MS, [], { ref: false })]);
    }),
  );
  return found.flatMap((addresses) => addresses.slice(0, TARGETS_MAX).map(({ address }) => address));
}
