import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Peer, WireRoute } from '../bundle/config.ts';
import { nameOf, type Target } from './core/alternatives.ts';
import type { Counters } from './core/tunnel-health.ts';
import { createDeadTunnels } from './dead-tunnels.ts';
import { type LogLine, until } from './loop.fixture.ts';
import type { VerifiedBundle } from './ports/state.ts';
import { edgeBundle, routeOf } from './verified.fixture.ts';

// The clock of the judgement is real: a death takes a second.
const LOOK_MS = 100;
const HOME = { address: '10.100.1.1', port: 8080 };
const OFFICE = { address: '10.100.2.1', port: 80 };
const PEERS: Peer[] = [
  { node: 'home', publicKey: 'home-key', address: HOME.address },
  { node: 'office', publicKey: 'office-key', address: OFFICE.address },
];

/** A machine in memory: what is sent is counted, and answered by those who are there. */
function createWorld() {
  const counters = new Map<string, Counters>(PEERS.map(({ publicKey }) => [publicKey, { sent: 0, received: 0 }]));
  const world = {
    bundle: undefined as VerifiedBundle | undefined,
    silent: new Set<string>(),
    /** Bytes to each peer at every look. */
    traffic: 500,
    fails: {} as Partial<Record<'read' | 'refuse' | 'reset', string>>,
    reads: 0,
    knocks: [] as string[],
    refused: undefined as string[] | undefined,
    reset: [] as string[],
    told: [] as string[],
    lines: [] as LogLine[],
  };
  let interfaceSent = 0;
  const send = (peer: Peer, bytes: number) => {
    const before = counters.get(peer.publicKey)!;
    const answered = world.silent.has(peer.node) ? 0 : bytes;
    counters.set(peer.publicKey, { sent: before.sent + bytes, received: before.received + answered });
    interfaceSent += bytes;
  };
  const failing = (what: 'read' | 'refuse' | 'reset') => {
    if (world.fails[what] !== undefined) throw new Error(world.fails[what]);
  };
  const write = (level: LogLine['level']) => (fields: object, message: string) =>
    void world.lines.push({ level, message, fields: { ...fields } });
  const deadTunnels = createDeadTunnels({
    lookMs: LOOK_MS,
    told: (peers) => void world.told.push(...peers.map(({ node }) => node)),
    log: { info: write('info'), warn: write('warn') },
    meter: {
      async sent() {
        if (world.traffic > 0) for (const peer of PEERS) send(peer, world.traffic);
        return interfaceSent;
      },
      async read() {
        failing('read');
        world.reads += 1;
        return new Map(counters);
      },
    },
    async knock(target) {
      world.knocks.push(nameOf(target));
      send(PEERS.find(({ address }) => address === target.address)!, 96);
      if (world.silent.size > 0) throw new Error('silent');
    },
    connections: {
      async refuse(targets) {
        failing('refuse');
        world.refused = targets.map(nameOf);
      },
      async reset(targets) {
        failing('reset');
        world.reset.push(...targets.map(nameOf));
      },
    },
  });
  return { world, deadTunnels };
}

function bundleOf(...routes: { hostname: string; backends: Target[] }[]): VerifiedBundle {
  const bundle = edgeBundle(['a.test']);
  const wireguard = { ...bundle.config.wireguard, peers: PEERS };
  const full: WireRoute[] = routes.map((route) => ({ ...routeOf(route.hostname), ...route }));
  const configHash = routes.map(({ hostname }) => hostname).join('+');
  return {
    ...bundle,
    configHash,
    config: { ...bundle.config, wireguard },
    chunks: [{ routes: full }],
  } as VerifiedBundle;
}

const BOTH = bundleOf({ hostname: 'both.test', backends: [HOME, OFFICE] });
const ALONE = bundleOf({ hostname: 'alone.test', backends: [HOME] });

let world: ReturnType<typeof createWorld>['world'];
let stop: AbortController;
let ended: Promise<void>;

beforeEach(() => {
  const made = createWorld();
  world = made.world;
  stop = new AbortController();
  ended = made.deadTunnels.run(() => world.bundle, stop.signal);
});

afterEach(async () => {
  stop.abort();
  await ended;
});

const messages = () => world.lines.map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`);
const looks = async (count: number) => {
  const from = world.reads;
  await until(`${count} looks`, () => world.reads >= from + count);
};

describe('an origin that falls silent', () => {
  it('has its connections reset once, and new ones refused until it answers', async () => {
    world.bundle = BOTH;
    await looks(2);
    expect([world.reset, world.knocks, world.lines]).toEqual([[], [], []]);
    world.silent.add('home');
    await until('reset', () => world.reset.length > 0);
    expect(world.refused).toEqual(['10.100.1.1:8080']);
    world.traffic = 0;
    await looks(5);
    expect(world.reset).toEqual(['10.100.1.1:8080']);
    world.silent.clear();
    await until('no longer refused', () => world.refused?.length === 0);
    // Nothing but our own knocks brought it back.
    expect(new Set(world.knocks)).toEqual(new Set(['10.100.1.1:8080']));
    expect(messages()).toEqual(['a tunnel is dead {"node":"home"}', 'a dead tunnel is alive again {"node":"home"}']);
    expect(world.told).toEqual(['home']);
  });

  it('has its refusal renewed, because it wears off', async () => {
    world.bundle = BOTH;
    world.silent.add('home');
    await until('refused', () => world.refused?.length === 1);
    world.refused = undefined;
    await until('refused again', () => world.refused?.length === 1);
  });

  it('is left alone while nobody else can answer, and reset as soon as somebody can', async () => {
    world.bundle = BOTH;
    world.silent = new Set(['home', 'office']);
    await until('both found dead', () => world.lines.length === 2);
    await looks(3);
    expect([world.reset, world.refused]).toEqual([[], []]);
    world.silent.delete('office');
    await until('reset', () => world.reset.length > 0);
    expect(world.refused).toEqual(['10.100.1.1:8080']);
  });

  it('is forgotten with its route', async () => {
    world.bundle = BOTH;
    world.silent.add('home');
    await until('refused', () => world.refused?.length === 1);
    world.bundle = ALONE;
    await until('no longer refused', () => world.refused?.length === 0);
    const { reads } = world;
    world.knocks.length = 0;
    await new Promise((resolve) => setTimeout(resolve, 5 * LOOK_MS));
    expect([world.reads - reads, world.knocks]).toEqual([0, []]);
  });

  it('is refused no more when the agent ends', async () => {
    world.bundle = BOTH;
    world.silent.add('home');
    await until('refused', () => world.refused?.length === 1);
    stop.abort();
    await ended;
    expect(world.refused).toEqual([]);
  });
});

describe('nothing is read', () => {
  it('where no route has an alternative', async () => {
    world.bundle = ALONE;
    await new Promise((resolve) => setTimeout(resolve, 5 * LOOK_MS));
    expect([world.reads, world.lines]).toEqual([0, []]);
  });

  it('while nothing is sent', async () => {
    world.traffic = 0;
    world.bundle = BOTH;
    await new Promise((resolve) => setTimeout(resolve, 5 * LOOK_MS));
    expect(world.reads).toBe(1);
    world.traffic = 500;
    await looks(2);
  });
});

describe('what an agent before this one left', () => {
  it('is taken away at the start', () => until('taken away', () => world.refused?.length === 0));
});

describe('what fails', () => {
  it('is said once and tried again', async () => {
    world.bundle = BOTH;
    world.fails.read = 'wg is gone';
    await until('said', () => world.lines.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 5 * LOOK_MS));
    delete world.fails.read;
    await until('over', () => world.lines.length > 1);
    expect(messages()).toEqual([
      'cannot find dead tunnels or reset connections {"reason":"Error: wg is gone"}',
      'dead tunnels are found again {}',
    ]);
  });

  it('to refuse does not keep the connections from being reset', async () => {
    await until('started', () => world.refused !== undefined);
    world.bundle = BOTH;
    world.fails.refuse = 'no nft';
    world.silent.add('home');
    await until('reset', () => world.reset.length > 0);
    delete world.fails.refuse;
    await until('refused', () => world.refused?.length === 1);
  });
});
