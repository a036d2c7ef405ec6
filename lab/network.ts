// The lab's network: a public one around a bridge, and a home behind a NAT that forwards nothing inbound.
//
//   client dns ca git control edge-1 edge-2            origin-1 origin-2
//      └────┴───┴───┴──── inet (br0) ────┴── nat ────────┴───────┘
//                    198.51.100.0/24          192.168.7.0/24
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  HOME,
  HOME_GATEWAY,
  HOME_PREFIX_LENGTH,
  type HostAddress,
  type HostName,
  INET,
  PUBLIC,
  PUBLIC_PREFIX_LENGTH,
} from './addresses.ts';
import { addHost, type Host, ip, resolverFolder } from './namespace.ts';
import type { Run } from './run.ts';

/** Linux interface names have at most 15 characters. */
const INTERFACE_NAME_MAX = 15;

/** One end of a cable: the interface of a host, and the port it is plugged into. */
export interface Link {
  host: Host;
  /** Where the port is. */
  bridge: Host;
  port: string;
}

export interface Network {
  readonly hosts: Readonly<Record<HostName, Host>>;
  readonly inet: Host;
  /** The link of a host of this network. @throws TypeError when it has none */
  link(host: Host): Link;
  /** Plugs one more host into the public network. */
  addPublicHost(name: string, address: HostAddress): Promise<Host>;
  /** Plugs one more host into the home behind `nat`. */
  addHomeHost(name: string, address: HostAddress): Promise<Host>;
}

/** Builds everything; takes about 0.2 s. Removed with the run. */
export async function buildNetwork(run: Run): Promise<Network> {
  const links = new Map<Host, Link>();
  const inet = await addHost(run, 'inet');
  await bridge(inet, 'br0', [`${INET.ipv4}/${PUBLIC_PREFIX_LENGTH.ipv4}`, `${INET.ipv6}/${PUBLIC_PREFIX_LENGTH.ipv6}`]);

  const addPublicHost = async (name: string, address: HostAddress) => {
    const host = await addHost(run, name);
    links.set(host, await plug(host, inet, 'br0', address.ipv4));
    await configure(host, address, PUBLIC_PREFIX_LENGTH, INET);
    return host;
  };
  const publicHosts = await addAll(PUBLIC, addPublicHost);

  const { nat } = publicHosts;
  await bridge(nat, 'lan0', [`${HOME_GATEWAY}/${HOME_PREFIX_LENGTH}`]);
  await masquerade(nat);
  const addHomeHost = async (name: string, address: HostAddress) => {
    const host = await addHost(run, name);
    links.set(host, await plug(host, nat, 'lan0', address.ipv4));
    await configure(host, { ipv4: address.ipv4 }, { ipv4: HOME_PREFIX_LENGTH, ipv6: 0 }, { ipv4: HOME_GATEWAY });
    return host;
  };
  const homeHosts = await addAll(HOME, addHomeHost);

  return {
    hosts: { ...publicHosts, ...homeHosts },
    inet,
    link: (host) => {
      const link = links.get(host);
      if (link === undefined) throw new TypeError(`host ${host.name} is not plugged into this network`);
      return link;
    },
    addPublicHost,
    addHomeHost,
  };
}

async function addAll<Name extends string>(
  table: Record<Name, HostAddress>,
  add: (name: string, address: HostAddress) => Promise<Host>,
): Promise<Record<Name, Host>> {
  const entries = Object.entries<HostAddress>(table);
  // All of them end before the first failure is told: nothing is still being made when the run is removed.
  const added = await Promise.allSettled(
    entries.map(async ([name, address]) => [name, await add(name, address)] as const),
  );
  const failed = added.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const hosts = added.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  return Object.fromEntries(hosts) as Record<Name, Host>;
}

async function bridge(host: Host, name: string, addresses: readonly string[]): Promise<void> {
  await inside(host, [
    `link add ${name} type bridge`,
    ...addresses.map((address) => `address add ${address} dev ${name}${noDad(address)}`),
    `link set ${name} up`,
  ]);
}

/** A cable from eth0 of `host` to a port of the bridge in `at`. Made inside the namespaces: the machine's own never sees it. */
async function plug(host: Host, at: Host, bridgeName: string, ipv4: string): Promise<Link> {
  const port = `v-${host.name}`;
  if (port.length > INTERFACE_NAME_MAX) throw new TypeError(`host name ${host.name} is too long for an interface name`);
  await inside(at, [
    `link add ${port} type veth peer name eth0 address ${mac(ipv4)} netns ${host.namespace}`,
    `link set ${port} master ${bridgeName} up`,
  ]);
  return { host, bridge: at, port };
}

async function configure(
  host: Host,
  address: HostAddress,
  prefixLength: { ipv4: number; ipv6: number },
  gateway: HostAddress,
): Promise<void> {
  await inside(host, [
    `address add ${address.ipv4}/${prefixLength.ipv4} dev eth0`,
    ...(address.ipv6 === undefined ? [] : [`address add ${address.ipv6}/${prefixLength.ipv6} dev eth0 nodad`]),
    'link set eth0 up',
    `route add default via ${gateway.ipv4}`,
    ...(address.ipv6 === undefined ? [] : [`route add ::/0 via ${gateway.ipv6}`]),
  ]);
  const folder = resolverFolder(host.namespace ?? '');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${PUBLIC.dns.ipv4}\noptions timeout:1 attempts:2\n`);
}

/** What a home router does: everything out under its own address, nothing in that was not asked for. */
async function masquerade(nat: Host): Promise<void> {
  await nat.exec('tee', ['/proc/sys/net/ipv4/ip_forward'], { input: '1' });
  await nat.exec('nft', ['-f', '-'], {
    input: `
table ip home {
  chain post { type nat hook postrouting priority 100; oifname "eth0" masquerade; }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan0" accept
  }
}
`,
  });
}

/** The home's provider gives it another address. What it had open ends, as with a new lease. */
export async function moveHome({ hosts: { nat } }: Network, ipv4: string): Promise<void> {
  await inside(nat, [
    'address flush dev eth0 scope global',
    `address add ${ipv4}/${PUBLIC_PREFIX_LENGTH.ipv4} dev eth0`,
    `route replace default via ${INET.ipv4}`,
  ]);
}

async function inside(host: Host, lines: readonly string[]): Promise<void> {
  await ip(['-n', host.namespace ?? '', '-batch', '-'], `${lines.join('\n')}\n`);
}

/** The same for the same address: a host that comes back is found at once by neighbours that remember it. */
function mac(ipv4: string): string {
  return ['02', '00', ...ipv4.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');
}

/** IPv6 addresses are usable at once when duplicate detection is off. */
function noDad(address: string): string {
  return address.includes(':') ? ' nodad' : '';
}
