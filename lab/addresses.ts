// Every address and name of the lab, in one table. The public ones are from the documentation ranges (RFC 5737, RFC 3849), so that
// nothing of the lab can be mistaken for a real machine.

export interface HostAddress {
  ipv4: string;
  /** Public hosts only. */
  ipv6?: string;
}

/** The hosts on the public network, 198.51.100.0/24 and 2001:db8::/64. */
export const PUBLIC = {
  'edge-1': { ipv4: '198.51.100.11', ipv6: '2001:db8::11' },
  'edge-2': { ipv4: '198.51.100.12', ipv6: '2001:db8::12' },
  ca: { ipv4: '198.51.100.14', ipv6: '2001:db8::14' },
  git: { ipv4: '198.51.100.20', ipv6: '2001:db8::20' },
  control: { ipv4: '198.51.100.30', ipv6: '2001:db8::30' },
  nat: { ipv4: '198.51.100.50', ipv6: '2001:db8::50' },
  dns: { ipv4: '198.51.100.53', ipv6: '2001:db8::53' },
  client: { ipv4: '198.51.100.100', ipv6: '2001:db8::100' },
} as const satisfies Record<string, HostAddress>;

/** A machine that comes later, with an address of its own, and where the home's provider moves it one day. */
export const LATER = {
  cloud: { ipv4: '198.51.100.60', ipv6: '2001:db8::60' },
  movedNat: { ipv4: '198.51.100.51' },
} as const satisfies Record<string, HostAddress>;

/** The hosts at home, behind `nat`: 192.168.7.0/24. */
export const HOME = {
  'origin-1': { ipv4: '192.168.7.11' },
  'origin-2': { ipv4: '192.168.7.12' },
} as const satisfies Record<string, HostAddress>;

export type PublicName = keyof typeof PUBLIC;
export type HomeName = keyof typeof HOME;
export type HostName = PublicName | HomeName;

/** The middle of the public network: a bridge, and the default route of the public hosts, which forwards nothing. */
export const INET: HostAddress = { ipv4: '198.51.100.1', ipv6: '2001:db8::1' };
/** The home side of `nat`: the default route of the hosts at home. */
export const HOME_GATEWAY = '192.168.7.1';
export const PUBLIC_PREFIX_LENGTH = { ipv4: 24, ipv6: 64 } as const;
export const HOME_PREFIX_LENGTH = 24;

/** Names that the lab's DNS answers from the start. */
export const NAMES = {
  ca: 'ca.lab.test',
  control: 'control.lab.test',
  git: 'git.lab.test',
} as const satisfies Partial<Record<PublicName, string>>;

export const PORTS = {
  dns: 53,
  /** Management of the DNS server, on loopback of its host. */
  dnsManagement: 8055,
  acme: 14000,
  /** Management of the CA, on loopback of its host. */
  acmeManagement: 15000,
  git: 443,
  /** GitHub's API, on the git host. */
  github: 8444,
  /** Where the demo lets the reconciler listen. */
  control: 8443,
} as const;

export const ACME_DIRECTORY = `https://${NAMES.ca}:${PORTS.acme}/dir`;
