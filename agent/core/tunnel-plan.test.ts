import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NodeConfig, Peer } from '../../bundle/config.ts';
import type { TunnelState, TunnelStep } from '../ports/tunnel.ts';
import type { Dialling } from './dialling.ts';
import { KEEPALIVE_SECONDS, peersLeftOut, planTunnel as plan, planKeys } from './tunnel-plan.ts';

const NONE = new Map<string, string>();
const DOWN: TunnelState = { up: false, listenPort: 0, peers: [] };

const NOW: Dialling = { nowSeconds: 1_800_000_000 };
const planTunnel = (
  wanted: NodeConfig,
  state: TunnelState,
  saved: ReadonlyMap<string, string>,
  dialling: Dialling = NOW,
) => plan(wanted, state, saved, dialling);

function key(seed: number): string {
  return Buffer.alloc(32, seed).toString('base64');
}

function peer(seed: number, more: Partial<Peer> = {}): Peer {
  return { node: `n${seed}`, publicKey: key(seed), address: `10.100.1.${seed}`, ...more };
}

function config(peers: Peer[], wireguard: Partial<NodeConfig['wireguard']> = {}): NodeConfig {
  return {
    format: 1,
    role: 'origin',
    node: 'home',
    network: { wireguard: '10.100.0.0/16' },
    wireguard: { address: '10.100.0.1', peers, ...wireguard },
    controlPlane: { urls: ['https://control.example'] },
    origin: { ports: [] },
  };
}

/** What wg and ip would make of the steps, written from wg(8): a claim of an address takes it from whoever had it. */
function carryOut(state: TunnelState, steps: readonly TunnelStep[]): TunnelState {
  const next = structuredClone(state);
  for (const step of steps) {
    if (step.kind === 'start') next.up = true;
    if (step.kind === 'address') next.address = step.address;
    if (step.kind === 'listenPort') next.listenPort = step.port;
    if (step.kind === 'removePeer') next.peers = next.peers.filter((known) => known.publicKey !== step.publicKey);
    if (step.kind !== 'setPeer') continue;
    for (const known of next.peers) {
      known.allowedIps = known.allowedIps.filter((ip) => !step.peer.allowedIps.includes(ip));
    }
    const known = next.peers.find((other) => other.publicKey === step.peer.publicKey);
    if (known) Object.assign(known, structuredClone(step.peer));
    else next.peers.push({ ...structuredClone(step.peer), latestHandshake: 0 });
  }
  return next;
}

const arbitraryPeers = fc
  .uniqueArray(fc.integer({ min: 2, max: 30 }), { maxLength: 12 })
  .chain((seeds) =>
    fc.tuple(
      fc.constant(seeds),
      fc.shuffledSubarray(seeds, { minLength: seeds.length }),
      fc.array(fc.boolean(), { minLength: seeds.length, maxLength: seeds.length }),
    ),
  )
  .map(([seeds, addresses, dials]) =>
    seeds.map((seed, index) =>
      peer(seed, {
        address: `10.100.1.${addresses[index]}`,
        ...(dials[index] && { endpoint: `198.51.100.${seed}:51820` }),
      }),
    ),
  );

const arbitraryConfig = fc
  .tuple(arbitraryPeers, fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }))
  .map(([peers, port]) => config(peers, port === undefined ? {} : { port }));

const arbitrarySaved = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 65_535 })))
  .map((entries) => new Map(entries.map(([seed, port]) => [key(seed), `203.0.113.${seed}:${port}`])));

describe('planTunnel', () => {
  test('nothing is left to do once a plan was carried out, from any earlier config', () => {
    fc.assert(
      fc.property(arbitraryConfig, arbitraryConfig, arbitrarySaved, (before, after, saved) => {
        const state = carryOut(DOWN, planTunnel(before, DOWN, saved));
        const changed = carryOut(state, planTunnel(after, state, saved));
        expect(planTunnel(after, changed, saved)).toEqual([]);
        expect(changed.peers.map((known) => known.publicKey).sort()).toEqual(
          after.wireguard.peers.map((wanted) => wanted.publicKey).sort(),
        );
        const claims = changed.peers.flatMap((known) => known.allowedIps);
        expect(new Set(claims).size).toBe(after.wireguard.peers.length);
      }),
    );
  });

  test('a peer that is the same before and after is never named', () => {
    fc.assert(
      fc.property(arbitraryConfig, arbitraryConfig, (before, after) => {
        const state = carryOut(DOWN, planTunnel(before, DOWN, NONE));
        const same = before.wireguard.peers.filter((old) =>
          after.wireguard.peers.some((wanted) => JSON.stringify(wanted) === JSON.stringify(old)),
        );
        const plan = JSON.stringify(planTunnel(after, state, NONE));
        for (const kept of same) expect(plan).not.toContain(kept.publicKey);
      }),
    );
  });

  test('from nothing it starts, then sets address, port and peers; only peers that are dialled get a keepalive', () => {
    const dialled = peer(2, { endpoint: '198.51.100.11:51820' });
    expect(planTunnel(config([dialled, peer(3)], { port: 51_820 }), DOWN, NONE)).toEqual([
      { kind: 'start' },
      { kind: 'address', address: '10.100.0.1/16' },
      { kind: 'listenPort', port: 51_820 },
      {
        kind: 'setPeer',
        peer: {
          publicKey: key(2),
          allowedIps: ['10.100.1.2/32'],
          keepaliveSeconds: KEEPALIVE_SECONDS,
          endpoint: '198.51.100.11:51820',
        },
      },
      { kind: 'setPeer', peer: { publicKey: key(3), allowedIps: ['10.100.1.3/32'], keepaliveSeconds: 0 } },
    ]);
  });

  test('a key that changes hands is removed before its address is given to the next one', () => {
    const state = carryOut(DOWN, planTunnel(config([peer(2)]), DOWN, NONE));
    const steps = planTunnel(config([peer(2, { publicKey: key(9) })]), state, NONE);
    expect(steps.map((step) => step.kind)).toEqual(['removePeer', 'setPeer']);
  });

  test('an endpoint that was learned stays, and a saved one comes back only to a peer without one', () => {
    const saved = new Map([[key(2), '203.0.113.5:4000']]);
    const learned = carryOut(DOWN, planTunnel(config([peer(2)]), DOWN, NONE));
    learned.peers[0]!.endpoint = '203.0.113.77:5000';
    expect(planTunnel(config([peer(2)]), learned, saved)).toEqual([]);
    const restarted = carryOut(DOWN, planTunnel(config([peer(2)]), DOWN, saved));
    expect(restarted.peers[0]?.endpoint).toBe('203.0.113.5:4000');
    const dialled = planTunnel(config([peer(2, { endpoint: '198.51.100.1:1' })]), DOWN, saved);
    expect(dialled.at(-1)).toMatchObject({ peer: { endpoint: '198.51.100.1:1' } });
  });

  describe('a peer that is dialled and heard from elsewhere', () => {
    const SEEN = '203.0.113.77:5000';
    const dialled = config([peer(2, { endpoint: '198.51.100.1:51820' })]);
    const moved = (secondsAgo: number): TunnelState => {
      const state = carryOut(DOWN, planTunnel(dialled, DOWN, NONE));
      Object.assign(state.peers[0]!, { endpoint: SEEN, latestHandshake: NOW.nowSeconds - secondsAgo });
      return state;
    };

    test('is no change as long as it is alive', () => {
      expect(planTunnel(dialled, moved(5), NONE)).toEqual([]);
    });

    test('goes back to where it is declared when it is silent, and stays there', () => {
      const steps = planTunnel(dialled, moved(181), NONE);
      expect(steps).toMatchObject([{ kind: 'setPeer', peer: { endpoint: '198.51.100.1:51820' } }]);
      expect(planTunnel(dialled, carryOut(moved(181), steps), NONE)).toEqual([]);
    });

    test('is left where it is by any other change of it', () => {
      const state = moved(5);
      state.peers[0]!.allowedIps = ['10.100.9.9/32'];
      const steps = planTunnel(dialled, state, NONE);
      expect(steps).toHaveLength(1);
      expect(carryOut(state, steps).peers[0]).toMatchObject({ endpoint: SEEN, allowedIps: ['10.100.1.2/32'] });
    });

    test('is left where it is when it comes to use its next key', () => {
      const twoKeys = config([peer(2, { endpoint: '198.51.100.1:51820', nextPublicKey: key(3) })]);
      const state = carryOut(DOWN, planTunnel(twoKeys, DOWN, NONE));
      Object.assign(state.peers[1]!, { endpoint: SEEN, latestHandshake: NOW.nowSeconds });
      const after = carryOut(
        state,
        planKeys(twoKeys, (one) => (one === key(3) ? NOW.nowSeconds : 0)),
      );
      expect(after.peers[1]).toMatchObject({ endpoint: SEEN, allowedIps: ['10.100.1.2/32'] });
      expect(planTunnel(twoKeys, after, NONE)).toEqual([]);
    });

    test('is dialled at once where git says since', () => {
      const other = config([peer(2, { endpoint: '198.51.100.2:51820' })]);
      const known = new Map([[key(2), { endpoint: '198.51.100.1:51820', atSeconds: 5 }]]);
      const steps = planTunnel(other, moved(5), NONE, { ...NOW, dialled: known });
      expect(steps).toMatchObject([{ kind: 'setPeer', peer: { endpoint: '198.51.100.2:51820' } }]);
    });
  });

  test('a change of a learned peer leaves its endpoint unnamed, so that wg keeps it', () => {
    const state = carryOut(DOWN, planTunnel(config([peer(2)]), DOWN, NONE));
    state.peers[0]!.endpoint = '203.0.113.77:5000';
    const [step] = planTunnel(config([peer(2, { address: '10.100.1.99' })]), state, NONE);
    expect(step).toEqual({
      kind: 'setPeer',
      peer: { publicKey: key(2), allowedIps: ['10.100.1.99/32'], keepaliveSeconds: 0 },
    });
  });

  test.each<[string, NodeConfig, RegExp]>([
    ['two peers with one address', config([peer(2), peer(3, { address: '10.100.1.2' })]), /claimed by n2 and by n3/],
    ['two peers with one key', config([peer(2), peer(3, { publicKey: key(2) })]), /claimed by n2 and by n3/],
    ["a peer with the node's own address", config([peer(2, { address: '10.100.0.1' })]), /claimed by home and by n2/],
    [
      'an address outside the network',
      config([peer(2, { address: '10.99.0.1' })]),
      /expected one inside 10.100.0.0\/16/,
    ],
    ['an address in octal', config([peer(2, { address: '10.100.01.2' })]), /expected one inside/],
    ['an address with a prefix', config([peer(2, { address: '10.100.1.2/8' })]), /expected one inside/],
    ['a network that is none', { ...config([]), network: { wireguard: '10.100.0.0' } }, /expected an IPv4 network/],
    ['more peers than the bound', config(Array.from({ length: 4097 }, () => peer(2))), /at most 4096/],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => planTunnel(wrong, DOWN, NONE)).toThrow(message);
  });

  test.each<[string, Partial<Peer>, RegExp]>([
    ['an endpoint that is a name', { endpoint: 'evil.example:1' }, /expected ip:port/],
    ['an endpoint that only looks like IPv6', { endpoint: '[1::2::3]:1' }, /expected ip:port/],
    ['an endpoint with port 0', { endpoint: '198.51.100.1:0' }, /expected ip:port/],
    ['a key of 31 bytes', { publicKey: Buffer.alloc(31).toString('base64') }, /public key is none/],
    ['an option as key', { publicKey: 'remove' }, /public key is none/],
    ['a next key that is none', { nextPublicKey: 'remove' }, /public key is none/],
    ["the node's own key", { publicKey: key(9) }, /that of this node/],
    ["the node's own key for its next", { nextPublicKey: key(9) }, /that of this node/],
  ])('leaves a peer with %s out alone, and removes it where it was', (_, mistake, reason) => {
    const own = key(9);
    const before = carryOut({ ...DOWN, publicKey: own }, planTunnel(config([peer(2), peer(3)]), DOWN, NONE));
    const wanted = config([peer(2, mistake), peer(3)]);
    const steps = planTunnel(wanted, before, NONE);
    expect(steps).toEqual([{ kind: 'removePeer', publicKey: key(2) }]);
    expect(planTunnel(wanted, carryOut(before, steps), NONE)).toEqual([]);
    expect(peersLeftOut(wanted, own)).toEqual([{ node: 'n2', reason: expect.stringMatching(reason) }]);
  });

  test('nobody is left out of a config without mistakes', () => {
    const fine = config([peer(2), peer(3, { endpoint: '[2001:db8::1]:51820' })]);
    expect([peersLeftOut(fine), peersLeftOut(fine, key(9))]).toEqual([[], []]);
  });
});

describe('a peer with two keys', () => {
  const [OLD, NEXT] = [key(2), key(3)];
  const twoKeys = (more: Partial<Peer> = {}) => config([peer(2, { nextPublicKey: NEXT, ...more })]);
  const made = (state: TunnelState, wanted = twoKeys()) => carryOut(state, planTunnel(wanted, state, NONE));
  const shake = (state: TunnelState, publicKey: string, latestHandshake: number): TunnelState => ({
    ...state,
    peers: state.peers.map((known) => (known.publicKey === publicKey ? { ...known, latestHandshake } : known)),
  });
  const holders = ({ peers }: TunnelState) =>
    peers.filter(({ allowedIps }) => allowedIps.length > 0).map(({ publicKey }) => publicKey);

  test.each<[string, number, number, string]>([
    ['none has shaken hands', 0, 0, OLD],
    ['the old key has', 100, 0, OLD],
    ['the next key has', 0, 100, NEXT],
    ['the next key was later', 100, 101, NEXT],
    ['both in one second, because the next key can only be the later one', 100, 100, NEXT],
    ['the old key is used again', 120, 100, OLD],
  ])('has its address at one of them: %s', (_, old, next, holder) => {
    const state = shake(shake(made(DOWN), OLD, old), NEXT, next);
    const moved = made(state);
    expect(holders(moved)).toEqual([holder]);
    expect(planTunnel(twoKeys(), moved, NONE)).toEqual([]);
    const latest = new Map([
      [OLD, old],
      [NEXT, next],
    ]);
    expect(
      holders(
        carryOut(
          state,
          planKeys(twoKeys(), (one) => latest.get(one)!),
        ),
      ),
    ).toEqual([holder]);
  });

  test('is dialled at the endpoint by both, and only the one in use keeps the way open', () => {
    const dialled = twoKeys({ endpoint: '198.51.100.2:51820' });
    const before = made(DOWN, dialled);
    const moved = made(shake(before, NEXT, 5), dialled);
    const seen = (state: TunnelState) =>
      state.peers.map(({ publicKey, endpoint, keepaliveSeconds }) => [publicKey, endpoint, keepaliveSeconds]);
    expect(seen(before)).toEqual([
      [OLD, '198.51.100.2:51820', KEEPALIVE_SECONDS],
      [NEXT, '198.51.100.2:51820', 0],
    ]);
    expect(seen(moved)).toEqual([
      [OLD, '198.51.100.2:51820', 0],
      [NEXT, '198.51.100.2:51820', KEEPALIVE_SECONDS],
    ]);
  });

  test('keeps its tunnel when the next key becomes its own: that peer is not touched, the old one goes', () => {
    const state = made(shake(made(DOWN), NEXT, 5));
    const steps = planTunnel(config([peer(2, { publicKey: NEXT })]), state, NONE);
    expect(steps).toEqual([{ kind: 'removePeer', publicKey: OLD }]);
  });

  test('loses only the next key when that was given up', () => {
    const steps = planTunnel(config([peer(2)]), made(DOWN), NONE);
    expect(steps).toEqual([{ kind: 'removePeer', publicKey: NEXT }]);
  });

  test('has two of its own: a next key that is another peer’s, or this node’s, is refused', () => {
    expect(() => planTunnel(config([peer(2, { nextPublicKey: NEXT }), peer(3)]), DOWN, NONE)).toThrow(
      expect.objectContaining({ code: 'bad_tunnel' }),
    );
    const own = { ...DOWN, publicKey: NEXT };
    expect(planTunnel(twoKeys(), own, NONE).some(({ kind }) => kind === 'setPeer')).toBe(false);
  });
});
