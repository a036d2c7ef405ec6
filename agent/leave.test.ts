// `kokoa-agent leave` on a real machine: what was there before the agent came is there afterwards, and nothing else.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeConfig } from '../bundle/config.ts';
import { edgeConfig } from '../bundle/installation.fixture.ts';
import { addHost, type Host, ip } from '../lab/namespace.ts';
import { processesIn } from '../lab/process-table.ts';
import { createRun, type Run } from '../lab/run.ts';
import { leave } from './leave.ts';
import { type OneMachine, openMachine } from './one-machine.fixture.ts';

let run: Run;
let host: Host;
let machine: OneMachine;
let states = 0;

const wireguard = {
  address: '10.100.1.1',
  peers: [{ node: 'x', publicKey: `${'A'.repeat(43)}=`, address: '10.100.0.1' }],
};
const EDGE: NodeConfig = { ...edgeConfig('tokyo-1', []), wireguard };
const ORIGIN = {
  ...(({ edge: _, ...base }) => base)(edgeConfig('home', [])),
  ...{ wireguard, role: 'origin' },
  origin: {
    ports: [8080],
    forwards: [
      { port: 20_001, host: '192.168.7.2', hostPort: 80 },
      { port: 20_002, host: '127.0.0.1', hostPort: 3000 },
    ],
  },
} as NodeConfig;

beforeAll(async () => {
  run = createRun();
  host = await addHost(run, 'machine');
  // Addresses that the kernel makes by itself, some time later, are nobody's left-overs.
  await host.exec('tee', ['/proc/sys/net/ipv6/conf/all/disable_ipv6'], { input: '1' });
  await ip(
    ['-n', host.namespace!, '-batch', '-'],
    'link add lan0 type veth peer name far0\nlink set far0 up\naddr add 192.168.7.7/24 dev lan0\nlink set lan0 up\n',
  );
  await host.exec('nft', ['-f', '-'], {
    input: 'table inet mine { chain in { type filter hook input priority 0; tcp dport 25 drop; }; }',
  });
  machine = await openMachine(run, host, EDGE);
}, 90_000);

afterAll(async () => {
  expect(await run.end()).toEqual([]);
}, 180_000);

/** Everything that an agent could leave, but its state. */
async function snapshot() {
  const { namespace, directory } = host;
  const text = async (file: string, args: string[]) => (await host.exec(file, args)).stdout;
  const [ruleset, links, routes, settings] = await Promise.all([
    text('nft', ['list', 'ruleset']),
    text('ip', ['-br', 'addr']),
    text('ip', ['route', 'show', 'table', 'all']),
    text('grep', ['-r', '', '/proc/sys/net/ipv4/conf', '--include=forwarding', '--include=route_localnet']),
  ]);
  const processes = processesIn([namespace!])
    .map(({ pid }) => pid)
    .sort();
  const files = readdirSync(directory)
    .filter((name) => !name.endsWith('.log'))
    .sort();
  const sockets = readdirSync('/var/run/wireguard').filter((name) => name.startsWith(host.wireguardInterface));
  return { ruleset, links, routes, settings: settings.split('\n').sort(), processes, files, sockets };
}

const newState = () => join(host.directory, `state-${++states}`);

async function joined(config: NodeConfig, more: string[] = []): Promise<string> {
  const stateDir = newState();
  machine.put(`join-${states}`, config);
  const args = [...more, '--interface', host.wireguardInterface];
  expect(await machine.join(stateDir, config.node, args)).toMatchObject({ exitCode: 0 });
  return stateDir;
}

const ALLOW = ['--allow', '8080,192.168.7.2:80,127.0.0.1:3000'];

const UNDONE = [/^removed the tunnel /m, /^removed the packet filter table inet /m];

describe('leaving', () => {
  test('an edge takes everything with it, and the second time there is nothing', async () => {
    const before = await snapshot();
    const stateDir = await joined(EDGE);
    const agent = await machine.run(stateDir);
    expect(await machine.command(stateDir, ['leave', '--yes'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/is running;\s+nothing was touched\s+\(state_in_use\)/),
    });
    await agent.stop();
    // Left behind by an agent that was killed; one that runs takes it away itself.
    await host.exec('nft', ['add', 'table', 'ip', `kokoa_${host.wireguardInterface}_dead`]);
    const during = await snapshot();
    for (const part of ['ruleset', 'links', 'processes', 'files', 'sockets'] as const)
      expect(during[part]).not.toEqual(before[part]);

    const { exitCode, stdout } = await machine.command(stateDir, ['leave'], { input: 'tokyo-1\n' });
    expect(exitCode).toBe(0);
    const done = [
      /^ended nginx: \d+ processes$/m,
      ...UNDONE,
      /_dead$/m,
      /^removed .* with keys/m,
      /edges\/tokyo-1\.yaml/,
    ];
    for (const pattern of done) expect(stdout).toMatch(pattern);
    expect(await snapshot()).toEqual(before);
    expect(await machine.command(stateDir, ['leave', '--interface', host.wireguardInterface])).toMatchObject({
      ...{ exitCode: 0, stdout: `nothing of an agent is left in ${stateDir}` },
    });
  }, 180_000);

  test('an origin asks for its name, keeps the state when told to, and leaves alone what is not the agent’s', async () => {
    const before = await snapshot();
    const stateDir = await joined(ORIGIN, ALLOW);
    await (await machine.run(stateDir)).kill9();
    expect(await machine.command(stateDir, ['leave'], { input: 'yes\n' })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/expected home; nothing was touched \(not_confirmed\)/),
    });
    const kept = await machine.command(stateDir, ['leave', '--yes', '--keep-state']);
    expect(kept.exitCode).toBe(0);
    for (const pattern of [/^turned off net\.ipv4\.conf\.lan0\.forwarding$/m, ...UNDONE, /origins\/home\.yaml/])
      expect(kept.stdout).toMatch(pattern);
    expect(await snapshot()).toEqual({ ...before, files: [...before.files, `state-${states}`].sort() });

    writeFileSync(join(stateDir, 'notes.txt'), 'mine');
    const name = host.wireguardInterface;
    const foreign = host.start('foreign', 'wireguard-go', ['-f', name], { env: { WG_PROCESS_FOREGROUND: '1' } });
    const { stdout: key } = await host.exec('wg', ['genkey']);
    writeFileSync(join(host.directory, 'foreign.key'), key, { mode: 0o600 });
    const set = ['set', name, 'private-key', join(host.directory, 'foreign.key')];
    await expect.poll(() => host.attempt('wg', set), { timeout: 10_000 }).toMatchObject({ exitCode: 0 });
    const table = ['table', 'inet', `kokoa_${name}`];
    await host.exec('nft', ['add', ...table]);
    const unasked = await machine.command(newState(), ['leave', '--interface', name], { input: 'yes\n' });
    expect(unasked).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(not_confirmed)') });
    const { stdout } = await machine.command(stateDir, ['leave'], { input: 'home\n' });
    expect(stdout).toMatch(
      new RegExp(`^left ${name} alone: its key is not this node’s; if it is ours: --interface ${name}$`, 'm'),
    );
    expect(stdout).toMatch(/^left alone there, not the agent’s: notes\.txt$/m);
    expect(readdirSync(stateDir)).toEqual(['notes.txt']);
    expect(foreign.alive()).toBe(true);
    // Its own filter, perhaps: an agent with another state has a tunnel of that name.
    expect((await host.exec('nft', ['list', 'tables'])).stdout).toContain(table.join(' '));
    await host.exec('nft', ['delete', ...table]);
    await foreign.stop();
    for (const path of [stateDir, join(host.directory, 'foreign.key'), `/var/run/wireguard/${name}.sock`])
      rmSync(path, { recursive: true, force: true });
  }, 180_000);

  test('goes on where it was killed, also with torn settings; and another name of the tunnel leaves nothing behind', async () => {
    const before = await snapshot();
    const stateDir = await joined(ORIGIN, ALLOW);
    await (await machine.run(stateDir)).kill9();
    const other = `${host.wireguardInterface}b`;
    const again = await machine.join(stateDir, 'home', [...ALLOW, '--interface', other]);
    for (const pattern of UNDONE) expect(again.stdout).toMatch(pattern);
    const { links, ruleset, settings } = await snapshot();
    expect({ links, ruleset, settings }).toEqual({
      links: before.links,
      ruleset: before.ruleset,
      settings: before.settings,
    });
    await (await machine.run(stateDir)).kill9();
    writeFileSync(join(stateDir, 'settings.json'), '{"node":');
    rmSync(join(stateDir, 'bundles'), { recursive: true });
    // Without its key: whose the tunnel is cannot be told.
    rmSync(join(stateDir, 'wireguard.key'));
    const leaving = await machine.command(stateDir, ['leave', '--interface', other], {
      input: 'leave\n',
    });
    expect(leaving).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('removed the tunnel') });
    expect(await snapshot()).toEqual(before);
  }, 180_000);

  test('touches no directory that is no state', async () => {
    const stateDir = newState();
    mkdirSync(stateDir);
    for (const name of ['run', 'current', 'token']) writeFileSync(join(stateDir, name), 'mine');
    const before = await snapshot();
    const { exitCode, stdout } = await machine.command(stateDir, ['leave', '--yes']);
    expect([exitCode, stdout]).toEqual([0, `nothing of an agent is left in ${stateDir}`]);
    writeFileSync(join(stateDir, 'notes.txt'), 'mine');
    expect(await machine.join(stateDir, 'home', ALLOW)).toMatchObject({
      ...{ exitCode: 1, stderr: expect.stringContaining('(state_foreign)') },
    });
    rmSync(join(stateDir, 'notes.txt'));
    expect(readdirSync(stateDir).sort()).toEqual(['current', 'run', 'token']);
    expect(await snapshot()).toEqual(before);
  }, 180_000);
});

test('what cannot be undone stops it, so that the filter stays before a tunnel and keys before what they prove', async () => {
  const undone: string[] = [];
  const undo = (name: string) => ({ undo: async () => [name] });
  const tunnel = { undo: () => Promise.reject(new Error('it hangs')) };
  const others = { webServer: undo('web'), certificateOrders: undo('orders'), kernelSettings: undo('kernel') };
  const leavings = { ...others, tunnel, packetFilter: undo('filter'), state: undo('state') };
  await expect(leave(leavings, (line) => undone.push(line))).rejects.toThrow('it hangs');
  expect(undone).toEqual(['web', 'orders']);
});
