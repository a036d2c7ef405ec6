// The lab's DNS server, which every host asks and whose records a test sets: pebble-challtestsrv. A name that was not set has no
// address.
import { NAMES, PORTS, PUBLIC, type PublicName } from './addresses.ts';
import type { Network } from './network.ts';
import type { Proc } from './proc.ts';

export interface Dns {
  readonly proc: Proc;
  /** Makes these the only addresses of `hostname`, at once and for everybody (nothing is cached). None: no such name. */
  setAddresses(hostname: string, addresses: readonly string[]): Promise<void>;
  /** A TXT record at `hostname`, beside those that are there. */
  addTxt(hostname: string, value: string): Promise<void>;
  clearTxt(hostname: string): Promise<void>;
}

/** Starts the server and sets `NAMES`. */
export async function startDns(network: Network): Promise<Dns> {
  const host = network.hosts.dns;
  const management = `127.0.0.1:${PORTS.dnsManagement}`;
  const off = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv4', '', '-defaultIPv6', ''];
  const listen = ['-dns01', `:${PORTS.dns}`, '-management', management];
  const proc = host.start('dns', 'pebble-challtestsrv', [...listen, ...off]);
  await proc.listening(PORTS.dnsManagement);
  await proc.listening(PORTS.dns, 'udp');

  /** All requests by one curl, in order. */
  const post = async (...requests: [path: string, body: unknown][]) => {
    const one = ([path, body]: [string, unknown]) => [
      ...['-sS', '--fail', '--max-time', '3', '-o', '/dev/null'],
      ...['--data-binary', JSON.stringify(body), `http://${management}/${path}`],
    ];
    await host.exec(
      'curl',
      requests.flatMap((request, index) => (index === 0 ? one(request) : ['--next', ...one(request)])),
    );
  };
  const replacing = (hostname: string, type: 'a' | 'aaaa', addresses: readonly string[]): [string, unknown][] => [
    [`clear-${type}`, { host: hostname }],
    ...(addresses.length === 0 ? [] : [[`add-${type}`, { host: hostname, addresses }] satisfies [string, unknown]]),
  ];
  const setAddresses = async (hostname: string, addresses: readonly string[]) => {
    const ipv4 = addresses.filter((address) => !address.includes(':'));
    const ipv6 = addresses.filter((address) => address.includes(':'));
    await post(...replacing(hostname, 'a', ipv4), ...replacing(hostname, 'aaaa', ipv6));
  };
  const names = Object.entries(NAMES) as [PublicName, string][];
  for (const [name, hostname] of names) await setAddresses(hostname, [PUBLIC[name].ipv4]);

  return {
    proc,
    setAddresses,
    addTxt: (hostname, value) => post(['set-txt', { host: `${hostname}.`, value }]),
    clearTxt: (hostname) => post(['clear-txt', { host: `${hostname}.` }]),
  };
}
