// The machine of an edge is the attacker's, and so are the keys that sign. The real agent, WireGuard and nftables: nothing is ever heard
// but what is declared and the owner allows, and what the owner runs besides goes on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Forward, NodeConfig, OriginConfig } from '../bundle/config.ts';
import { edgeConfig } from '../bundle/installation.fixture.ts';
import type { Host } from '../lab/namespace.ts';
import type { Proc } from '../lab/proc.ts';
import { createRun, type Run } from '../lab/run.ts';
import { besiege, ear, type Siege } from './hostile-edge.fixture.ts';
import { STORM } from './hostile-edge-storm.fixture.ts';
import { reported } from './one-machine.fixture.ts';

const ALLOW = '8080,8081,5353/udp,192.168.7.2:8088';
const FORWARDS: Forward[] = [
  { port: 20_001, host: '192.168.7.2', hostPort: 8088 },
  { port: 20_002, host: '192.168.7.2', hostPort: 22 },
  { port: 20_003, host: '127.0.0.1', hostPort: 3000 },
];
/** 22, 68, 9100 and two of the forwards are not the owner's will; 8082, which Docker publishes, is nobody's. */
const DECLARED: OriginConfig['origin'] = { ports: [22, 8080, 8081, 9100], udpPorts: [68, 5353], forwards: FORWARDS };
const OPEN = ['tcp 10.100.1.1:20001 on', 'tcp 10.100.1.1:8080 in', 'tcp 10.100.1.1:8081 on', 'udp 10.100.1.1:5353 on'];
const NEVER = ['tcp 10.100.1.1:22 in', 'tcp 10.100.1.1:8082 on', 'tcp 10.100.0.2:22 on', 'tcp 192.168.7.2:22 on'];

let run: Run;
let siege: Siege;
let agent: Proc;

beforeAll(async () => {
  run = createRun();
  siege = await besiege(run, ALLOW);
  agent = await siege.startAgent();
  await siege.offer('declared', siege.config({ origin: DECLARED }), reported('applied'));
  await siege.nft(ear(siege.tunnel));
}, 60_000);

afterAll(async () => {
  expect(await run.end()).toEqual([]);
}, 60_000);

/** All that the edge can think of; `endless`: until it is stopped. */
function storm(what: 'once' | 'all' | 'endless'): Proc {
  return siege.edge.start('storm', process.execPath, [STORM, what]);
}

async function hears(what: 'once' | 'all' = 'once'): Promise<string[]> {
  await siege.heard();
  // Of tens of thousands of datagrams at once the tunnel may lose one: what matters most is tried again.
  for (const one of new Set([what, 'once'] as const)) expect(await storm(one).ended(30_000)).toMatchObject({ code: 0 });
  await siege.edge.attempt('ping', ['-c1', '-W1', '-s', '3000', '10.100.1.1']);
  return siege.heard();
}

/** What is heard while the edge storms without a pause. */
async function hearsDuring(work: () => Promise<unknown>): Promise<string[]> {
  await siege.heard();
  const raging = storm('endless');
  await raging.ready(/storming/);
  await work();
  await raging.stop();
  return siege.heard();
}

async function ask(from: Host, address: string): Promise<string> {
  const { stdout } = await from.attempt('curl', ['-s', '-m', '2', '--noproxy', '*', `http://${address}/`]);
  return stdout;
}

/** What the owner's own people and programs reach. */
async function neighbours(): Promise<string[]> {
  const { lan, origin, container } = siege;
  return Promise.all([
    ask(lan, '192.168.7.7:22'),
    ask(lan, '192.168.7.7:8081'),
    ask(origin, '192.168.7.2:22'),
    ask(origin, '172.17.0.2:80'),
    ask(container, '192.168.7.2:8088'),
  ]);
}
const WELL = ['origin', 'container', 'lan', 'container', 'lan'];

describe('a hostile edge', () => {
  test('is heard where both sides allow it, and nowhere else of all ports, protocols and addresses', async () => {
    expect(await hears('all')).toEqual(OPEN);
    expect(await ask(siege.edge, '10.100.1.1:8080')).toBe('origin');
    expect(await ask(siege.edge, '10.100.1.1:8081')).toBe('container');
    expect(await neighbours()).toEqual(WELL);
  }, 60_000);

  test('is heard nowhere else while the agent is killed, is away, and comes back', async () => {
    expect(
      await hearsDuring(async () => {
        await agent.kill9();
        agent = await siege.startAgent();
      }),
    ).toEqual(OPEN);
  }, 60_000);

  test('is heard nowhere else while ports open and close', async () => {
    const few = siege.config({ origin: { ports: [8080, 9100] } });
    const all = siege.config({ origin: DECLARED });
    expect(
      await hearsDuring(async () => {
        for (const [turn, config] of [few, all, few, all].entries())
          await siege.offer(`turn-${turn}`, config, reported('applied'));
      }),
    ).toEqual(OPEN);
  }, 60_000);

  test('is heard for a moment when the owner reloads nftables, and cut off again', async () => {
    const table = `inet kokoa_${siege.tunnel}`;
    await agent.kill9();
    await siege.nft(`delete table ${table}`);
    // Without the filter: so the silence above means something.
    await expect.poll(() => hears(), { timeout: 20_000 }).toEqual(expect.arrayContaining(NEVER));
    agent = await siege.startAgent();
    expect(await hears()).toEqual(OPEN);
    await siege.nft(`delete table ${table}`);
    await expect
      .poll(() => siege.origin.attempt('nft', ['list', 'table', ...table.split(' ')]), { timeout: 5_000 })
      .toMatchObject({ exitCode: 0 });
    expect(await hears()).toEqual(OPEN);
  }, 60_000);
});

/** Signed by the keys that the origin trusts. */
const STOLEN: [string, () => NodeConfig, string][] = [
  ['all ports at once', () => siege.config({ origin: { ports: range(1, 4000) } }), reported('applied')],
  [
    'all ports of the LAN’s hosts',
    () => siege.config({ origin: { ports: [], forwards: everyForward() } }),
    reported('applied'),
  ],
  [
    'the LAN as the network of the tunnels',
    () => moved('192.168.7.0/24', '192.168.7.9'),
    reported('rolled_back', 'network_overlaps'),
  ],
  ['half of the LAN', () => moved('192.168.7.0/29', '192.168.7.1'), reported('rolled_back', 'network_overlaps')],
  [
    'every private network of that kind',
    () => moved('192.168.0.0/16', '192.168.66.1'),
    reported('rolled_back', 'network_overlaps'),
  ],
  ['the containers', () => moved('172.17.0.0/16', '172.17.0.9'), reported('rolled_back', 'network_overlaps')],
  ['everything', () => moved('0.0.0.0/0', '10.100.1.1'), reported('refused', 'network_not_private')],
  [
    'a peer at a LAN host',
    () => siege.config({ wireguard: { address: '10.100.1.1', peers: peersAt('192.168.7.2') } }),
    reported('refused', 'address_outside_network'),
  ],
  [
    'to be an edge',
    () => ({ ...edgeConfig('home', []), wireguard: siege.config().wireguard }),
    reported('refused', 'role_changed'),
  ],
  [
    'a forward to the internet',
    () => siege.config({ origin: { ports: [], forwards: [{ ...FORWARDS[0]!, host: '8.8.8.8' }] } }),
    reported('refused', 'forward_not_private'),
  ],
];

describe('stolen keys', () => {
  test.each(STOLEN)(
    'open nothing by declaring %s',
    async (_, config, expected) => {
      forged += 1;
      await siege.offer(`forged-${forged}`, config(), expected);
      expect((await hears()).filter((heard) => !OPEN.includes(heard))).toEqual([]);
      expect(await neighbours()).toEqual(WELL);
      expect((await siege.origin.exec('ss', ['-Hltn', 'sport', '=', ':80'])).stdout).toBe('');
    },
    60_000,
  );
});
let forged = 0;

function moved(wireguard: string, address: string): NodeConfig {
  return siege.config({ network: { wireguard }, wireguard: { address, peers: [] }, origin: { ports: [8080] } });
}

function peersAt(address: string) {
  return siege.config().wireguard.peers.map((peer, index) => (index === 0 ? { ...peer, address } : peer));
}

function everyForward(): Forward[] {
  const targets = [22, 80, 8080, 8088].flatMap((hostPort) =>
    ['192.168.7.2', '192.168.7.7', '172.17.0.2', '127.0.0.1'].map((host) => ({ host, hostPort })),
  );
  return targets.map((target, index) => ({ port: 20_001 + index, ...target }));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
