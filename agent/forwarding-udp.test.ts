// What an origin opens for datagrams and what it does not, with a real kernel. Law: the same as for TCP, beside it and apart from it.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Forward } from '../bundle/config.ts';
import type { Host } from '../lab/namespace.ts';
import { createRun, type Run } from '../lab/run.ts';
import { LINGER_MS } from './core/closing-ports.ts';
import {
  buildStreet,
  type OriginParts,
  originConfig,
  originNetwork,
  type Street,
  setting,
} from './forwarding.fixture.ts';

const byUdp = (port: number, host: string, hostPort: number): Forward => ({ protocol: 'udp', port, host, hostPort });
const LAN = byUdp(20001, '192.168.50.2', 8080);
const LOOPBACK = byUdp(20002, '127.0.0.1', 3000);
const UNALLOWED = byUdp(20003, '192.168.50.2', 22);
const ALLOWED_BY_TCP = byUdp(20004, '192.168.50.2', 9090);
const DEEP = byUdp(20005, '192.168.60.2', 8080);
const ALL = [LAN, LOOPBACK, UNALLOWED, ALLOWED_BY_TCP, DEEP];
const HOSTS = ['192.168.50.2:8080', '192.168.50.3:8080', '192.168.60.2:8080', '127.0.0.1:3000'];
const ALLOW = ['8080/udp,22,192.168.50.2:9090', ...HOSTS.map((host) => `${host}/udp`)].join(',');

/** As Docker publishes ports 9000 and 20001; the second is also that of a forward. */
const DOCKER = `table ip docker { chain pre { type nat hook prerouting priority -100;
  udp dport { 9000, 20001 } dnat to 172.17.0.2:80; }; }`;

let run: Run;
let street: Street;
let parts: OriginParts;
let states = 0;
let nowMs = 0;

beforeAll(async () => {
  run = createRun();
  street = await buildStreet(run);
  await nft(DOCKER);
}, 30_000);

afterEach(async () => {
  await parts.network.apply(originConfig([]));
  nowMs += LINGER_MS;
  await parts.network.repair(originConfig([]));
  await setting(street.origin, 'ip_forward', '0');
  await parts.firewall.remove();
});

afterAll(async () => {
  expect(await run.end()).toEqual([]);
}, 30_000);

/** An agent that starts on this origin and applies a config. */
async function agent(forwards: Forward[], allow = ALLOW, udpPorts = [8080, 22], ports: number[] = []): Promise<void> {
  parts = originNetwork(street, allow, `udp-${++states}`, () => nowMs);
  await parts.network.apply(originConfig(forwards, ports, udpPorts));
}

async function nft(input: string): Promise<void> {
  await street.origin.exec('nft', ['-f', '-'], { input });
}

/** Asks at every address from a socket each, ten times a second for 0.8 s, and prints the first answers as JSON; whoever they come from. */
const ASK = `
const { createSocket } = require('node:dgram');
const [source, bytes, ...addresses] = process.argv.slice(1);
const answers = addresses.map(() => '');
const done = () => { console.log(JSON.stringify(answers)); process.exit(); };
addresses.forEach((address, index) => {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/[\\[\\]]/g, '');
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => undefined);
  socket.on('message', (data) => {
    answers[index] ||= String(data);
    if (answers.every(Boolean)) done();
  });
  socket.bind(0, source || undefined, () => {
    const send = () => socket.send('x'.repeat(Number(bytes)), Number(address.slice(at + 1)), host, () => undefined);
    send();
    setInterval(send, 100);
  });
});
setTimeout(done, 800);
`;

/** Prints why the address refused, within a second. */
const HEAR_REFUSAL = `
const socket = require('node:dgram').createSocket('udp4');
socket.on('error', ({ code }) => { console.log(code); process.exit(); });
socket.connect(Number(process.argv[2]), process.argv[1], () => setInterval(() => socket.send('?'), 100));
setTimeout(() => process.exit(), 1000);
`;

/** Sends from one port, fifty times a second, and writes a letter for every answer. */
const FLOW = `
const socket = require('node:dgram').createSocket('udp4', () => process.stdout.write('.'));
socket.connect(Number(process.argv[2]), process.argv[1], () => setInterval(() => socket.send('?'), 20));
socket.on('error', () => undefined);
`;

/** What comes back from each address as it came, '' when nothing does. */
async function askAll(from: Host, addresses: readonly string[], { source = '', bytes = 1 } = {}): Promise<string[]> {
  const { stdout } = await from.exec(process.execPath, ['-e', ASK, source, String(bytes), ...addresses]);
  return JSON.parse(stdout) as string[];
}

const ask = async (from: Host, address: string, how = {}) => (await askAll(from, [address], how))[0]!;

/** Waits: a busy machine needs a moment. */
async function answers(from: Host, expected: Record<string, string>, how = {}): Promise<void> {
  const got = async () => (await askAll(from, Object.keys(expected), how)).map((answer) => answer.trimEnd());
  await expect.poll(got, { timeout: 8_000, message: Object.keys(expected).join(' ') }).toEqual(Object.values(expected));
}

async function askByTcp(address: string): Promise<string> {
  const { stdout } = await street.edge.attempt('curl', ['-sg', '-m', '0.6', '--noproxy', '*', `http://${address}/`]);
  return stdout;
}

/** Datagrams from the tunnel, such as `which`, that come to where programs listen while the edge asks at these addresses. */
async function heard(which: string, addresses: string[]): Promise<number> {
  await nft(`table ip ear { chain in { type filter hook input priority 0; iifname "tun0" ${which} counter; }; }`);
  await askAll(street.edge, addresses);
  const { stdout } = await street.origin.exec('nft', ['list', 'table', 'ip', 'ear']);
  await nft('delete table ip ear');
  return Number(/packets ([0-9]+)/.exec(stdout)?.[1]);
}

const loopbackHears = () => heard('ct original ip daddr 127.0.0.0/8', ['127.0.0.1:3000', '127.0.0.1:3001']);

/** Datagrams that connection tracking does not know are not translated: they would come to the machine's own port of that number. */
async function hearsUntracked(): Promise<number> {
  await nft(`table ip untracked { chain pre { type filter hook prerouting priority -300;
    iifname "tun0" udp dport { 8080, 20001 } notrack; }; }`);
  const count = await heard('ct state untracked', ['10.100.1.1:8080', '10.100.1.1:20001']);
  await nft('delete table ip untracked');
  return count;
}

async function refused(): Promise<number> {
  const { stdout } = await street.origin.exec('nft', ['list', 'counters', 'table', 'inet', 'kokoa_tun0']);
  return Number(/refused \{\s+packets ([0-9]+)/.exec(stdout)?.[1]);
}

const OPEN = {
  '10.100.1.1:8080': 'origin 8080 10.100.0.1',
  '10.100.1.1:20001': 'lan 8080 192.168.50.1',
  '10.100.1.1:20002': 'origin 3000 10.100.0.1',
  '10.100.1.1:20005': 'deep 8080 192.168.50.1',
};
const FORWARDS_CLOSED = ['10.100.1.1:20003', '10.100.1.1:20004'];
const CLOSED = {
  'the target of a forward itself': '192.168.50.2:8080',
  'another port of that host': '192.168.50.2:9090',
  'its ssh': '192.168.50.2:22',
  'another host, that the owner allows and no route declares': '192.168.50.3:8080',
  'a port that a route declares and the owner allows by TCP only': '10.100.1.1:22',
  'a port of the origin that only a forward has as its target': '10.100.1.1:9090',
  'the port of a forward by IPv6': '[fd00::1]:20001',
  'an open port by IPv6': '[fd00::1]:8080',
  'the port of a forward on another address of the origin': '192.168.50.1:20001',
  'a port that Docker publishes': '10.100.1.1:9000',
  'a container': '172.17.0.2:80',
};
/** No peer has this address. */
const STRANGER = { source: '10.100.0.66' };
const FOR_PEERS = ['10.100.1.1:8080', '10.100.1.1:20001', '10.100.1.1:20002'];

describe('through the tunnel', () => {
  test('without the filter everything below is reachable, so the tests below mean something', async () => {
    await agent(ALL);
    await parts.firewall.remove();
    await setting(street.origin, 'conf/docker0/forwarding', '1');
    const empty = async (addresses: string[], how = {}) =>
      (await askAll(street.edge, addresses, how)).filter((answer) => answer === '');
    await expect.poll(() => empty(Object.values(CLOSED)), { timeout: 8_000 }).toEqual([]);
    await expect.poll(() => empty(FOR_PEERS.slice(0, 2), STRANGER), { timeout: 8_000 }).toEqual([]);
    expect(await loopbackHears()).toBeGreaterThan(0);
    expect(await hearsUntracked()).toBeGreaterThan(0);
    await setting(street.origin, 'conf/docker0/forwarding', '0');
  }, 30_000);

  test.each([
    ['a machine that forwards nothing by itself', '0'],
    ['a machine that forwards everywhere, as Docker makes it', '1'],
  ])(
    'datagrams reach what is open, and from a hostile edge nothing else, on %s',
    async (_, everywhere) => {
      await setting(street.origin, 'ip_forward', everywhere);
      await agent(ALL);
      await answers(street.edge, OPEN);
      const closed = [...Object.values(CLOSED), ...FORWARDS_CLOSED];
      const got = await askAll(street.edge, closed);
      expect(closed.filter((_address, index) => got[index] !== '')).toEqual([]);
      expect(await askAll(street.edge, FOR_PEERS, STRANGER)).toEqual(['', '', '']);
      expect([await loopbackHears(), await hearsUntracked()]).toEqual([0, 0]);
      // By TCP the same numbers stay closed.
      expect(await Promise.all(Object.keys(OPEN).map(askByTcp))).toEqual(['', '', '', '']);
    },
    30_000,
  );

  test.each<[string, Forward[], string, number[]]>([
    ['only the config says so', [LAN, LOOPBACK], 'none', [8080]],
    ['only the owner allows it', [], ALLOW, []],
    ['the owner allows the same by TCP', [LAN, LOOPBACK], ALLOW.replaceAll('/udp', ''), [8080]],
    ['the owner allows another host and port', [LAN, LOOPBACK], '192.168.50.3:8080/udp,3000/udp,20001/udp', [8080]],
  ])('nothing opens, and no setting of the kernel changes, when %s', async (_, forwards, allow, udpPorts) => {
    await agent(forwards, allow, udpPorts);
    expect(await askAll(street.edge, FOR_PEERS)).toEqual(['', '', '']);
    expect(await settings()).toEqual({ tun0: '0', lan0: '0', localnet: '0' });
  });

  test('what is open by TCP is not open by UDP', async () => {
    const byTcp = [LAN, LOOPBACK].map(({ protocol: _, ...forward }) => forward);
    const allow = '8080,8080/udp,192.168.50.2:8080,192.168.50.2:8080/udp,127.0.0.1:3000,127.0.0.1:3000/udp';
    await agent(byTcp, allow, [], [8080]);
    await expect.poll(() => askByTcp('10.100.1.1:20001'), { timeout: 5_000 }).toBe('lan 8080 192.168.50.1');
    expect(await askAll(street.edge, FOR_PEERS)).toEqual(['', '', '']);
  });

  test('of one number UDP and TCP go their own ways', async () => {
    const tcp: Forward = { port: 20001, host: '192.168.50.2', hostPort: 8088 };
    await agent([tcp, LAN], '8080/udp,192.168.50.2:8080/udp,192.168.50.2:8088', [8080]);
    await answers(street.edge, { '10.100.1.1:20001': OPEN['10.100.1.1:20001'] });
    await expect.poll(() => askByTcp('10.100.1.1:20001'), { timeout: 5_000 }).toBe('lan 8088 192.168.50.1');
  });

  test('the port of a forward is never the machine’s own, whatever other NAT there is', async () => {
    await agent([LAN, LOOPBACK]);
    await nft(`table ip other { chain pre { type nat hook prerouting priority -120;
      udp dport { 20001, 20002 } redirect to :22; }; }`);
    expect(await askAll(street.edge, FOR_PEERS.slice(1))).toEqual(['', '']);
    await parts.firewall.remove();
    await answers(street.edge, { '10.100.1.1:20001': 'origin 22 10.100.0.1' });
    await nft('delete table ip other');
  });

  test('large datagrams get through in pieces, and smaller ones learn where a line behind the origin is narrow', async () => {
    await agent(ALL);
    const { '10.100.1.1:20005': deep, ...near } = OPEN;
    await answers(street.edge, near, { bytes: 4000 });
    const length = async () => (await ask(street.edge, '10.100.1.1:20001', { bytes: 4000 })).length;
    await expect.poll(length, { timeout: 5_000 }).toBe(4000);
    await answers(street.edge, { '10.100.1.1:20005': deep }, { bytes: 1400 });
  }, 20_000);

  test('an edge hears at once that nobody is behind a forward', async () => {
    await agent([{ ...LAN, hostPort: 8081 }], '192.168.50.2:8081/udp', []);
    const { stdout } = await street.edge.exec(process.execPath, ['-e', HEAR_REFUSAL, '10.100.1.1', '20001']);
    expect(stdout.trim()).toBe('ECONNREFUSED');
  });

  test('a container port that Docker publishes and both sides allow still sees who asks', async () => {
    await setting(street.origin, 'ip_forward', '1');
    await agent([LAN], `9000/udp,${ALLOW}`, [9000]);
    await answers(street.edge, { '10.100.1.1:9000': 'container 80 10.100.0.1' });
  });
});

describe('beside the tunnel', () => {
  test('the LAN reaches the machine’s own ports, and the machine reaches the edge on any', async () => {
    await agent(ALL);
    await nft('delete table ip docker');
    await answers(street.lan, { '192.168.50.1:20001': 'origin 20001 192.168.50.2' });
    await answers(street.origin, { '10.100.0.1:20001': 'edge 20001 10.100.1.1' });
    await nft(DOCKER);
  });

  test('a machine that was no router is none for its LAN and its tunnel', async () => {
    await agent(ALL);
    await answers(street.edge, OPEN);
    await setting(street.origin, 'conf/docker0/forwarding', '1');
    const through = [
      () => ask(street.lan, '10.100.0.1:8080'),
      () => ask(street.lan, '172.17.0.2:80'),
      () => ask(street.container, '192.168.50.2:8080'),
    ];
    expect(await Promise.all(through.map((one) => one()))).toEqual(['', '', '']);
    await parts.firewall.remove();
    for (const one of through) await expect.poll(one, { timeout: 5_000 }).not.toBe('');
    await setting(street.origin, 'conf/docker0/forwarding', '0');
  }, 20_000);

  test('a filter of the machine that drops what is forwarded is found out', async () => {
    await setting(street.origin, 'ip_forward', '1');
    await agent(ALL);
    await answers(street.edge, OPEN);
    expect(await parts.network.droppedByOthers()).toBe(0);
    await nft('table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }');
    try {
      // A datagram may get lost on its way on a busy machine; none gets through.
      const dropped = async () => {
        expect(await ask(street.edge, '10.100.1.1:20001')).toBe('');
        return parts.network.droppedByOthers();
      };
      await expect.poll(dropped, { timeout: 8_000 }).toBeGreaterThan(0);
    } finally {
      await nft('delete table ip filter');
    }
  }, 20_000);
});

/** Settings of the tunnel and the LAN that forwards need. */
async function settings() {
  const { origin } = street;
  return {
    tun0: await setting(origin, 'conf/tun0/forwarding'),
    lan0: await setting(origin, 'conf/lan0/forwarding'),
    localnet: await setting(origin, 'conf/tun0/route_localnet'),
  };
}

describe('a change', () => {
  test('leaves ports of UDP open as long as edges need, then closes them and turns the settings off', async () => {
    await agent(ALL);
    const { network } = parts;
    expect(await settings()).toEqual({ tun0: '1', lan0: '1', localnet: '1' });
    await network.apply(originConfig([]));
    await answers(street.edge, OPEN);
    nowMs += LINGER_MS;
    expect(network.hasPortsToClose()).toBe(true);
    await network.repair(originConfig([]));
    expect(await askAll(street.edge, Object.keys(OPEN))).toEqual(['', '', '', '']);
    expect(await settings()).toEqual({ tun0: '0', lan0: '0', localnet: '0' });
  }, 20_000);

  test.each<[string, string, (origin: OriginParts) => Promise<unknown>]>([
    [
      'its port leads elsewhere',
      '10.100.1.1:20001',
      ({ network }) => network.apply(originConfig([{ ...LAN, host: '192.168.50.3' }], [], [8080])),
    ],
    [
      'its port is closed',
      '10.100.1.1:8080',
      async ({ network }) => {
        await network.apply(originConfig([LAN]));
        nowMs += LINGER_MS;
        await network.repair(originConfig([LAN]));
      },
    ],
  ])('cuts running datagrams when %s, and no others', async (_, address, change) => {
    await agent([LAN]);
    const flow = street.edge.start('flow', process.execPath, ['-e', FLOW, ...address.split(':')]);
    const received = () => flow.log().length;
    await expect.poll(received).toBeGreaterThan(10);
    await parts.network.apply(originConfig([LAN, LOOPBACK], [], [8080]));
    const before = received();
    await expect.poll(received).toBeGreaterThan(before + 10);
    await change(parts);
    await expect.poll(refused, { timeout: 3_000 }).toBeGreaterThan(2);
    const cut = received();
    const dropped = await refused();
    await expect.poll(refused, { timeout: 3_000 }).toBeGreaterThan(dropped + 5);
    expect(received()).toBe(cut);
    await flow.stop();
  });

  test.each([
    ['a port opened', 'add element', 'udp_ports { 22 }'],
    ['an entrance added', 'add element', 'udp_entrances { 22 }'],
    ['a target added', 'add element', 'udp_targets { 20001 . 192.168.50.3 . 22 }'],
    ['a forward removed', 'delete element', 'udp_forwards { 20002 : 127.0.0.1 . 3000 }'],
  ])('by somebody else is seen and repaired: %s', async (_, how, element) => {
    await agent([LAN, LOOPBACK]);
    const config = originConfig([LAN, LOOPBACK], [], [8080, 22]);
    expect(await parts.network.differs(config)).toBe(false);
    await nft(`${how} inet kokoa_tun0 ${element}`);
    expect(await parts.network.differs(config)).toBe(true);
    await parts.network.repair(config);
    expect([await parts.network.differs(config), await parts.network.repair(config)]).toEqual([false, []]);
  });
});
