// `kokoa-agent preflight` and `join` on a real machine with something in the way of each kind.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NodeConfig } from '../bundle/config.ts';
import { edgeConfig } from '../bundle/installation.fixture.ts';
import { addHost, type Host, ip } from '../lab/namespace.ts';
import { createRun, type Run } from '../lab/run.ts';
import type { Finding } from './core/preflight.ts';
import { type OneMachine, openMachine } from './one-machine.fixture.ts';

let run: Run;
let host: Host;
let machine: OneMachine;

const wireguard = {
  address: '10.100.1.1',
  port: 51_820,
  peers: [{ node: 'x', publicKey: `${'A'.repeat(43)}=`, address: '10.100.0.1', endpoint: '127.0.0.1:51999' }],
};
const EDGE: NodeConfig = { ...edgeConfig('tokyo-1', []), wireguard };
const ORIGIN = {
  ...(({ edge: _, ...base }) => base)(edgeConfig('home', [])),
  wireguard,
  role: 'origin',
  origin: { ports: [8080] },
} as NodeConfig;

beforeAll(async () => {
  run = createRun();
  host = await addHost(run, 'machine');
  machine = await openMachine(run, host, EDGE);
}, 90_000);

afterAll(async () => {
  expect(await run.end()).toEqual([]);
}, 180_000);

const state = (name: string) => join(host.directory, name);

async function findings(
  args: string[],
  stateName = 'none',
): Promise<{ exitCode: number | undefined; found: string[] }> {
  const { exitCode, stdout, stderr } = await machine.command(state(stateName), ['preflight', '-o', 'json', ...args]);
  expect(stderr).toBe('');
  const found = (JSON.parse(stdout) as Finding[]).map((one) => `${one.severity} ${one.what}: ${one.found}`);
  return { exitCode, found };
}

test('a machine in order has nothing in its way, and nothing is written', async () => {
  expect(await machine.command(state('none'), ['preflight', '--url', machine.url])).toMatchObject({
    ...{ exitCode: 0, stdout: 'nothing stands in the way', stderr: '' },
  });
  expect(existsSync(state('none'))).toBe(false);
}, 180_000);

test('taken ports are found, with who has them; they stop an edge, and not an origin', async () => {
  const others = `const d = require('node:dgram').createSocket('udp4'); d.bind(51820);
    require('node:net').createServer().listen(80, '0.0.0.0', () => console.log('listening'));`;
  const other = host.start('other', process.execPath, ['-e', others]);
  await other.ready(/listening/);
  const port = (severity: string) => [
    expect.stringMatching(new RegExp(`^${severity} TCP port 80: .*\\(pid ${other.pid}\\) listens there`)),
  ];
  expect(await findings(['--url', machine.url])).toEqual({ exitCode: 0, found: port('warning') });
  expect(await findings(['--url', machine.url, '--role', 'edge'])).toEqual({
    exitCode: 1,
    found: [...port('error'), expect.stringMatching(/^error UDP port 51820: .* has it$/)],
  });
  expect(await findings(['--url', machine.url, '--role', 'origin'])).toEqual({ exitCode: 0, found: [] });

  const told = ['--interface', host.wireguardInterface];
  const refused = await machine.join(state('refused'), 'tokyo-1', ['--role', 'edge', ...told]);
  expect(refused).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/one thing stands in the way \(preflight_failed\)/),
  });
  expect(existsSync(state('refused'))).toBe(false);
  // Before the first bundle nobody knows that it is an edge; then it is said once more, and the machine is not ready.
  const late = await machine.join(state('late'), 'tokyo-1', told);
  expect(late).toMatchObject({ exitCode: 1, stdout: expect.not.stringMatching(/^joined as/m) });
  expect(existsSync(join(state('late'), 'settings.json'))).toBe(false);
  expect(late.stderr).toMatch(/^warning {2}TCP port 80[\s\S]*^error {4}TCP port 80/m);
  await other.stop();
}, 180_000);

test('a network that overlaps stops an origin until its owner agrees; another role or name is refused', async () => {
  machine.put('origin', ORIGIN);
  await ip(
    ['-n', host.namespace!, '-batch', '-'],
    'link add lan0 type veth peer name far0\naddr add 10.100.7.1/24 dev lan0\nlink set lan0 up\n',
  );
  const told = ['--allow', '8080', '--interface', host.wireguardInterface];
  const overlaps =
    /^error {4}the network of the tunnels: 10\.100\.0\.0\/16 lies over[\s\S]*10\.100\.7\.0\/24 on lan0$/m;
  const refused = await machine.join(state('home'), 'home', told);
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(overlaps) });
  expect((await machine.command(state('home'), ['once'])).stderr).toMatch(/\(not_joined\)/);
  expect(await machine.join(state('home'), 'home', [...told, '--force'])).toMatchObject({ exitCode: 0 });
  const agent = await machine.run(state('home'));
  // The machine that should answer is this one, where nobody speaks WireGuard at that port, and TCP port 443 is taken.
  const edge = host.start('edge', process.execPath, [
    '-e',
    "require('node:net').createServer().listen(443, () => console.log('listening'))",
  ]);
  await edge.ready(/listening/);
  expect(await findings([], 'home')).toEqual({
    exitCode: 1,
    found: [
      expect.stringMatching(/^error the tunnel to x: no handshake yet, although .* UDP does not get through/),
      expect.stringMatching(/^warning the network of the tunnels: /),
    ],
  });
  await agent.stop();
  await edge.stop();
  machine.put('edge', { ...EDGE, node: 'home' });
  expect(await machine.join(state('home'), 'home', [...told.slice(2), '--force'])).toMatchObject({
    ...{
      exitCode: 1,
      stderr: expect.stringMatching(/is to be an origin, and git says it is an\s+edge\s+\(role_changed\)/),
    },
  });
}, 180_000);

test('a wrong clock is told from the control plane’s', async () => {
  const slow = `require('node:http').createServer((request, response) => {
      response.sendDate = false; response.setHeader('date', new Date(Date.now() + Number(request.url.split('/')[1])).toUTCString());
      response.end(); }).listen(8080, '127.0.0.1', () => console.log('listening'));`;
  await host.start('clock', process.execPath, ['-e', slow]).ready(/listening/);
  const at = (ms: number) => findings(['--url', `http://127.0.0.1:8080/${ms}`, '--role', 'origin']);
  expect(await at(90_000)).toEqual({
    exitCode: 0,
    found: [expect.stringMatching(/^warning the clock: (89|90|91) s behind/)],
  });
  expect(await at(-3_600_000)).toEqual({
    exitCode: 1,
    found: [expect.stringMatching(/^error the clock: (3599|3600|3601) s ahead/)],
  });
  expect(await findings(['--url', 'http://127.0.0.1:9'])).toEqual({
    exitCode: 0,
    found: [expect.stringMatching(/^warning the control plane: /)],
  });
}, 180_000);
