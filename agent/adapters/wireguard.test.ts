import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeConfig, Peer } from '../../bundle/config.ts';
import { PUBLIC } from '../../lab/addresses.ts';
import type { Host } from '../../lab/namespace.ts';
import { buildNetwork, type Network } from '../../lab/network.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { planTunnel } from '../core/tunnel-plan.ts';
import { publicKeyOf } from '../core/wireguard-key.ts';
import { findOwn } from './detached.ts';
import { runProgram } from './program.ts';
import { createWireguard, type Wireguard } from './wireguard.ts';

const PING_WITHIN_MS = 8_000;

interface Node {
  name: string;
  host: Host;
  tunnel: Wireguard;
  address: string;
  publicKey: string;
  directory: string;
  port?: number;
}

let run: Run;
let network: Network;
let [edge1, edge2, home, office]: Node[] = [];

beforeAll(async () => {
  run = createRun();
  network = await buildNetwork(run);
  const { hosts } = network;
  edge1 = await makeNode('edge-1', hosts['edge-1'], '10.100.0.1', 51_820);
  edge2 = await makeNode('edge-2', hosts['edge-2'], '10.100.0.2', 51_820);
  home = await makeNode('home', hosts['origin-1'], '10.100.1.1');
  office = await makeNode('office', hosts['origin-2'], '10.100.2.1');
}, 30_000);

afterAll(async () => {
  expect(await run.end()).toEqual([]);
}, 30_000);

async function makeNode(name: string, host: Host, address: string, port?: number): Promise<Node> {
  const directory = join(host.directory, 'state');
  mkdirSync(directory, { recursive: true });
  const keyFile = join(directory, 'wireguard.key');
  const { stdout } = await runProgram(['wg', 'genkey']);
  writeFileSync(keyFile, `${stdout}\n`, { mode: 0o600 });
  const tunnel = openTunnel(host, directory);
  return { name, host, tunnel, address, publicKey: publicKeyOf(stdout)!, directory, ...(port && { port }) };
}

/** As an agent that was just started would. */
function openTunnel(host: Host, directory: string): Wireguard {
  return createWireguard({
    interfaceName: host.wireguardInterface,
    keyFile: join(directory, 'wireguard.key'),
    stateDir: directory,
    runDir: host.directory,
    commandPrefix: ['ip', 'netns', 'exec', host.namespace!],
  });
}

/** Origins dial edges, as behind a NAT they must. */
function configOf(node: Node, others: Node[]): NodeConfig {
  const peers = others.map((other): Peer => {
    const { name, publicKey, address, port } = other;
    const dials = port !== undefined && node.port === undefined;
    const endpoint = `${PUBLIC[name as 'edge-1']?.ipv4}:${port}`;
    return { node: name, publicKey, address, ...(dials && { endpoint }) };
  });
  return {
    format: 1,
    role: 'origin',
    node: node.name,
    network: { wireguard: '10.100.0.0/16' },
    wireguard: { address: node.address, peers, ...(node.port && { port: node.port }) },
    controlPlane: { urls: [] },
    origin: { ports: [] },
  };
}

async function converge(node: Node, others: Node[]) {
  const config = configOf(node, others);
  const dialling = { nowSeconds: Date.now() / 1000 };
  const steps = planTunnel(config, await node.tunnel.read(), await node.tunnel.savedEndpoints(), dialling);
  await node.tunnel.apply(steps);
  return steps;
}

async function pings(from: Node, to: Node): Promise<boolean> {
  return (await from.host.attempt('ping', ['-c', '1', '-W', '1', '-q', to.address])).exitCode === 0;
}

/** Keepalives alone would take 15 s and more, so the bound tells them apart from saved endpoints. */
async function untilPing(from: Node, to: Node): Promise<void> {
  const deadline = performance.now() + PING_WITHIN_MS;
  while (!(await pings(from, to))) {
    if (performance.now() > deadline) throw new Error(`${from.name} does not reach ${to.name}`);
    await delay(50);
  }
}

async function killTunnel(node: Node): Promise<void> {
  const found = await findOwn((argv) => argv.at(-1) === node.host.wireguardInterface && argv[0] === 'wireguard-go');
  expect(found).toHaveLength(1);
  process.kill(found[0]!.pid, 'SIGKILL');
  await expect.poll(async () => (await node.tunnel.read()).up, { timeout: 2_000 }).toBe(false);
}

describe('two edges and two origins behind one NAT', () => {
  test('the tunnel comes up from nothing, and then nothing is left to do', async () => {
    for (const edge of [edge1!, edge2!]) {
      expect((await converge(edge, [home!])).map((step) => step.kind)).toEqual([
        'start',
        'address',
        'listenPort',
        'setPeer',
      ]);
    }
    await converge(home!, [edge1!, edge2!]);
    for (const edge of [edge1!, edge2!]) {
      await untilPing(home!, edge);
      expect(await pings(edge, home!)).toBe(true);
      expect(await converge(edge, [home!])).toEqual([]);
    }
    expect(await converge(home!, [edge1!, edge2!])).toEqual([]);
    const state = await edge1!.tunnel.read();
    expect(state).toMatchObject({
      up: true,
      address: '10.100.0.1/16',
      listenPort: 51_820,
      publicKey: edge1!.publicKey,
    });
    // The edge learned where the NAT is; nobody told it.
    expect(state.peers[0]?.endpoint).toMatch(new RegExp(`^${PUBLIC.nat.ipv4}:`));
    expect(Math.abs(Date.now() / 1000 - state.peers[0]!.latestHandshake)).toBeLessThan(30);
  }, 30_000);

  test('adding and removing a peer loses no ping to the other one', async () => {
    const steady = edge1!.host.exec('ping', ['-i', '0.02', '-c', '100', '-W', '1', '-q', home!.address]);
    await delay(300);
    expect((await converge(edge1!, [home!, office!])).map((step) => step.kind)).toEqual(['setPeer']);
    await converge(office!, [edge1!]);
    await untilPing(office!, edge1!);
    expect(await pings(edge1!, office!)).toBe(true);
    expect((await converge(edge1!, [home!])).map((step) => step.kind)).toEqual(['removePeer']);
    expect((await steady).stdout).toContain('100 packets transmitted, 100 received');
    expect(await pings(edge1!, office!)).toBe(false);
    expect(await edge1!.tunnel.savedEndpoints()).toEqual(new Map([[home!.publicKey, expect.any(String)]]));
  }, 30_000);

  test('a killed wireguard-go of an edge is seen, started again, and traffic returns at once from saved endpoints', async () => {
    await killTunnel(edge1!);
    // A new agent: what it knows of endpoints is what lies on disk.
    edge1 = { ...edge1!, tunnel: openTunnel(edge1!.host, edge1!.directory) };
    expect((await converge(edge1, [home!])).map((step) => step.kind)).toEqual([
      'start',
      'address',
      'listenPort',
      'setPeer',
    ]);
    await untilPing(edge1, home!);
    expect(await converge(edge1, [home!])).toEqual([]);
  }, 30_000);

  test('a killed wireguard-go of an origin dials again, and both edges reach it', async () => {
    await killTunnel(home!);
    await converge(home!, [edge1!, edge2!]);
    await untilPing(home!, edge1!);
    await untilPing(home!, edge2!);
    expect(await pings(edge1!, home!)).toBe(true);
    expect(await pings(edge2!, home!)).toBe(true);
  }, 30_000);

  test('a peer that is dialled and comes from another port is no change while it is alive', async () => {
    const [dialler, cloud] = [edge1!, edge2!];
    const declared = `${PUBLIC['edge-2'].ipv4}:${cloud.port}`;
    const config = configOf(dialler, [home!, cloud]);
    Object.assign(config.wireguard.peers[1]!, { endpoint: declared });
    const plan = async (nowSeconds: number) =>
      planTunnel(config, await dialler.tunnel.read(), await dialler.tunnel.savedEndpoints(), { nowSeconds });
    const seenAt = async () => (await dialler.tunnel.read()).peers.find(isCloud)?.endpoint;
    const isCloud = ({ publicKey }: { publicKey: string }) => publicKey === cloud.publicKey;
    await converge(cloud, [home!, dialler]);
    await dialler.tunnel.apply(await plan(Date.now() / 1000));
    await untilPing(dialler, cloud);
    expect(await seenAt()).toBe(declared);

    await cloud.host.exec('wg', ['set', cloud.host.wireguardInterface, 'listen-port', '4000']);
    await untilPing(cloud, dialler);
    expect(await seenAt()).toBe(`${PUBLIC['edge-2'].ipv4}:4000`);
    expect(await plan(Date.now() / 1000)).toEqual([]);
    expect(await pings(dialler, cloud)).toBe(true);

    // Silent for as long as no session lives: what is declared may be true again.
    const back = await plan(Date.now() / 1000 + 200);
    expect(back).toMatchObject([{ kind: 'setPeer', peer: { publicKey: cloud.publicKey, endpoint: declared } }]);
    await dialler.tunnel.apply(back);
    expect(await seenAt()).toBe(declared);
    await Promise.all([converge(dialler, [home!]), converge(cloud, [home!])]);
  }, 30_000);
});

describe('an interface that somebody changed', () => {
  const heal = (node: Node) => converge(node, [home!]);
  const device = (node: Node) => node.host.wireguardInterface;

  test.each<[string, (node: Node) => Promise<unknown>, string[]]>([
    ['a foreign peer', (node) => addForeignPeer(node), ['removePeer']],
    ['another MTU', (node) => node.host.exec('ip', ['link', 'set', 'dev', device(node), 'mtu', '9000']), ['start']],
    ['a link that is down', (node) => node.host.exec('ip', ['link', 'set', 'dev', device(node), 'down']), ['start']],
    ['another port', (node) => node.host.exec('wg', ['set', device(node), 'listen-port', '4000']), ['listenPort']],
    [
      'a second address',
      (node) => node.host.exec('ip', ['addr', 'add', '10.100.9.9/32', 'dev', device(node)]),
      ['address'],
    ],
    [
      'allowed addresses that are too wide',
      (node) => node.host.exec('wg', ['set', device(node), 'peer', home!.publicKey, 'allowed-ips', '0.0.0.0/0']),
      ['setPeer'],
    ],
    ['a foreign key', (node) => setForeignKey(node), ['start']],
  ])(
    '%s is put right, and nothing more',
    async (_, change, kinds) => {
      await change(edge2!);
      expect((await heal(edge2!)).map((step) => step.kind)).toEqual(kinds);
      expect(await heal(edge2!)).toEqual([]);
      await untilPing(home!, edge2!);
    },
    20_000,
  );

  async function addForeignPeer(node: Node) {
    const { stdout } = await runProgram(['wg', 'genkey']);
    await node.host.exec('wg', ['set', device(node), 'peer', publicKeyOf(stdout)!, 'allowed-ips', '10.100.66.6/32']);
  }

  async function setForeignKey(node: Node) {
    const file = join(node.directory, 'foreign.key');
    writeFileSync(file, (await runProgram(['wg', 'genkey'])).stdout, { mode: 0o600 });
    await node.host.exec('wg', ['set', device(node), 'private-key', file]);
  }
});

describe('refusals and the end', () => {
  test('the private key stands in no argument and in no log', async () => {
    const key = readFileSync(join(edge2!.directory, 'wireguard.key'), 'utf8').trim();
    const holders = await findOwn((argv) => argv.some((argument) => argument.includes(key)));
    expect(holders).toEqual([]);
    expect(readFileSync(join(edge2!.host.directory, `${edge2!.host.wireguardInterface}.log`), 'utf8')).not.toContain(
      key,
    );
  });

  test('a name that a wireguard-go in another namespace has is refused', async () => {
    const clash = createWireguard({
      interfaceName: edge2!.host.wireguardInterface,
      keyFile: join(home!.directory, 'wireguard.key'),
      stateDir: home!.directory,
      runDir: home!.directory,
      commandPrefix: ['ip', 'netns', 'exec', network.hosts.client.namespace!],
    });
    expect((await clash.read()).up).toBe(false);
    await expect(clash.apply([{ kind: 'start' }])).rejects.toMatchObject({ code: 'tunnel_name_taken' });
    await clash.remove();
    expect((await edge2!.tunnel.read()).up).toBe(true);
  });

  test('an interface that is not WireGuard is left alone', async () => {
    const { client } = network.hosts;
    const prefix = ['ip', 'netns', 'exec', client.namespace!];
    const files = {
      keyFile: join(home!.directory, 'wireguard.key'),
      stateDir: home!.directory,
      runDir: home!.directory,
    };
    const wrong = createWireguard({ interfaceName: 'eth0', ...files, commandPrefix: prefix });
    await expect(wrong.apply([{ kind: 'start' }])).rejects.toMatchObject({ code: 'tunnel_name_taken' });
    await wrong.remove();
    expect((await client.exec('ip', ['addr', 'show', 'dev', 'eth0'])).stdout).toContain(PUBLIC.client.ipv4);
  });

  test.each(['', 'a'.repeat(16), '-f', 'a/b', 'a b', '0'])('the interface name %j is refused', (interfaceName) => {
    const make = () => createWireguard({ interfaceName, keyFile: 'k', stateDir: '.', runDir: '.' });
    expect(make).toThrow(expect.objectContaining({ code: 'bad_interface_name' }));
  });

  test('remove takes interface, process and socket away, and may be repeated', async () => {
    await office!.tunnel.remove();
    await office!.tunnel.remove();
    expect((await office!.tunnel.read()).up).toBe(false);
    expect(await findOwn((argv) => argv.at(-1) === office!.host.wireguardInterface)).toEqual([]);
  });
});
