import { beforeEach, describe, expect, it } from 'vitest';
import type { Forward, NodeConfig } from '../bundle/config.ts';
import { KokoaError } from '../bundle/error.ts';
import { parseAllowList } from './core/allow-list.ts';
import { LINGER_MS } from './core/closing-ports.ts';
import type { OwnNetwork } from './core/networks-overlap.ts';
import { createNetwork, type Network } from './network.ts';
import { openPortsInMemory } from './open-ports.fixture.ts';
import type { OpenPorts } from './open-ports.ts';
import type { Firewall } from './ports/firewall.ts';
import type { KernelSetting, OwnSetting } from './ports/kernel-settings.ts';
import type { TunnelState, TunnelStep } from './ports/tunnel.ts';
import { edgeBundle, originBundle } from './verified.fixture.ts';

const CONFIG = edgeBundle(['a.test']).config;
const WITH_OFFICE = edgeBundle(['a.test'], { peers: ['office'] }).config;
const HOME_KEY = `${'A'.repeat(43)}=`;
const STRANGER = `${'C'.repeat(42)}E=`;

let events: string[];
let state: TunnelState;
let filter: string | undefined;
let fail: { firewall?: boolean; firewallLate?: boolean; tunnel?: boolean; settings?: boolean };
let kernel: { on: readonly KernelSetting[]; own: readonly OwnSetting[] };
let network: Network;
let firewall: Firewall;
let ports: OpenPorts;
let nowMs = 0;
let nowSeconds = 1_800_000_000;
/** What the machine reaches without the tunnel. */
let lan: OwnNetwork[];

/** A kernel in memory that does what the steps say. */
function carryOut(step: TunnelStep): void {
  events.push(step.kind);
  switch (step.kind) {
    case 'start':
      state.up = true;
      break;
    case 'address':
      state.address = step.address;
      break;
    case 'listenPort':
      state.listenPort = step.port;
      break;
    case 'setPeer':
      state.peers = [
        ...state.peers.filter(({ publicKey }) => publicKey !== step.peer.publicKey),
        { ...step.peer, latestHandshake: 0 },
      ];
      break;
    case 'removePeer':
      state.peers = state.peers.filter(({ publicKey }) => publicKey !== step.publicKey);
  }
}

beforeEach(() => {
  events = [];
  state = { up: false, listenPort: 0, peers: [] };
  filter = undefined;
  fail = {};
  lan = [{ network: '192.168.1.0/24', device: 'eth0' }];
  kernel = { on: [], own: [] };
  firewall = createFirewall();
  ports = openPortsInMemory(() => nowMs);
  network = open();
});

function open(agreed?: string): Network {
  return createNetwork({
    interfaceName: 'kokoa0',
    agreed,
    allow: parseAllowList('8080,192.168.1.20:80,53/udp,192.168.1.20:53/udp'),
    ports,
    nowSeconds: () => nowSeconds,
    tunnel: {
      async read() {
        events.push('read');
        return structuredClone(state);
      },
      async apply(steps) {
        for (const step of steps) {
          if (fail.tunnel) throw new KokoaError('tunnel_failed', 'no tun');
          carryOut(step);
        }
      },
      savedEndpoints: async () => new Map(),
    },
    forwarding: {
      routing: { devices: async (hosts) => new Map(hosts.map((host) => [host, 'eth0'])), networks: async () => lan },
      settings: {
        read: async (asked) => ({
          everywhere: false,
          on: kernel.on.filter(isOneOf([...asked, ...kernel.own])),
          own: kernel.own,
        }),
        async turn(to, settings, own) {
          if (fail.settings) throw new KokoaError('kernel_setting_failed', 'read-only');
          events.push(...settings.map(({ interfaceName, name }) => `${interfaceName} ${name} ${to}`));
          kernel.on = [...kernel.on.filter((one) => !isOneOf(settings)(one)), ...(to === 'on' ? settings : [])];
          kernel.own = own;
        },
      },
    },
    firewall,
  });
}

const createFirewall = (): Firewall => ({
  async apply(ruleset) {
    if (fail.firewall) throw new KokoaError('firewall_failed', 'no nft');
    events.push('filter');
    filter = ruleset;
    if (fail.firewallLate) throw new KokoaError('firewall_failed', 'cannot read it back');
  },
  matches: async () => filter !== undefined,
  droppedByOthers: async () => 0,
  async remove() {
    filter = undefined;
  },
});

const isOneOf = (settings: readonly KernelSetting[]) => (one: KernelSetting) =>
  settings.some(({ interfaceName, name }) => interfaceName === one.interfaceName && name === one.name);

/** What happened since the last time. */
const happened = () => events.splice(0);

describe('applying', () => {
  it('sets the packet filter before there is a peer, and says what it did', async () => {
    expect(await network.apply(CONFIG)).toEqual([
      'packet filter',
      'started the tunnel',
      'address 10.100.0.1/16',
      'listen port 51820',
      'set peer home',
    ]);
    expect(happened()).toEqual(['filter', 'read', 'start', 'address', 'listenPort', 'setPeer']);
  });

  it('reads and writes nothing when nothing about the network differs', async () => {
    await network.apply(CONFIG);
    happened();
    expect(await network.apply(edgeBundle(['a.test', 'b.test']).config)).toEqual([]);
    expect(happened()).toEqual([]);
  });

  it('names the peer that it removes, and a stranger by the beginning of its key', async () => {
    await network.apply(WITH_OFFICE);
    expect(await network.apply(CONFIG)).toEqual(['packet filter', 'removed peer office']);
    state.peers.push({ publicKey: STRANGER, allowedIps: ['10.100.9.9/32'], keepaliveSeconds: 0, latestHandshake: 0 });
    expect(await network.repair(CONFIG)).toEqual(['removed peer key CCCCCCCC…']);
  });

  it('sets no peer when the filter cannot be set', async () => {
    fail.firewall = true;
    await expect(network.apply(CONFIG)).rejects.toMatchObject({ code: 'firewall_failed' });
    expect(happened()).toEqual([]);
    fail.firewall = false;
    await network.apply(CONFIG);
    expect(state.peers).toHaveLength(1);
  });

  it('believes nothing after a failure: the same config is applied again', async () => {
    fail.tunnel = true;
    await expect(network.apply(CONFIG)).rejects.toMatchObject({ code: 'tunnel_failed' });
    fail.tunnel = false;
    await network.apply(CONFIG);
    expect(state.peers.map(({ publicKey }) => publicKey)).toEqual([HOME_KEY]);
  });

  it('does not take a filter for the old one when setting the new one failed', async () => {
    await network.apply(CONFIG);
    const before = filter;
    fail.firewallLate = true;
    await expect(network.apply(WITH_OFFICE)).rejects.toMatchObject({ code: 'firewall_failed' });
    fail.firewallLate = false;
    await network.apply(CONFIG);
    expect(filter).toBe(before);
  });

  it('goes back after a change that failed half-way', async () => {
    await network.apply(CONFIG);
    fail.tunnel = true;
    await expect(network.apply(WITH_OFFICE)).rejects.toThrow();
    fail.tunnel = false;
    const before = filter;
    await network.apply(CONFIG);
    expect([filter === before, filter?.includes('10.100.2.1')]).toEqual([false, false]);
  });

  it('opens on an origin what a route declares and the owner allows, and nothing else', async () => {
    await network.apply(originBundle([8080, 9000]).config);
    expect([filter?.includes('8080'), filter?.includes('9000')]).toEqual([true, false]);
  });
});

describe('by UDP', () => {
  const LAN: Forward = { protocol: 'udp', port: 20_001, host: '192.168.1.20', hostPort: 53 };
  const at = (origin: object) => ({ ...originBundle([]).config, origin: { ports: [], ...origin } }) as NodeConfig;

  it.each([
    ['a port', { udpPorts: [53, 8080] }, 'set udp_ports { type inet_service; elements = { 53 }; }'],
    ['a forward', { forwards: [LAN] }, 'elements = { 20001 . 192.168.1.20 . 53 }'],
  ])('%s opens when a config comes to declare it, and closes when its time is over', async (_, origin, open) => {
    await network.apply(at({}));
    expect(await network.apply(at(origin))).toContain('packet filter');
    expect(filter).toContain(open);
    await network.apply(at({}));
    expect([filter?.includes(open), network.hasPortsToClose()]).toEqual([true, false]);
    nowMs += LINGER_MS;
    expect(network.hasPortsToClose()).toBe(true);
    await network.repair(at({}));
    expect([filter?.includes('udp'), network.hasPortsToClose()]).toEqual([false, false]);
  });
});

describe('drift', () => {
  const drifts: [string, () => void][] = [
    ['a killed tunnel', () => Object.assign(state, { up: false, peers: [] })],
    ['a peer that somebody removed', () => Object.assign(state, { peers: [] })],
    [
      'a peer that somebody added',
      () =>
        state.peers.push({
          publicKey: STRANGER,
          allowedIps: ['10.100.9.9/32'],
          keepaliveSeconds: 0,
          latestHandshake: 0,
        }),
    ],
    ['another address', () => Object.assign(state, { address: '10.100.0.9/16' })],
  ];

  it.each(drifts)('%s: is seen by looking, and repaired', async (_, drift) => {
    await network.apply(CONFIG);
    expect(await network.differs(CONFIG)).toBe(false);
    drift();
    happened();
    expect(await network.differs(CONFIG)).toBe(true);
    expect(happened()).toEqual(['read']);
    expect((await network.repair(CONFIG)).length).toBeGreaterThan(0);
    expect([await network.differs(CONFIG), await network.repair(CONFIG)]).toEqual([false, []]);
  });

  it('is not where a peer that is dialled was heard last, until it falls silent; another declaration counts at once', async () => {
    const at = (endpoint: string): NodeConfig => {
      const [home] = CONFIG.wireguard.peers;
      return { ...CONFIG, wireguard: { ...CONFIG.wireguard, peers: [{ ...home!, endpoint }] } };
    };
    const [first, second, seen] = ['198.51.100.1:51820', '198.51.100.2:51820', '203.0.113.9:4000'];
    const hear = (secondsAgo: number) =>
      Object.assign(state.peers[0]!, { endpoint: seen, latestHandshake: nowSeconds - secondsAgo });
    await network.apply(at(first));
    hear(5);
    expect([await network.differs(at(first)), await network.repair(at(first))]).toEqual([false, []]);

    fail.tunnel = true;
    await expect(network.apply(at(second))).rejects.toThrow();
    fail.tunnel = false;
    expect(await network.apply(at(second))).toEqual(['set peer home']);
    expect(state.peers[0]!.endpoint).toBe(second);

    hear(5);
    nowSeconds += 1_000;
    expect(await network.differs(at(second))).toBe(true);
    // Nobody changed anything: it is dialled again, and that is not said.
    expect([await network.repair(at(second)), state.peers[0]!.endpoint]).toEqual([[], second]);
    hear(1_000);
    expect(await network.differs(at(second))).toBe(false);
  });

  it('of the packet filter is put back', async () => {
    expect(await network.restoreFilter()).toEqual([]);
    await network.apply(CONFIG);
    const before = filter;
    filter = undefined;
    expect([await network.restoreFilter(), filter]).toEqual([['packet filter'], before]);
    expect(await network.restoreFilter()).toEqual([]);
  });

  it('of the packet filter is put back in its turn: never an old one over a newer, never in the midst of a change', async () => {
    await network.apply(CONFIG);
    const gate = Promise.withResolvers<void>();
    const { apply } = firewall;
    firewall.apply = async (ruleset) => {
      events.push('begins');
      await gate.promise;
      await apply(ruleset);
    };
    happened();
    filter = undefined;
    const changes = Promise.all([network.restoreFilter(), network.apply(WITH_OFFICE), network.restoreFilter()]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(happened()).toEqual(['begins']);
    gate.resolve();
    expect(await changes).toEqual([['packet filter'], ['packet filter', 'set peer office'], []]);
    expect(filter).toContain('10.100.2.1');
  });
});

describe('a reading', () => {
  it('is remembered for reports', async () => {
    expect(network.seen()).toBeUndefined();
    await network.apply(CONFIG);
    await network.read();
    expect(network.seen()?.peers).toHaveLength(1);
  });

  it('of a config that no tunnel can be made of is refused as the bundle’s fault', async () => {
    const bad: NodeConfig = { ...CONFIG, wireguard: { ...CONFIG.wireguard, address: '192.0.2.1' } };
    await expect(network.apply(bad)).rejects.toMatchObject({ code: 'bad_tunnel' });
  });
});

describe('ports that no route declares any more', () => {
  it('stay open while edges turn away from them, and close when their time is over', async () => {
    const at = (ports: number[]): NodeConfig => ({ ...originBundle([8080]).config, origin: { ports } }) as NodeConfig;
    await network.apply(at([8080]));
    await network.apply(at([]));
    expect([filter?.includes('8080'), network.hasPortsToClose()]).toEqual([true, false]);
    nowMs += LINGER_MS;
    expect(network.hasPortsToClose()).toBe(true);
    await network.repair(at([]));
    expect([filter?.includes('8080'), network.hasPortsToClose()]).toEqual([false, false]);
  });
});

describe('forwards', () => {
  const LAN = { port: 20_001, host: '192.168.1.20', hostPort: 80 };
  const at = (forwards: Forward[]): NodeConfig =>
    ({ ...originBundle([]).config, origin: { ports: [], ...(forwards.length > 0 && { forwards }) } }) as NodeConfig;

  it('are turned on after the filter stands and the tunnel is there, and off before the filter lets go', async () => {
    await network.apply(at([]));
    happened();
    await network.apply(at([LAN]));
    expect(happened()).toEqual(['filter', 'read', 'kokoa0 forwarding on', 'eth0 forwarding on']);
    await network.apply(at([]));
    nowMs += LINGER_MS;
    happened();
    await network.repair(at([]));
    expect(happened()).toEqual(['eth0 forwarding off', 'kokoa0 forwarding off', 'filter', 'read']);
    expect(kernel).toEqual({ on: [], own: [] });
  });

  it('linger like ports, and close when their time is over', async () => {
    await network.apply(at([LAN]));
    await network.apply(at([]));
    expect([filter?.includes('20001'), network.hasPortsToClose()]).toEqual([true, false]);
    nowMs += LINGER_MS;
    expect(network.hasPortsToClose()).toBe(true);
    await network.repair(at([]));
    expect([filter?.includes('20001'), network.hasPortsToClose()]).toEqual([false, false]);
  });

  it('that the kernel refuses keep nothing else back, are seen as a difference, and repairing says why', async () => {
    fail.settings = true;
    expect(await network.apply(at([LAN]))).toContain('set peer home');
    expect(state.up).toBe(true);
    expect(await network.differs(at([LAN]))).toBe(true);
    await expect(network.repair(at([LAN]))).rejects.toMatchObject({ code: 'kernel_setting_failed' });
    fail.settings = false;
    expect(await network.repair(at([LAN]))).toEqual(['kernel settings for forwards']);
    expect(await network.differs(at([LAN]))).toBe(false);
  });

  it('that the owner does not allow touch nothing of the kernel', async () => {
    await network.apply(at([{ ...LAN, hostPort: 81 }]));
    expect([filter?.includes('20001'), kernel.own]).toEqual([false, []]);
  });
});

describe('the filter', () => {
  it.each([
    ['an origin', originBundle([8080]).config],
    ['an edge', CONFIG],
  ])('of %s is looked at every time, and put back', async (_, config) => {
    await network.apply(config);
    const before = filter;
    filter = undefined;
    expect(await network.differs(config)).toBe(true);
    expect(await network.repair(config)).toEqual(['packet filter']);
    expect(filter).toBe(before);
  });
});

describe('the network of the tunnels', () => {
  const over = (network: string, address: string): NodeConfig => ({
    ...originBundle([]).config,
    network: { wireguard: network },
    wireguard: { address, peers: [] },
  });

  it.each([
    ['the LAN', '192.168.1.0/24', '192.168.1.9'],
    ['half of the LAN', '192.168.1.0/25', '192.168.1.9'],
    ['all that may be the LAN', '192.168.0.0/16', '192.168.7.9'],
  ])('never lies over %s, and nothing is touched', async (_, wireguard, address) => {
    await network.apply(CONFIG);
    const before = structuredClone([state, filter]);
    await expect(network.apply(over(wireguard, address))).rejects.toMatchObject({
      code: 'network_overlaps',
      message: expect.stringContaining('192.168.1.0/24 on eth0'),
    });
    expect([state, filter]).toEqual(before);
    expect(await network.apply(CONFIG)).toEqual([]);
  });

  describe.each<[string, () => void]>([
    ['in force', () => undefined],
    [
      'in force since before a restart of the agent',
      () => {
        network = open();
      },
    ],
  ])('%s', (_, restart) => {
    const at = (ports: number[], peers = CONFIG.wireguard.peers): NodeConfig => ({
      ...originBundle([8080]).config,
      ...{ role: 'origin', origin: { ports }, wireguard: { address: '10.100.0.1', peers } },
    });

    it('still closes ports and lets nobody in who was revoked, whatever the machine came to reach', async () => {
      await network.apply(at([8080]));
      await network.apply(at([]));
      lan = [{ network: '10.100.5.0/24', device: 'docker0' }];
      restart();
      await network.apply(at([]));
      nowMs += LINGER_MS;
      await network.repair(at([]));
      expect(filter).not.toContain('8080');
      expect(await network.apply(at([], []))).toContain('removed peer home');
      expect(state.peers).toEqual([]);
    });

    it('lets no other lie over what the machine reaches', async () => {
      await network.apply(at([]));
      restart();
      await expect(network.apply(over('192.168.1.0/24', '192.168.1.9'))).rejects.toMatchObject({
        code: 'network_overlaps',
      });
      expect(state.address).toBe('10.100.0.1/16');
    });
  });

  it('may, where its owner agreed to it at join', async () => {
    network = open('192.168.0.0/16');
    await network.apply(over('192.168.0.0/16', '192.168.7.9'));
    expect(state.address).toBe('192.168.7.9/16');
    await expect(network.apply(over('192.168.1.0/24', '192.168.1.9'))).rejects.toMatchObject({
      code: 'network_overlaps',
    });
  });
});
