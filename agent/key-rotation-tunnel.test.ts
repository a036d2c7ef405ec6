// Keys are replaced on real tunnels (wireguard-go in namespaces, origins behind a NAT) under load: of an edge, then of an origin. The control
// plane is this test: it hands out what each node announces.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OriginConfig, Peer } from '../bundle/config.ts';
import { PUBLIC } from '../lab/addresses.ts';
import type { Host } from '../lab/namespace.ts';
import { buildNetwork } from '../lab/network.ts';
import { labMode } from '../lab/prerequisites.ts';
import { createRun, type Run } from '../lab/run.ts';
import { runProgram } from './adapters/program.ts';
import { openRotationDesk } from './adapters/rotation-desk.ts';
import { createWireguard } from './adapters/wireguard.ts';
import { openWireguardKeys } from './adapters/wireguard-keys.ts';
import { createKeyRotation } from './key-rotation.ts';
import { createNetwork } from './network.ts';
import { openPortsInMemory } from './open-ports.fixture.ts';
import { createPeerKeys } from './peer-keys.ts';
import type { RotationDesk } from './ports/rotation-desk.ts';
import { TUNNEL_VISITOR, toldBy } from './tunnel-visitor.fixture.ts';

const PORT = '8080';
const SERVICE = `require('node:http').createServer((_, response) => response.end('ok')).listen(${PORT}, () => console.log('listening'))`;
const WAIT = { timeout: 20_000, interval: 20 };

const mode = labMode();

describe.runIf(mode.mode === 'full')('a key on a tunnel that is in use', () => {
  let run: Run;
  const nodes: Node[] = [];
  const [edge1, edge2, home, office] = [0, 1, 2, 3].map((index) => () => nodes[index]!) as [At, At, At, At];

  beforeAll(async () => {
    run = createRun();
    const { hosts } = await buildNetwork(run);
    nodes.push(
      await openNode('edge-1', hosts['edge-1'], '10.100.0.1', 51_820),
      await openNode('edge-2', hosts['edge-2'], '10.100.0.2', 51_820),
      await openNode('home', hosts['origin-1'], '10.100.1.1'),
      await openNode('office', hosts['origin-2'], '10.100.2.1'),
    );
    await handOut();
    await hosts['origin-1'].start('service', process.execPath, ['-e', SERVICE]).ready(/listening/);
  }, 60_000);

  afterAll(async () => {
    for (const node of nodes) await node.stop();
    expect(await run?.end()).toEqual([]);
  }, 30_000);

  /** Everybody applies what the others announce now. */
  async function handOut(): Promise<void> {
    const [edges, origins] = [nodes.slice(0, 2), nodes.slice(2)];
    // Edges first: whoever dials an edge that does not know it yet is left without an answer for 5 s.
    await Promise.all(edges.map((edge) => edge.apply(origins)));
    await Promise.all(origins.map((origin) => origin.apply(edges)));
  }

  it.for([
    ['an edge', edge1, [home, office]],
    ['an origin', home, [edge1, edge2]],
  ] as const)('of %s is replaced, and nothing is lost', { timeout: 90_000 }, async ([, at, peers], { annotate }) => {
    const node = at();
    const before = node.keys.announced().wireguardPublicKey;
    const visitors = [edge1(), edge2()].map(({ host }) =>
      host.start('visitor', process.execPath, ['-e', TUNNEL_VISITOR, home().address, PORT]),
    );
    await Promise.all(visitors.map((visitor) => visitor.ready(/flows/, 20_000)));

    await node.desk.leaveWish('rotate');
    await expect.poll(() => node.keys.stage(), WAIT).toBe('announced');
    await handOut();
    const { nextWireguardPublicKey: publicKey = '' } = node.keys.announced();
    node.rotation.hear({ bound: true, rotation: { publicKey, kind: 'go' } });
    await expect.poll(async () => (await node.desk.progress())?.state, WAIT).toBe('confirmed');
    for (const peer of peers) await expect.poll(() => holderOf(peer(), node.address), WAIT).toBe(publicKey);
    await handOut();

    const told = await Promise.all(visitors.map(toldBy));
    await annotate(JSON.stringify(told));
    expect(told.map(({ failed }) => failed)).toEqual([[], []]);
    expect(node.keys.announced()).toEqual({ wireguardPublicKey: publicKey });
    expect((await node.tunnel.read()).publicKey).toBe(publicKey);
    for (const peer of peers) {
      const known = (await peer().tunnel.read()).peers.map((one) => one.publicKey);
      expect(known).toContain(publicKey);
      expect(known).not.toContain(before);
    }
  });

  it('that no peer knows is taken back, and nothing is lost but time', { timeout: 90_000 }, async () => {
    const node = office();
    const [visitor] = [edge1().host.start('visitor', process.execPath, ['-e', TUNNEL_VISITOR, home().address, PORT])];
    const before = node.keys.announced();
    await node.desk.leaveWish('rotate');
    await expect.poll(() => node.keys.stage(), WAIT).toBe('announced');
    const { nextWireguardPublicKey: publicKey = '' } = node.keys.announced();
    node.rotation.hear({ bound: true, rotation: { publicKey, kind: 'go' } });
    await expect.poll(async () => (await node.desk.progress())?.state, WAIT).toBe('failed');
    expect([node.keys.announced(), (await node.tunnel.read()).publicKey]).toEqual([before, before.wireguardPublicKey]);
    expect((await toldBy(visitor!)).failed).toEqual([]);
  });
});

type Node = Awaited<ReturnType<typeof openNode>>;
type At = () => Node;

async function openNode(name: string, host: Host, address: string, port?: number) {
  const directory = join(host.directory, 'state');
  mkdirSync(directory, { recursive: true });
  const keyFile = join(directory, 'wireguard.key');
  const makeKey = async () => (await runProgram(['wg', 'genkey'])).stdout.trim();
  writeFileSync(keyFile, `${await makeKey()}\n`, { mode: 0o600 });
  const spare = [await makeKey(), await makeKey()];
  const keys = await openWireguardKeys({ path: keyFile, make: () => spare.pop()! });
  const tunnel = createWireguard({
    ...{ interfaceName: host.wireguardInterface, keyFile, stateDir: directory, runDir: host.directory },
    commandPrefix: ['ip', 'netns', 'exec', host.namespace!],
  });
  const network = createNetwork({
    ...{ interfaceName: host.wireguardInterface, allow: [], agreed: '10.100.0.0/16', tunnel },
    ...{ ports: openPortsInMemory(), nowSeconds: () => Date.now() / 1000 },
    firewall: {
      apply: async () => undefined,
      remove: async () => undefined,
      matches: async () => true,
      droppedByOthers: async () => 0,
    },
    forwarding: {
      routing: { devices: async () => new Map(), networks: async () => [] },
      settings: { read: async () => ({ everywhere: false, on: [], own: [] }), apply: async () => undefined } as never,
    },
  });
  const desk: RotationDesk = openRotationDesk(directory);
  const log = { info: () => undefined, warn: () => undefined };
  const { handshakes } = tunnel;
  const rotation = createKeyRotation({ ...{ keys, network, handshakes, desk, log, now: Date.now }, answerMs: 6_000 });
  const stop = new AbortController();
  let config: OriginConfig | undefined;
  const ended = Promise.all([
    rotation.run(() => config !== undefined, stop.signal),
    createPeerKeys({ network, handshakes, log }).run(() => config, stop.signal),
  ]);
  return {
    ...{ name, host, address, keys, tunnel, desk, rotation },
    async apply(others: readonly { name: string; address: string; keys: typeof keys }[]): Promise<void> {
      const peers = others.map((other): Peer => {
        const { wireguardPublicKey, nextWireguardPublicKey: next } = other.keys.announced();
        const isEdge = other.name in PUBLIC && other.name.startsWith('edge');
        const endpoint = isEdge ? { endpoint: `${PUBLIC[other.name as 'edge-1'].ipv4}:51820` } : {};
        const key = { publicKey: wireguardPublicKey, ...(next && { nextPublicKey: next }) };
        return { node: other.name, ...key, address: other.address, ...endpoint };
      });
      config = {
        ...{ format: 1, role: 'origin', node: name, network: { wireguard: '10.100.0.0/16' } },
        wireguard: { address, peers, ...(port && { port }) },
        controlPlane: { urls: [] },
        origin: { ports: [] },
      };
      await network.apply(config);
    },
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

/** The key of the peer that has this address. */
async function holderOf(node: Node, address: string): Promise<string | undefined> {
  const { peers } = await node.tunnel.read();
  return peers.find(({ allowedIps }) => allowedIps.includes(`${address}/32`))?.publicKey;
}
