// For tests: the real agent as an origin, with WireGuard and nftables of its own, between an edge that was taken over, another edge, a
// LAN and a container that is published as Docker does it. An ear in the origin hears what its filter lets through.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeConfig } from '../bundle/config.ts';
import { addHost, type Host, ip } from '../lab/namespace.ts';
import type { Proc } from '../lab/proc.ts';
import type { Run } from '../lab/run.ts';
import { runProgram } from './adapters/program.ts';
import { startInterface } from './adapters/wireguard-interface.ts';
import { publicKeyOf } from './core/wireguard-key.ts';
import { openMachine } from './one-machine.fixture.ts';

const WIREGUARD_PORT = 51_820;

export interface Siege {
  /** 198.51.100.1; 10.100.0.1 in its tunnel. Whatever it likes goes into the tunnel. */
  edge: Host;
  /** 198.51.100.2; 10.100.0.2. Well-behaved. */
  other: Host;
  /** 198.51.100.7, 192.168.7.7 on lan0, 172.17.0.1 on docker0. */
  origin: Host;
  /** 192.168.7.2 */
  lan: Host;
  /** 172.17.0.2 */
  container: Host;
  tunnel: string;
  /** Offers a config, signed by the keys that the origin trusts: they were stolen. Waits until the agent reports `expected` on it. */
  offer(name: string, config: NodeConfig, expected: string): Promise<void>;
  startAgent(): Promise<Proc>;
  config(change?: Partial<NodeConfig>): NodeConfig;
  /** Everything new that came through the tunnel and past the filter since the last time: `tcp 10.100.1.1:8080 in`. */
  heard(): Promise<string[]>;
  nft(input: string): Promise<void>;
}

export async function besiege(run: Run, allow: string): Promise<Siege> {
  const [edge, other, origin, lan, container] = (await Promise.all(
    ['edge', 'other', 'origin', 'lan', 'container'].map((name) => addHost(run, name)),
  )) as [Host, Host, Host, Host, Host];
  await cable(edge, ['198.51.100.1/24'], origin, 'inet0', ['198.51.100.7/24']);
  await cable(other, ['198.51.101.2/24'], origin, 'inet1', ['198.51.101.7/24']);
  await cable(lan, ['192.168.7.2/24'], origin, 'lan0', ['192.168.7.7/24']);
  await cable(container, ['172.17.0.2/16'], origin, 'docker0', ['172.17.0.1/16']);
  await Promise.all([
    ip(['-n', lan.namespace!, 'route', 'add', 'default', 'via', '192.168.7.7']),
    ip(['-n', container.namespace!, 'route', 'add', 'default', 'via', '172.17.0.1']),
    origin.exec('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']),
  ]);
  await Promise.all([
    serve(origin, 'origin', ['0.0.0.0:22', '0.0.0.0:8080', '127.0.0.1:3000']),
    serve(lan, 'lan', ['0.0.0.0:22', '0.0.0.0:8088']),
    serve(container, 'container', ['0.0.0.0:80']),
  ]);
  const stateDir = join(origin.directory, 'state');
  const nft = async (input: string) => void (await origin.exec('nft', ['-f', '-'], { input }));
  await nft(DOCKER);
  const [edgeKey, otherKey] = await Promise.all([dial(edge, '10.100.0.1'), dial(other, '10.100.0.2')]);
  const config = (change: Partial<NodeConfig> = {}): NodeConfig =>
    ({
      format: 1,
      node: 'home',
      role: 'origin',
      network: { wireguard: '10.100.0.0/16' },
      wireguard: {
        address: '10.100.1.1',
        peers: [
          { node: 'osaka-1', publicKey: otherKey, address: '10.100.0.2', endpoint: `198.51.101.2:${WIREGUARD_PORT}` },
          { node: 'tokyo-1', publicKey: edgeKey, address: '10.100.0.1', endpoint: `198.51.100.1:${WIREGUARD_PORT}` },
        ],
      },
      controlPlane: { urls: ['http://127.0.0.1:8443'] },
      origin: { ports: [] },
      ...change,
    }) as NodeConfig;
  const machine = await openMachine(run, origin, config());
  const joined = await machine.join(stateDir, 'home', ['--allow', allow, '--interface', origin.wireguardInterface]);
  if (joined.exitCode !== 0) throw new Error(`did not join: ${joined.stdout}${joined.stderr}`);
  const { stdout: privateKey } = await origin.exec('cat', [join(stateDir, 'wireguard.key')]);
  const originKey = publicKeyOf(privateKey.trim())!;
  // The one that was taken over sends whatever it likes to the origin, the other what it was told.
  await peer(edge, originKey, '0.0.0.0/0,::/0');
  await peer(other, originKey, '10.100.1.1/32');
  await goAstray(edge);

  return {
    ...{ edge, other, origin, lan, container, config, nft },
    tunnel: origin.wireguardInterface,
    offer: machine.offer,
    startAgent: () => machine.run(stateDir),
    async heard() {
      const { stdout } = await origin.exec('nft', ['-j', 'list', 'table', 'inet', 'ear']);
      await nft(WAYS.map((way) => `flush set inet ear ${way}; flush set inet ear ${way}6`).join('; '));
      await nft('reset counters table inet ear');
      return elementsOf(stdout);
    },
  };
}

/** As Docker 27 writes it with iptables-nft for `-p 8081:80 -p 53:53/udp`, and with its userland proxy off. */
const DOCKER = `
table ip nat {
  chain PREROUTING { type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local counter jump DOCKER
  }
  chain OUTPUT { type nat hook output priority -100; policy accept;
    ip daddr != 127.0.0.0/8 fib daddr type local counter jump DOCKER
  }
  chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept;
    oifname != "docker0" ip saddr 172.17.0.0/16 counter masquerade
  }
  chain DOCKER {
    iifname != "docker0" tcp dport 8081 counter dnat to 172.17.0.2:80
    iifname != "docker0" tcp dport 8082 counter dnat to 172.17.0.2:80
    iifname != "docker0" udp dport 5353 counter dnat to 172.17.0.2:53
  }
}
table ip filter {
  chain FORWARD { type filter hook forward priority filter; policy drop;
    oifname "docker0" ct state related,established counter accept
    oifname "docker0" counter jump DOCKER
    iifname "docker0" oifname != "docker0" counter accept
  }
  chain DOCKER {
    ip daddr 172.17.0.2 iifname != "docker0" oifname "docker0" tcp dport 80 counter accept
    ip daddr 172.17.0.2 iifname != "docker0" oifname "docker0" udp dport 53 counter accept
  }
}`;

/** Hears packets from the tunnel before every filter of the way in and of the way on; what belongs to no connection is only counted. */
export function ear(tunnel: string): string {
  const hear = (way: string) => `add @${way} { meta l4proto . ct original proto-dst . ct original ip daddr }`;
  const sets = WAYS.map(
    (way) => `set ${way} { type inet_proto . inet_service . ipv4_addr; size 65535; flags dynamic; }
    set ${way}6 { type inet_proto . ipv6_addr; size 65535; flags dynamic; }`,
  );
  const chains = Object.entries({ in: 'input', on: 'forward' }).map(
    ([way, hook]) => `chain ${way} { type filter hook ${hook} priority -500; iifname != "${tunnel}" accept
      ct state invalid,untracked counter name odd accept
      ct direction reply accept
      meta nfproto ipv6 add @${way}6 { meta l4proto . ip6 daddr } accept
      ${['tcp', 'udp'].map((protocol) => `meta l4proto ${protocol} ${hear(way)}`).join('\n')}
      meta l4proto != { tcp, udp } counter name odd
    }`,
  );
  return `table inet ear {\ncounter odd { }\n${[...sets, ...chains].join('\n')}\n}`;
}

const WAYS = ['in', 'on'] as const;

function elementsOf(listed: string): string[] {
  const { nftables } = JSON.parse(listed) as { nftables: Listed[] };
  const odd = nftables.flatMap(({ counter }) => (counter && counter.packets > 0 ? [`odd ${counter.packets}`] : []));
  const heard = nftables.flatMap(({ set }) =>
    (set?.elem ?? []).map(({ concat: [protocol, port, address] }) =>
      [protocol, address === undefined ? port : `${address}:${port}`, set!.name.slice(0, 2)].join(' '),
    ),
  );
  return [...heard, ...odd].sort();
}

interface Listed {
  set?: { name: string; elem?: { concat: (string | number)[] }[] };
  counter?: { packets: number };
}

/** Answers who it is, and on /endless without end. */
const SERVER = `
const [name, ...places] = process.argv.slice(1);
for (const place of places) {
  const [host, port] = place.split(':');
  require('node:http').createServer((request, response) => {
    if (request.url !== '/endless') return response.end(name);
    const timer = setInterval(() => response.write('tick '), 20);
    response.on('close', () => clearInterval(timer));
  }).listen({ host, port });
}
setTimeout(() => console.log('listening'), 50);
`;

async function serve(host: Host, name: string, places: string[]): Promise<void> {
  await host.start('server', process.execPath, ['-e', SERVER, name, ...places]).ready(/listening/);
}

/** A wireguard-go that is nobody's agent. Answers its public key. */
async function dial(host: Host, address: string): Promise<string> {
  const { stdout: key } = await runProgram(['wg', 'genkey']);
  const file = join(host.directory, 'key');
  writeFileSync(file, key, { mode: 0o600 });
  const { wireguardInterface: name } = host;
  const prefix = ['ip', 'netns', 'exec', host.namespace!];
  await startInterface({ name, keyFile: file, logFile: join(host.directory, 'wireguard.log'), prefix });
  await host.exec('wg', ['set', name, 'listen-port', `${WIREGUARD_PORT}`]);
  await ip(['-n', host.namespace!, 'addr', 'add', `${address}/16`, 'dev', name]);
  return publicKeyOf(key.trim())!;
}

async function peer(host: Host, key: string, allowedIps: string): Promise<void> {
  await host.exec('wg', ['set', host.wireguardInterface, 'peer', key, 'allowed-ips', allowedIps]);
}

/**
 * Private networks, loopback and IPv6 all lead into the tunnel, and its own loopback is none. What is sent from an address of SPOOFED leaves
 * with another one.
 */
async function goAstray(edge: Host): Promise<void> {
  const { namespace, wireguardInterface: tunnel } = edge;
  const everywhere = ['192.168.0.0/16', '172.16.0.0/12', '198.51.101.0/24', '255.255.255.255'];
  const lines = [
    ...everywhere.map((to) => `route add ${to} dev ${tunnel} src 10.100.0.1`),
    ...['127.0.0.0/8', '127.0.0.1'].map((own) => `route del local ${own} dev lo table local`),
    `route add 127.0.0.0/8 dev ${tunnel} src 10.100.0.1`,
    `addr add fd00:100::1/64 dev ${tunnel} nodad`,
    ...Object.keys(SPOOFED).map((source) => `addr add ${source}/32 dev ${tunnel}`),
  ];
  await ip(['-n', namespace!, '-batch', '-'], `${lines.join('\n')}\n`);
  const rules = Object.entries(SPOOFED).map(([source, as]) => `ip saddr ${source} ip saddr set ${as}`);
  const input = `table ip lies { chain out { type filter hook postrouting priority 300\n${rules.join('\n')}\n}\n}`;
  await edge.exec('nft', ['-f', '-'], { input });
}

/** The other edge’s, the origin’s own, a LAN host’s, and nobody’s. */
const SPOOFED = {
  '10.200.0.2': '10.100.0.2',
  '10.200.0.3': '10.100.1.1',
  '10.200.0.4': '192.168.7.2',
  '10.200.0.5': '10.100.0.77',
};

async function cable(a: Host, addresses: readonly string[], b: Host, bName: string, bAddresses: readonly string[]) {
  await ip(['-n', a.namespace!, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', bName, 'netns', b.namespace!]);
  const up = (name: string, texts: readonly string[]) =>
    `${texts.map((text) => `addr add ${text} dev ${name}\n`).join('')}link set ${name} up\n`;
  await ip(['-n', a.namespace!, '-batch', '-'], up('eth0', addresses));
  await ip(['-n', b.namespace!, '-batch', '-'], up(bName, bAddresses));
}
