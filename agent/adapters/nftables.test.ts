import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addHost, type Host, ip } from '../../lab/namespace.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { type FirewallRules, renderFirewall } from '../core/firewall.ts';
import type { Firewall } from '../ports/firewall.ts';
import { createNftables } from './nftables.ts';

// A plain cable stands in for the tunnel: the edge at its other end is hostile and not even held back by WireGuard's own checks.
const RULES: FirewallRules = {
  interfaceName: 'tun0',
  role: 'origin',
  address: '10.100.1.1',
  peers: ['10.100.0.1'],
  ports: [8080, 9000, 9100],
  udpPorts: [],
  forwards: [],
  guarded: [],
  asked: { icmp: false, scripts: false },
  allow: [
    { from: 8080, to: 9000 },
    { from: 9200, to: 9200 },
  ],
};

/** Answers "hello" by HTTP; on /endless it goes on writing. */
const SERVER = `
const http = require('node:http');
for (const port of process.argv.slice(1)) {
  http.createServer((request, response) => {
    if (request.url !== '/endless') return response.end('hello');
    const timer = setInterval(() => response.write('tick\\n'), 20);
    response.on('close', () => clearInterval(timer));
  }).listen({ port, host: '::' });
}
console.log('listening');
`;

let run: Run;
let [edge, origin, container, lan]: Host[] = [];
let firewall: Firewall;

beforeAll(async () => {
  run = createRun();
  edge = await addHost(run, 'edge');
  origin = await addHost(run, 'origin');
  container = await addHost(run, 'container');
  lan = await addHost(run, 'lan');
  await connect(edge, 'tun0', ['10.100.0.1/16', '10.100.0.66/16', 'fd00::2/64']);
  await connect(container, 'docker0', ['172.17.0.2/24'], '172.17.0.1/24');
  await connect(lan, 'lan0', ['192.168.50.2/24'], '192.168.50.1/24');
  await ip(['-n', edge.namespace!, 'route', 'add', 'default', 'via', '10.100.1.1']);
  await ip(['-n', container.namespace!, 'route', 'add', 'default', 'via', '172.17.0.1']);
  await ip(['-n', lan.namespace!, 'route', 'add', 'default', 'via', '192.168.50.1']);
  await origin.exec('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
  // As Docker publishes ports 8888 and 9000.
  await origin.exec('nft', ['-f', '-'], {
    input: `table ip docker { chain pre { type nat hook prerouting priority -100;
      tcp dport 8888 dnat to 172.17.0.2:80; tcp dport 9000 dnat to 172.17.0.2:80; }; }`,
  });
  const servers = [
    origin.start('server', process.execPath, ['-e', SERVER, '22', '8080', '9100', '9200']),
    container.start('server', process.execPath, ['-e', SERVER, '80']),
    lan.start('server', process.execPath, ['-e', SERVER, '8080']),
    edge.start('server', process.execPath, ['-e', SERVER, '8080']),
  ];
  await Promise.all(servers.map((server) => server.ready(/listening/)));
}, 30_000);

beforeEach(() => {
  firewall = createNftables({ interfaceName: 'tun0', commandPrefix: ['ip', 'netns', 'exec', origin!.namespace!] });
});

afterAll(async () => {
  expect(await run.end()).toEqual([]);
}, 30_000);

/** A cable between `host` (eth0) and `device` of the origin. */
async function connect(host: Host, device: string, addresses: string[], gateway?: string): Promise<void> {
  const [here, there] = [host.namespace!, origin!.namespace!];
  await ip(['-n', here, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', device, 'netns', there]);
  const own = device === 'tun0' ? ['10.100.1.1/16', 'fd00::1/64'] : [gateway!];
  const add = (address: string, name: string) =>
    `addr add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}\n`;
  await ip(['-n', here, '-batch', '-'], `${addresses.map((a) => add(a, 'eth0')).join('')}link set eth0 up\n`);
  await ip(['-n', there, '-batch', '-'], `${own.map((a) => add(a, device)).join('')}link set ${device} up\n`);
}

async function reaches(from: Host, url: string, source?: string): Promise<boolean> {
  const bind = source ? ['--interface', source] : [];
  const { stdout } = await from.attempt('curl', ['-sg', '-m', '0.6', '--noproxy', '*', ...bind, url]);
  return stdout === 'hello';
}

/** Waits: a busy machine needs a moment, for IPv6 neighbours above all. */
async function reached(from: Host, url: string, source?: string, what = url): Promise<void> {
  await expect.poll(() => reaches(from, url, source), { timeout: 5_000, message: what }).toBe(true);
}

const FORBIDDEN: [string, string, string?][] = [
  ['ssh', 'http://10.100.1.1:22'],
  ['a port that a route declares and the owner does not allow', 'http://10.100.1.1:9100'],
  ['a port that the owner allows and no route declares', 'http://10.100.1.1:9200'],
  ['a port that Docker publishes', 'http://10.100.1.1:8888'],
  ['an open port by IPv6', 'http://[fd00::1]:8080'],
  ['an open port from an address that is no peer', 'http://10.100.1.1:8080', '10.100.0.66'],
  ['an open port on another address of the origin', 'http://192.168.50.1:8080'],
  ['a machine behind the origin', 'http://192.168.50.2:8080'],
  ['a container behind the origin', 'http://172.17.0.2:80'],
];

describe('what a hostile edge reaches on an origin', () => {
  test('without the filter everything below is reachable, so the tests below mean something', async () => {
    await firewall.remove();
    for (const [what, url, source] of FORBIDDEN) await reached(edge!, url, source, what);
    expect((await edge!.attempt('ping', ['-c1', '-W1', '10.100.1.1'])).exitCode).toBe(0);
  }, 20_000);

  test.each(FORBIDDEN)('not %s', async (_, url, source) => {
    await firewall.apply(renderFirewall(RULES));
    expect(await reaches(edge!, url, source)).toBe(false);
  });

  test('no answer to a ping', async () => {
    await firewall.apply(renderFirewall(RULES));
    expect((await edge!.attempt('ping', ['-c1', '-W1', '10.100.1.1'])).exitCode).not.toBe(0);
  });

  test.each([
    ['a port that both sides allow', 'http://10.100.1.1:8080'],
    ['one that Docker publishes and both sides allow', 'http://10.100.1.1:9000'],
  ])('but %s', async (_, url) => {
    await firewall.apply(renderFirewall(RULES));
    await reached(edge!, url);
  });

  test('what was dropped is counted', async () => {
    await firewall.apply(renderFirewall(RULES));
    await reaches(edge!, 'http://10.100.1.1:22');
    await reaches(edge!, 'http://10.100.1.1:8080', '10.100.0.66');
    const { stdout } = await origin!.exec('nft', ['list', 'counters', 'table', 'inet', 'kokoa_tun0']);
    expect(stdout).toMatch(/refused \{\s+packets [1-9]/);
    expect(stdout).toMatch(/spoofed \{\s+packets [1-9]/);
  });

  test('an owner who allows nothing opens nothing', async () => {
    await firewall.apply(renderFirewall({ ...RULES, allow: [] }));
    expect(await reaches(edge!, 'http://10.100.1.1:8080')).toBe(false);
  });
});

describe('what goes on beside the tunnel', () => {
  test('the origin reaches the edge, and its own network reaches the origin', async () => {
    await firewall.apply(renderFirewall(RULES));
    await reached(origin!, 'http://10.100.0.1:8080');
    await reached(lan!, 'http://192.168.50.1:22');
  });

  test('on an edge nothing gets in, and answers do', async () => {
    await firewall.apply(renderFirewall({ ...RULES, role: 'edge' }));
    expect(await reaches(edge!, 'http://10.100.1.1:8080')).toBe(false);
    await reached(origin!, 'http://10.100.0.1:8080');
  });

  test('a running connection survives a change of other rules, and is cut when its port is closed', async () => {
    await firewall.apply(renderFirewall(RULES));
    const endless = edge!.start('endless', 'curl', ['-sN', '-m', '20', 'http://10.100.1.1:8080/endless']);
    const received = () => endless.log().length;
    await expect.poll(received).toBeGreaterThan(10);
    await firewall.apply(renderFirewall({ ...RULES, peers: ['10.100.0.1', '10.100.0.2'] }));
    const before = received();
    await expect.poll(received).toBeGreaterThan(before + 10);

    await firewall.apply(renderFirewall({ ...RULES, ports: [9000] }));
    // The edge's own packets, acknowledgements among them, no longer get in.
    await expect.poll(() => refusedPackets(), { timeout: 3_000 }).toBeGreaterThan(0);
    await endless.stop();
  }, 15_000);

  async function refusedPackets(): Promise<number> {
    const { stdout } = await origin!.exec('nft', ['list', 'counters', 'table', 'inet', 'kokoa_tun0']);
    return Number(/refused \{\s+packets ([0-9]+)/.exec(stdout)?.[1]);
  }
});

describe('matches', () => {
  test('holds after traffic, and not before an apply or after a change by somebody else', async () => {
    expect(await firewall.matches()).toBe(false);
    await firewall.apply(renderFirewall(RULES));
    expect(await firewall.matches()).toBe(true);
    await reaches(edge!, 'http://10.100.1.1:22');
    expect(await firewall.matches()).toBe(true);
    const changes = [
      ['insert', 'rule', 'inet', 'kokoa_tun0', 'peer', 'accept'],
      ['add', 'element', 'inet', 'kokoa_tun0', 'ports', '{ 22 }'],
      ['flush', 'chain', 'inet', 'kokoa_tun0', 'tunnel'],
      ['delete', 'table', 'inet', 'kokoa_tun0'],
    ];
    for (const change of changes) {
      await origin!.exec('nft', change);
      expect([change[0], await firewall.matches()]).toEqual([change[0], false]);
      await firewall.apply(renderFirewall(RULES));
      expect(await firewall.matches()).toBe(true);
    }
  });

  test('a ruleset that nft refuses changes nothing', async () => {
    await firewall.apply(renderFirewall(RULES));
    const before = await origin!.exec('nft', ['-s', 'list', 'ruleset']);
    const wrong = `${renderFirewall(RULES)}table inet kokoa_tun0 { nonsense }\n`;
    await expect(firewall.apply(wrong)).rejects.toMatchObject({ code: 'firewall_failed' });
    expect((await origin!.exec('nft', ['-s', 'list', 'ruleset'])).stdout).toBe(before.stdout);
    expect(await firewall.matches()).toBe(false);
  });

  test('other tables are never touched, and remove takes ours away', async () => {
    await firewall.apply(renderFirewall(RULES));
    await firewall.remove();
    await firewall.remove();
    const { stdout } = await origin!.exec('nft', ['list', 'tables']);
    expect(stdout.trim()).toBe('table ip docker');
    expect(await firewall.matches()).toBe(false);
  });
});
