// What the network does when a key changes, its own or a peer's: in its turn, and nothing else.
import { beforeEach, expect, test } from 'vitest';
import type { OriginConfig, Peer } from '../bundle/config.ts';
import { createNetwork } from './network.ts';
import { openPortsInMemory } from './open-ports.fixture.ts';
import { createPeerKeys } from './peer-keys.ts';
import type { TunnelState, TunnelStep } from './ports/tunnel.ts';

const [OLD, NEXT, OTHER] = [2, 3, 4].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [
  string,
  string,
  string,
];
const EDGE: Peer = { node: 'tokyo-1', publicKey: OLD, nextPublicKey: NEXT, address: '10.100.0.1' };
const CONFIG: OriginConfig = {
  ...{ format: 1, role: 'origin', node: 'home', network: { wireguard: '10.100.0.0/16' } },
  wireguard: {
    address: '10.100.1.1',
    peers: [{ ...EDGE }, { node: 'osaka-1', publicKey: OTHER, address: '10.100.0.2' }],
  },
  controlPlane: { urls: ['https://control.example'] },
  origin: { ports: [] },
};

let state: TunnelState;
let steps: string[];
let network: ReturnType<typeof open>;

function open() {
  return createNetwork({
    ...{ interfaceName: 'kokoa0', allow: [], agreed: CONFIG.network.wireguard },
    ...{ ports: openPortsInMemory(), nowSeconds: () => 10 },
    tunnel: {
      read: async () => structuredClone(state),
      async apply(wanted) {
        for (const step of wanted) carryOut(step);
      },
      savedEndpoints: async () => new Map(),
    },
    forwarding: {
      routing: { devices: async () => new Map(), networks: async () => [] },
      settings: {
        read: async () => ({ everywhere: false, on: [], own: [], rpFilter: {} }) as never,
        apply: async () => undefined,
      } as never,
    },
    firewall: {
      apply: async () => undefined,
      remove: async () => undefined,
      matches: async () => true,
      droppedByOthers: async () => 0,
    },
  });
}

function carryOut(step: TunnelStep): void {
  if (step.kind === 'rekey') steps.push(`rekey ${step.peers.map(({ publicKey }) => nameOf(publicKey)).join(' ')}`);
  if (step.kind === 'start') state.up = true;
  if (step.kind === 'address') state.address = step.address;
  if (step.kind !== 'setPeer') return;
  const { publicKey, allowedIps } = step.peer;
  steps.push(`${nameOf(publicKey)} has ${allowedIps.join() || 'nothing'}`);
  for (const peer of state.peers) peer.allowedIps = peer.allowedIps.filter((one) => !allowedIps.includes(one));
  const known = state.peers.find((peer) => peer.publicKey === publicKey);
  if (known) Object.assign(known, step.peer);
  else state.peers.push({ ...step.peer, latestHandshake: 0 });
}

const nameOf = (key: string) => ({ [OLD]: 'old', [NEXT]: 'next', [OTHER]: 'other' })[key] ?? key;
const shake = (key: string, seconds: number) => {
  state.peers.find(({ publicKey }) => publicKey === key)!.latestHandshake = seconds;
};
const latest = () => new Map(state.peers.map(({ publicKey, latestHandshake }) => [publicKey, latestHandshake]));

beforeEach(async () => {
  state = { up: false, listenPort: 0, peers: [] };
  steps = [];
  network = open();
  await network.apply(CONFIG);
  expect(steps.splice(0)).toEqual(['old has 10.100.0.1/32', 'next has nothing', 'other has 10.100.0.2/32']);
});

test('a peer that shakes hands with its next key has its address there at once, and other peers are not named', async () => {
  shake(NEXT, 5);
  expect(await network.moveKeys(latest())).toEqual(['set peer tokyo-1', 'set peer tokyo-1']);
  expect(steps.splice(0)).toEqual(['next has 10.100.0.1/32', 'old has nothing']);
  expect(await network.followKeys()).toEqual([]);
  expect(await network.differs(CONFIG)).toBe(false);
});

test('that is no change by somebody else, and a changed peer beside it is', async () => {
  shake(NEXT, 5);
  expect(await network.differs(CONFIG)).toBe(false);
  expect(await network.followKeys()).toEqual(['set peer tokyo-1', 'set peer tokyo-1']);
  state.peers.find(({ publicKey }) => publicKey === OTHER)!.allowedIps = ['0.0.0.0/0'];
  expect(await network.followKeys()).toEqual([]);
  expect(await network.differs(CONFIG)).toBe(true);
});

test('an own key is changed in its turn: nobody sees the file without the interface', async () => {
  const order: string[] = [];
  const change = network.useKeyFile(async () => {
    order.push('file');
    await new Promise((resolve) => setTimeout(resolve, 10));
  });
  const look = network.differs(CONFIG).then(() => order.push('looked'));
  await Promise.all([change, look]);
  expect(order).toEqual(['file', 'looked']);
  expect(steps).toEqual(['rekey old other']);
});

test('a peer is followed by itself, and said once', async () => {
  const lines: unknown[] = [];
  const log = { info: (fields: object) => void lines.push(fields), warn: (fields: object) => void lines.push(fields) };
  const stop = new AbortController();
  const ended = createPeerKeys({ network, handshakes: async () => latest(), log }).run(() => CONFIG, stop.signal);
  await expect.poll(() => steps.length).toBeGreaterThan(0);
  shake(NEXT, 5);
  await expect.poll(() => steps.includes('next has 10.100.0.1/32')).toBe(true);
  stop.abort();
  await ended;
  expect(lines).toEqual([{ node: ['tokyo-1'] }]);
});

test('a config that cannot be carried out says nothing about whose key has which address', async () => {
  const bad = structuredClone(CONFIG);
  bad.wireguard.peers[1] = { node: 'osaka-1', publicKey: OTHER, nextPublicKey: OLD, address: '10.100.0.9' };
  await expect(network.apply(bad)).rejects.toMatchObject({ code: 'bad_tunnel' });
  shake(NEXT, 5);
  await network.moveKeys(latest());
  expect(steps).toEqual(['next has 10.100.0.1/32', 'old has nothing']);
});

test('a peer that goes to and fro for ever fills no log', async () => {
  let lines = 0;
  const count = () => {
    lines += 1;
  };
  const log = { info: count, warn: count };
  const stop = new AbortController();
  let second = 0;
  const handshakes = async () => {
    second += 1;
    shake(second % 2 === 0 ? NEXT : OLD, second + 5);
    return latest();
  };
  const ended = createPeerKeys({ network, handshakes, log }).run(() => CONFIG, stop.signal);
  await expect.poll(() => second, { timeout: 5_000 }).toBeGreaterThan(30);
  stop.abort();
  await ended;
  expect(lines).toBe(10);
});
