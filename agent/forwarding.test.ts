// What forwards open and what they do not, with a real kernel: nftables, its settings and its routes.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Forward } from '../bundle/config.ts';
import { type Host, ip } from '../lab/namespace.ts';
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

const LAN: Forward = { port: 20001, host: '192.168.50.2', hostPort: 8080 };
const LOOPBACK: Forward = { port: 20002, host: '127.0.0.1', hostPort: 3000 };
const UNALLOWED: Forward = { port: 20003, host: '192.168.50.2', hostPort: 9090 };
const SAME_NUMBER: Forward = { port: 8088, host: '192.168.50.2', hostPort: 8088 };
const DEEP: Forward = { port: 20005, host: '192.168.60.2', hostPort: 8080 };
const CONTAINER: Forward = { port: 20006, host: '172.17.0.2', hostPort: 80 };
const ALL = [LAN, LOOPBACK, UNALLOWED, SAME_NUMBER, DEEP];
const ALLOW = '8080,192.168.50.2:8080,192.168.50.2:8088,192.168.50.3:8080,192.168.60.2:8080,127.0.0.1:3000';

let run: Run;
let street: Street;
let parts: OriginParts;
let states = 0;
let nowMs = 0;

beforeAll(async () => {
  run = createRun();
  street = await buildStreet(run);
  // As Docker publishes ports 9000 and 20001; the second is also that of a forward.
  await nft(`table ip docker { chain pre { type nat hook prerouting priority -100;
    tcp dport { 9000, 20001 } dnat to 172.17.0.2:80; }; }`);
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
async function agent(forwards: Forward[], allow = ALLOW, ports: number[] = []): Promise<OriginParts> {
  parts = originNetwork(street, allow, `state-${++states}`, () => nowMs);
  await parts.network.apply(originConfig(forwards, ports));
  return parts;
}

async function nft(input: string): Promise<void> {
  await street.origin.exec('nft', ['-f', '-'], { input });
}

/** Prints why the address refused, within half a second. */
const ASK_BY_UDP = `
const socket = require('node:dgram').createSocket('udp4');
socket.on('error', ({ code }) => { console.log(code); socket.close(); });
socket.connect(Number(process.argv[2]), process.argv[1], () => socket.send('?'));
setTimeout(() => process.exit(), 500);
`;

/** What a visitor reads, or '' when nothing comes. */
async function ask(from: Host, address: string, source?: string): Promise<string> {
  const bind = source ? ['--interface', source] : [];
  const { stdout } = await from.attempt('curl', ['-sg', '-m', '0.6', '--noproxy', '*', ...bind, `http://${address}/`]);
  return stdout;
}

/** Waits: a busy machine needs a moment. */
async function answers(from: Host, address: string, answer: string): Promise<void> {
  await expect.poll(() => ask(from, address), { timeout: 5_000, message: address }).toBe(answer);
}

/** Packets from the tunnel, such as `which`, that come to where programs listen while the edge asks at these addresses. */
async function heard(which: string, addresses: string[]): Promise<number> {
  await nft(`table ip ear { chain in { type filter hook input priority 0; iifname "tun0" ${which} counter; }; }`);
  await Promise.all(addresses.map((address) => ask(street.edge, address)));
  const { stdout } = await street.origin.exec('nft', ['list', 'table', 'ip', 'ear']);
  await nft('delete table ip ear');
  return Number(/packets ([0-9]+)/.exec(stdout)?.[1]);
}

const loopbackHears = () => heard('ct original ip daddr 127.0.0.0/8', ['127.0.0.1:3000', '127.0.0.1:3001']);

/** Packets that belong to no connection are not translated: they would come to the machine's own port of that number. */
async function hearsNonsense(): Promise<number> {
  await street.edge.exec('nft', ['-f', '-'], {
    input: `table ip nonsense { chain out { type filter hook output priority 300;
      tcp dport { 8080, 20001 } tcp flags set syn | fin | rst; }; }`,
  });
  const count = await heard('ct state invalid', ['10.100.1.1:8080', '10.100.1.1:20001']);
  await street.edge.exec('nft', ['delete', 'table', 'ip', 'nonsense']);
  return count;
}

const HOSTILE: [string, string, string?][] = [
  ['a forward that the owner does not allow', '10.100.1.1:20003'],
  ['the target of a forward itself', '192.168.50.2:8080'],
  ['another port of that host', '192.168.50.2:9090'],
  ['its ssh', '192.168.50.2:22'],
  ['another host, that the owner allows and no route declares', '192.168.50.3:8080'],
  ['the ssh of the origin', '10.100.1.1:22'],
  ['a port of the origin that only a forward has as its target', '10.100.1.1:9090'],
  ['the port of a forward by IPv6', '[fd00::1]:20001'],
  ['the port of a forward on another address of the origin', '192.168.50.1:20001'],
  ['the port of a forward from an address that is no peer', '10.100.1.1:20001', '10.100.0.66'],
  ['a port that Docker publishes', '10.100.1.1:9000'],
  ['a container', '172.17.0.2:80'],
];
/** Reachable without a filter. Before that nothing forwards. */
const REACHABLE = HOSTILE.filter(([, address]) => address !== '10.100.1.1:20003');

describe('through the tunnel', () => {
  test('a forward reaches exactly its host and port, which sees the origin, or the edge on loopback', async () => {
    await agent(ALL);
    await answers(street.edge, '10.100.1.1:20001', 'lan 8080 192.168.50.1');
    await answers(street.edge, '10.100.1.1:20002', 'origin 3000 10.100.0.1');
    await answers(street.edge, '10.100.1.1:8088', 'lan 8088 192.168.50.1');
    await answers(street.edge, '10.100.1.1:20005', 'deep 8080 192.168.50.1');
  });

  test('without the filter everything below is reachable, so the tests below mean something', async () => {
    await agent(ALL);
    await parts.firewall.remove();
    await setting(street.origin, 'conf/docker0/forwarding', '1');
    for (const [what, address, source] of REACHABLE)
      await expect.poll(() => ask(street.edge, address, source), { timeout: 5_000, message: what }).not.toBe('');
    expect(await loopbackHears()).toBeGreaterThan(0);
    expect(await hearsNonsense()).toBeGreaterThan(0);
    await setting(street.origin, 'conf/docker0/forwarding', '0');
  }, 30_000);

  test.each([
    ['a machine that forwards nothing by itself', '0'],
    ['a machine that forwards everywhere, as Docker makes it', '1'],
  ])(
    'a hostile edge reaches nothing else, on %s',
    async (_, everywhere) => {
      await setting(street.origin, 'ip_forward', everywhere);
      await agent(ALL, ALLOW, [8080]);
      await answers(street.edge, '10.100.1.1:20001', 'lan 8080 192.168.50.1');
      const got = await Promise.all(
        HOSTILE.map(async ([what, address, source]) => [what, await ask(street.edge, address, source)]),
      );
      expect(got).toEqual(HOSTILE.map(([what]) => [what, '']));
      expect([await loopbackHears(), await hearsNonsense()]).toEqual([0, 0]);
    },
    20_000,
  );

  test.each<[string, Forward[], string]>([
    ['only the config says so', [LAN, LOOPBACK], '8080,20001,20002,3000'],
    ['only the owner allows it', [], ALLOW],
    ['the owner allows another host', [LAN, LOOPBACK], '192.168.50.3:8080'],
    ['the owner allows another port', [LAN, LOOPBACK], '192.168.50.2:8081,127.0.0.1:8080'],
  ])('nothing opens, and no setting of the kernel changes, when %s', async (_, forwards, allow) => {
    await agent(forwards, allow);
    expect(await Promise.all(['10.100.1.1:20001', '10.100.1.1:20002'].map((to) => ask(street.edge, to)))).toEqual([
      '',
      '',
    ]);
    expect(await settings()).toEqual({ everywhere: '0', tun0: '0', lan0: '0', docker0: '0', localnet: '0' });
  });

  test('an allowed LAN target does not open the machine’s own port, nor the other way round', async () => {
    await agent([], '192.168.50.2:8080', [8080]);
    expect(await ask(street.edge, '10.100.1.1:8080')).toBe('');
    await agent([LAN], '8080', [8080]);
    await answers(street.edge, '10.100.1.1:8080', 'origin 8080 10.100.0.1');
    expect(await ask(street.edge, '10.100.1.1:20001')).toBe('');
  });

  test('the port of a forward is never the machine’s own, whatever other NAT there is', async () => {
    await agent([LAN, LOOPBACK]);
    await nft(`table ip other { chain pre { type nat hook prerouting priority -120;
      tcp dport 20001 redirect to :22; tcp dport 20002 redirect to :3001; }; }`);
    expect(await Promise.all(['10.100.1.1:20001', '10.100.1.1:20002'].map((to) => ask(street.edge, to)))).toEqual([
      '',
      '',
    ]);
    await nft('delete table ip other');
    await answers(street.edge, '10.100.1.1:20001', 'lan 8080 192.168.50.1');
  });

  test('large requests get through where a line behind the origin is narrow', async () => {
    await agent([DEEP]);
    const body = 'x'.repeat(300_000);
    const { stdout } = await street.edge.attempt(
      ...(['curl', ['-s', '-m', '5', '-H', 'Expect:', '--data-binary', '@-', 'http://10.100.1.1:20005/echo']] as const),
      { input: body },
    );
    expect(stdout).toBe(String(body.length));
  }, 10_000);

  test('a container port that Docker publishes and both sides allow still sees who asks', async () => {
    await setting(street.origin, 'ip_forward', '1');
    await agent([LAN], `9000,${ALLOW}`, [9000]);
    await answers(street.edge, '10.100.1.1:9000', 'container 80 10.100.0.1');
  });
});

describe('beside the tunnel', () => {
  test('the LAN reaches the machine’s own ports, and the machine reaches the edge on any', async () => {
    await agent(ALL);
    await nft('add table ip docker; delete table ip docker');
    await answers(street.lan, '192.168.50.1:20001', 'origin 20001 192.168.50.2');
    await answers(street.origin, '10.100.0.1:20001', 'edge 20001 10.100.1.1');
    await nft(`table ip docker { chain pre { type nat hook prerouting priority -100;
      tcp dport { 9000, 20001 } dnat to 172.17.0.2:80; }; }`);
  });

  test('a machine that was no router is none for its LAN and its tunnel afterwards', async () => {
    await agent(ALL, `${ALLOW},9000`, [9000]);
    await setting(street.origin, 'conf/docker0/forwarding', '1');
    const through: [Host, string][] = [
      [street.lan, '10.100.0.1:8080'],
      [street.lan, '172.17.0.2:80'],
      [street.container, '192.168.50.2:8080'],
      [street.container, '192.168.50.2:8088'],
      [street.container, '10.100.0.1:8080'],
      [street.edge, '10.100.1.1:9000'],
    ];
    expect(await Promise.all(through.map(([from, address]) => ask(from, address)))).toEqual(through.map(() => ''));
    expect(await hearsOfClosedPort()).toBe(false);
    await parts.firewall.remove();
    expect(await hearsOfClosedPort()).toBe(true);
    await Promise.all(through.map(([from, address]) => expect.poll(() => ask(from, address)).not.toBe('')));
    await setting(street.origin, 'conf/docker0/forwarding', '0');
  }, 15_000);

  /** True when the container's UDP, which gets out, is answered from the LAN by "port unreachable". */
  async function hearsOfClosedPort(): Promise<boolean> {
    const { stdout } = await street.container.attempt(process.execPath, ['-e', ASK_BY_UDP, '192.168.50.2', '9']);
    return stdout.includes('ECONNREFUSED');
  }

  test('what it routed by IPv6 goes on', async () => {
    await agent(ALL);
    await answers(street.lan, '[fd17::2]:80', 'container 80 fd50::2');
  });

  test('on a machine that is a router everything goes on, without our NAT', async () => {
    await setting(street.origin, 'ip_forward', '1');
    await agent(ALL);
    await answers(street.lan, '172.17.0.2:80', 'container 80 192.168.50.2');
    await answers(street.container, '192.168.50.2:8088', 'lan 8088 172.17.0.2');
  });

  test('a filter of the machine that drops what is forwarded is found out', async () => {
    await setting(street.origin, 'ip_forward', '1');
    await agent([LAN, LOOPBACK, SAME_NUMBER]);
    await answers(street.edge, '10.100.1.1:20001', 'lan 8080 192.168.50.1');
    await answers(street.edge, '10.100.1.1:20002', 'origin 3000 10.100.0.1');
    // What does not come from the tunnel counts neither as led nor as passed.
    await answers(street.container, '192.168.50.2:8088', 'lan 8088 172.17.0.2');
    await answers(street.container, '192.168.50.2:8088', 'lan 8088 172.17.0.2');
    expect(await parts.network.droppedByOthers()).toBe(0);
    await nft('table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }');
    expect(await ask(street.container, '192.168.50.2:8088')).toBe('');
    expect(await parts.network.droppedByOthers()).toBe(0);
    expect(await ask(street.edge, '10.100.1.1:20001')).toBe('');
    expect(await parts.network.droppedByOthers()).toBeGreaterThan(0);
    // What docs/operate.md tells the owner to add.
    await nft(`table ip filter { chain FORWARD { iifname "tun0" accept;
      oifname "tun0" ct direction reply ct state established,related accept; }; }`);
    await answers(street.edge, '10.100.1.1:20001', 'lan 8080 192.168.50.1');
    expect(await ask(street.edge, '192.168.50.3:8080')).toBe('');
    await nft('delete table ip filter');
  });
});

/** forwarding of each interface, and route_localnet of the tunnel. */
async function settings() {
  const { origin } = street;
  return {
    everywhere: await setting(origin, 'ip_forward'),
    tun0: await setting(origin, 'conf/tun0/forwarding'),
    lan0: await setting(origin, 'conf/lan0/forwarding'),
    docker0: await setting(origin, 'conf/docker0/forwarding'),
    localnet: await setting(origin, 'conf/tun0/route_localnet'),
  };
}
const OFF = { everywhere: '0', tun0: '0', lan0: '0', docker0: '0', localnet: '0' };

describe('settings of the kernel', () => {
  test('are turned on where forwards need them, and off again when those closed', async () => {
    const { network } = await agent([LOOPBACK]);
    expect(await settings()).toEqual({ ...OFF, localnet: '1' });
    await network.apply(originConfig([LAN, LOOPBACK]));
    expect(await settings()).toEqual({ ...OFF, tun0: '1', lan0: '1', localnet: '1' });
    await network.apply(originConfig([]));
    await answers(street.edge, '10.100.1.1:20001', 'lan 8080 192.168.50.1');
    nowMs += LINGER_MS;
    expect(network.hasPortsToClose()).toBe(true);
    await network.repair(originConfig([]));
    expect(await ask(street.edge, '10.100.1.1:20001')).toBe('');
    expect(await settings()).toEqual(OFF);
  });

  test('are taken back by an agent that comes after the one that turned them on', async () => {
    await agent([LAN, LOOPBACK]);
    const state = `state-${states}`;
    parts = originNetwork(street, ALLOW, state);
    await parts.network.apply(originConfig([LAN, LOOPBACK]));
    expect(await settings()).toEqual({ ...OFF, tun0: '1', lan0: '1', localnet: '1' });
    expect(await ask(street.lan, '10.100.0.1:8080')).toBe('');
    parts = originNetwork(street, 'none', state);
    await parts.network.apply(originConfig([LAN, LOOPBACK]));
    expect(await settings()).toEqual(OFF);
  });

  test('of others stay as they are', async () => {
    for (const name of ['docker0', 'lan0']) await setting(street.origin, `conf/${name}/forwarding`, '1');
    const { network } = await agent([CONTAINER], '172.17.0.2:80');
    await answers(street.edge, '10.100.1.1:20006', 'container 80 172.17.0.1');
    await answers(street.lan, '172.17.0.2:80', 'container 80 192.168.50.2');
    expect(await settings()).toEqual({ ...OFF, tun0: '1', lan0: '1', docker0: '1' });
    nowMs += LINGER_MS;
    await network.apply(originConfig([]));
    nowMs += LINGER_MS;
    await network.repair(originConfig([]));
    expect(await settings()).toEqual({ ...OFF, lan0: '1', docker0: '1' });
    for (const name of ['docker0', 'lan0']) await setting(street.origin, `conf/${name}/forwarding`, '0');
  });

  test('are no longer the agent’s once somebody made the whole machine a router', async () => {
    const { network } = await agent([LAN]);
    await setting(street.origin, 'ip_forward', '1');
    expect(await network.differs(originConfig([LAN]))).toBe(true);
    await network.repair(originConfig([LAN]));
    await answers(street.lan, '172.17.0.2:80', 'container 80 192.168.50.2');
    expect(await network.differs(originConfig([LAN]))).toBe(false);
    await network.apply(originConfig([]));
    nowMs += LINGER_MS;
    await network.repair(originConfig([]));
    expect(await settings()).toMatchObject({ everywhere: '1', tun0: '1', lan0: '1' });
  });
});

describe('drift', () => {
  const CONFIG = originConfig([LAN, LOOPBACK]);
  test.each<[string, () => Promise<unknown>]>([
    ['forwarding of the LAN turned off', () => setting(street.origin, 'conf/lan0/forwarding', '0')],
    ['forwarding of the tunnel turned off', () => setting(street.origin, 'conf/tun0/forwarding', '0')],
    ['loopback closed to the tunnel', () => setting(street.origin, 'conf/tun0/route_localnet', '0')],
    [
      'all forwarding turned on and off',
      () => setting(street.origin, 'ip_forward', '1').then(() => setting(street.origin, 'ip_forward', '0')),
    ],
    ['the table deleted', () => street.origin.exec('nft', ['delete', 'table', 'inet', 'kokoa_tun0'])],
    [
      'a target added',
      () =>
        street.origin.exec('nft', ['add', 'element', 'inet', 'kokoa_tun0', 'targets', '{ 20001 . 192.168.50.3 . 22 }']),
    ],
    [
      'a forward led elsewhere',
      () =>
        nft(`delete element inet kokoa_tun0 forwards { 20002 : 127.0.0.1 . 3000 }
        add element inet kokoa_tun0 forwards { 20002 : 127.0.0.1 . 3001 }`),
    ],
    ['the guard flushed', () => street.origin.exec('nft', ['flush', 'chain', 'inet', 'kokoa_tun0', 'kept'])],
  ])('%s: is seen by looking, and repaired', async (_, drift) => {
    const { network } = await agent([LAN, LOOPBACK]);
    expect(await network.differs(CONFIG)).toBe(false);
    await drift();
    expect(await network.differs(CONFIG)).toBe(true);
    expect(await network.repair(CONFIG)).not.toEqual([]);
    expect([await network.differs(CONFIG), await network.repair(CONFIG)]).toEqual([false, []]);
    await answers(street.edge, '10.100.1.1:20001', 'lan 8080 192.168.50.1');
    await answers(street.edge, '10.100.1.1:20002', 'origin 3000 10.100.0.1');
  });

  test('a LAN that appears after the agent, or moves to another interface, is followed', async () => {
    const { network } = await agent([DEEP]);
    const config = originConfig([DEEP]);
    const at = ['-n', street.origin.namespace!, 'route'];
    await ip([...at, 'del', '192.168.60.0/24']);
    expect(await network.differs(config)).toBe(true);
    await network.repair(config);
    expect(await settings()).toEqual(OFF);
    await ip([...at, 'add', '192.168.60.0/24', 'via', '192.168.50.2']);
    expect(await network.differs(config)).toBe(true);
    await network.repair(config);
    expect(await settings()).toEqual({ ...OFF, tun0: '1', lan0: '1' });
    await answers(street.edge, '10.100.1.1:20005', 'deep 8080 192.168.50.1');
  });
});

describe('a running connection', () => {
  test.each(['0', '1'])(
    'is cut when the port leads elsewhere (ip_forward %s)',
    async (everywhere) => {
      await setting(street.origin, 'ip_forward', everywhere);
      const { network } = await agent([LAN]);
      const endless = street.edge.start('endless', 'curl', ['-sN', '-m', '20', 'http://10.100.1.1:20001/endless']);
      const received = () => endless.log().length;
      await expect.poll(received).toBeGreaterThan(10);
      await network.apply(originConfig([LAN, LOOPBACK]));
      const before = received();
      await expect.poll(received).toBeGreaterThan(before + 10);
      await network.apply(originConfig([{ ...LAN, host: '192.168.50.3' }]));
      await expect.poll(refusedPackets, { timeout: 3_000 }).toBeGreaterThan(0);
      await endless.stop();
    },
    15_000,
  );

  test('of a route that moved away goes on over a restart of the agent, and is cut when its time is over', async () => {
    const { network } = await agent([LAN], ALLOW, [8080]);
    const visits = ['10.100.1.1:20001', '10.100.1.1:8080'].map((at) =>
      street.edge.start('visit', 'curl', ['-sN', '-m', '20', `http://${at}/endless`]),
    );
    const received = () => visits.map((visit) => visit.log().length);
    const isLonger = (before: number[]) => received().every((length, index) => length > before[index]! + 10);
    await expect.poll(() => isLonger([0, 0])).toBe(true);
    await network.apply(originConfig([]));
    nowMs += LINGER_MS - 1;

    parts = originNetwork(street, ALLOW, `state-${states}`, () => nowMs);
    await parts.network.apply(originConfig([]));
    const before = received();
    await expect.poll(() => isLonger(before)).toBe(true);
    await answers(street.edge, '10.100.1.1:20001', 'lan 8080 192.168.50.1');
    expect(await refusedPackets()).toBe(0);

    nowMs += 1;
    expect(parts.network.hasPortsToClose()).toBe(true);
    await parts.network.repair(originConfig([]));
    await expect.poll(refusedPackets, { timeout: 3_000 }).toBeGreaterThan(0);
    expect(await ask(street.edge, '10.100.1.1:20001')).toBe('');
    for (const visit of visits) await visit.stop();
  }, 15_000);

  async function refusedPackets(): Promise<number> {
    const { stdout } = await street.origin.exec('nft', ['list', 'counters', 'table', 'inet', 'kokoa_tun0']);
    return Number(/refused \{\s+packets ([0-9]+)/.exec(stdout)?.[1]);
  }
});
