// An origin between a hostile edge, a LAN and a container, in namespaces. A plain cable stands in for the tunnel: what comes through
// it was not even held back by WireGuard's own checks.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Forward, OriginConfig } from '../bundle/config.ts';
import { addHost, type Host, ip } from '../lab/namespace.ts';
import type { Run } from '../lab/run.ts';
import { createKernelSettings } from './adapters/kernel-settings.ts';
import { createNftables } from './adapters/nftables.ts';
import { createOpenPortsFile } from './adapters/open-ports-file.ts';
import { createRouting } from './adapters/routing.ts';
import { parseAllowList } from './core/allow-list.ts';
import { createNetwork, type Network } from './network.ts';
import { createOpenPorts } from './open-ports.ts';
import type { Firewall } from './ports/firewall.ts';
import type { KernelSettings } from './ports/kernel-settings.ts';

/**
 * Answers who it is and who asked; on /endless it goes on writing, on /echo it says how much it got. By UDP it answers the same, and
 * what has 2000 bytes or more with as many, the rest spaces.
 */
const SERVER = `
const http = require('node:http');
const { createSocket } = require('node:dgram');
const [name, ...addresses] = process.argv.slice(1);
for (const address of addresses) {
  const at = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, at), address.slice(at + 1)];
  http.createServer((request, response) => {
    if (request.url === '/endless') {
      const timer = setInterval(() => response.write('tick\\n'), 20);
      return response.on('close', () => clearInterval(timer));
    }
    let bytes = 0;
    request.on('data', (part) => { bytes += part.length; });
    request.on('end', () => response.end(request.url === '/echo' ? String(bytes)
      : name + ' ' + port + ' ' + request.socket.remoteAddress.replace('::ffff:', '')));
  }).listen({ port, host });
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4', (data, { address, port: from }) => {
    const answer = name + ' ' + port + ' ' + address.replace('::ffff:', '');
    socket.send(data.length < 2000 ? answer : answer.padEnd(data.length), from, address);
  });
  socket.bind(Number(port), host);
}
setTimeout(() => console.log('listening'), 100);
`;

export interface Street {
  /** 10.100.0.1; also has 10.100.0.66, which is nobody's, and sends everything that is not its own to the origin. */
  edge: Host;
  /** 10.100.1.1 on tun0, 192.168.50.1 on lan0, 172.17.0.1 on docker0. */
  origin: Host;
  /** 192.168.50.2 and .3: two hosts as far as anybody else can see. Also the router to 192.168.60.0/24. */
  lan: Host;
  /** 192.168.60.2, behind a line with an MTU of 1000. */
  deep: Host;
  /** 172.17.0.2 */
  container: Host;
}

export async function buildStreet(run: Run): Promise<Street> {
  const [edge, origin, lan, deep, container] = await Promise.all(
    ['edge', 'origin', 'lan', 'deep', 'container'].map((name) => addHost(run, name)),
  );
  const street = { edge, origin, lan, deep, container } as Street;
  const { edge: e, origin: o, lan: l, deep: d, container: c } = street;
  await cable(e, 'eth0', ['10.100.0.1/16', '10.100.0.66/16', 'fd00::2/64'], o, 'tun0', ['10.100.1.1/16', 'fd00::1/64']);
  await cable(
    ...([l, 'eth0', ['192.168.50.2/24', '192.168.50.3/24', 'fd50::2/64']] as const),
    ...([o, 'lan0', ['192.168.50.1/24', 'fd50::1/64']] as const),
  );
  await cable(c, 'eth0', ['172.17.0.2/24', 'fd17::2/64'], o, 'docker0', ['172.17.0.1/24', 'fd17::1/64']);
  await cable(d, 'eth0', ['192.168.60.2/24'], l, 'deep0', ['192.168.60.1/24']);
  await route(e, ['default via 10.100.1.1']);
  await route(l, ['default via 192.168.50.1', 'fd17::/64 via fd50::1']);
  await route(c, ['default via 172.17.0.1', 'fd50::/64 via fd17::1']);
  await route(d, ['default via 192.168.60.1']);
  await route(o, ['192.168.60.0/24 via 192.168.50.2']);
  await ip(['-n', l.namespace!, 'link', 'set', 'deep0', 'mtu', '1000']);
  await reachForLoopbackElsewhere(e);
  await setting(l, 'ip_forward', '1');
  await setting(o, 'ip_forward', '0');
  await o.exec('tee', ['/proc/sys/net/ipv6/conf/all/forwarding'], { input: '1' });
  const servers = [
    serve(o, 'origin', [':::22', ':::8080', ':::9090', ':::20001', '127.0.0.1:3000', '127.0.0.1:3001']),
    serve(l, 'lan', [':::22', ':::8080', ':::8088', ':::9090']),
    serve(d, 'deep', ['0.0.0.0:8080']),
    serve(c, 'container', [':::80']),
    serve(e, 'edge', ['0.0.0.0:8080', '0.0.0.0:20001']),
  ];
  await Promise.all(servers.map((server) => server.ready(/listening/)));
  return street;
}

export interface OriginParts {
  network: Network;
  firewall: Firewall;
  settings: KernelSettings;
}

/** The network of an agent on the origin, with its own state directory. The tunnel is there already. */
export function originNetwork({ origin }: Street, allow: string, stateName: string, now = () => 0): OriginParts {
  const commandPrefix = ['ip', 'netns', 'exec', origin.namespace!];
  const stateDir = join(origin.directory, stateName);
  mkdirSync(stateDir, { recursive: true });
  const firewall = createNftables({ interfaceName: 'tun0', commandPrefix });
  const settings = createKernelSettings({ stateDir, commandPrefix });
  const network = createNetwork({
    interfaceName: 'tun0',
    allow: parseAllowList(allow),
    ports: createOpenPorts({ store: createOpenPortsFile(join(stateDir, 'open-ports.json')), log: SILENT, now }),
    nowSeconds: () => 0,
    tunnel: {
      read: async () => ({ up: true, listenPort: 51820, address: '10.100.1.1/16', peers: [EDGE] }),
      apply: async () => undefined,
      savedEndpoints: async () => new Map(),
    },
    firewall,
    forwarding: { settings, routing: createRouting({ commandPrefix }) },
  });
  return { network, firewall, settings };
}

const SILENT = { info: () => undefined, warn: () => undefined };
const EDGE_KEY = `${'A'.repeat(43)}=`;
const EDGE = { publicKey: EDGE_KEY, allowedIps: ['10.100.0.1/32'], keepaliveSeconds: 0, latestHandshake: 0 };

/** What the origin is told. */
export function originConfig(forwards: Forward[], ports: number[] = [], udpPorts: number[] = []): OriginConfig {
  return {
    format: 1,
    node: 'home',
    role: 'origin',
    network: { wireguard: '10.100.0.0/16' },
    wireguard: {
      address: '10.100.1.1',
      port: 51820,
      peers: [{ node: 'tokyo-1', publicKey: EDGE_KEY, address: '10.100.0.1' }],
    },
    controlPlane: { urls: ['https://control.test'] },
    origin: { ports, ...(udpPorts.length > 0 && { udpPorts }), ...(forwards.length > 0 && { forwards }) },
  };
}

/** A setting below /proc/sys/net/ipv4. */
export async function setting(host: Host, path: string, value?: string): Promise<string> {
  const file = `/proc/sys/net/ipv4/${path}`;
  if (value !== undefined) await host.exec('tee', [file], { input: value });
  return (await host.exec('cat', [file])).stdout.trim();
}

/** No well-behaved machine sends packets for 127.0.0.0/8 over a cable; this one has no loopback of its own, and does. */
async function reachForLoopbackElsewhere(edge: Host): Promise<void> {
  for (const own of ['127.0.0.0/8', '127.0.0.1'])
    await ip(['-n', edge.namespace!, 'route', 'del', 'local', own, 'dev', 'lo', 'table', 'local']);
  await route(edge, ['127.0.0.0/8 via 10.100.1.1 dev eth0 src 10.100.0.1']);
}

function serve(host: Host, name: string, addresses: string[]) {
  return host.start('server', process.execPath, ['-e', SERVER, name, ...addresses]);
}

async function cable(
  a: Host,
  aName: string,
  aAddresses: readonly string[],
  b: Host,
  bName: string,
  bAddresses: readonly string[],
): Promise<void> {
  await ip(['-n', a.namespace!, 'link', 'add', aName, 'type', 'veth', 'peer', 'name', bName, 'netns', b.namespace!]);
  for (const [host, name, addresses] of [
    [a, aName, aAddresses],
    [b, bName, bAddresses],
  ] as const) {
    const lines = addresses.map((text) => `addr add ${text} dev ${name}${text.includes(':') ? ' nodad' : ''}\n`);
    await ip(['-n', host.namespace!, '-batch', '-'], `${lines.join('')}link set ${name} up\n`);
  }
}

async function route(host: Host, routes: string[]): Promise<void> {
  await ip(['-n', host.namespace!, '-batch', '-'], routes.map((text) => `route add ${text}\n`).join(''));
}
