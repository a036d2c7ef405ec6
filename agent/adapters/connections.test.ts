// The real programs in two namespaces with a cable between them, which stands in for the tunnel.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addHost, type Host, ip } from '../../lab/namespace.ts';
import type { Proc } from '../../lab/proc.ts';
import { createRun, type Run } from '../../lab/run.ts';
import type { Connections } from '../ports/connections.ts';
import { createConnectionRefusal } from './connection-refusal.ts';
import { createConnectionReset } from './connection-reset.ts';

const HOME = '10.100.1.1';
const TABLE = 'kokoa_tun0_dead';
const CURL_COULD_NOT_CONNECT = 7;

/** Holds connections open and says how each of them ended. */
const HOLDER = `
for (const port of process.argv.slice(1)) {
  const socket = require('node:net').connect({ host: '${HOME}', port }, () => console.log(port, 'open'));
  socket.on('error', (error) => console.log(port, error.code));
}
setInterval(() => undefined, 1000);
`;
const SERVER = `
for (const port of process.argv.slice(1)) {
  require('node:http').createServer((request, response) => response.end('hello')).listen(port, '0.0.0.0');
}
console.log('listening');
`;

let run: Run;
let [edge, origin]: Host[] = [];
let connections: Connections;

beforeAll(async () => {
  run = createRun();
  edge = await addHost(run, 'edge');
  origin = await addHost(run, 'origin');
  const [here, there] = [edge.namespace!, origin.namespace!];
  await ip(['-n', here, 'link', 'add', 'tun0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', there]);
  await ip(['-n', here, '-batch', '-'], 'addr add 10.100.0.1/16 dev tun0\nlink set tun0 up\n');
  await ip(['-n', there, '-batch', '-'], `addr add ${HOME}/16 dev eth0\nlink set eth0 up\n`);
  await origin.start('server', process.execPath, ['-e', SERVER, '8080', '8081', '8082']).ready(/listening/);
}, 30_000);

afterAll(async () => {
  expect(await run.end()).toEqual([]);
}, 30_000);

beforeEach(() => {
  const commandPrefix = ['ip', 'netns', 'exec', edge!.namespace!];
  const refusal = createConnectionRefusal({ interfaceName: 'tun0', userId: 0, commandPrefix });
  connections = { ...createConnectionReset(commandPrefix), ...refusal };
});

const target = (port: number) => ({ address: HOME, port });

async function hold(...ports: number[]): Promise<Proc> {
  const holder = edge!.start('holder', process.execPath, ['-e', HOLDER, ...ports.map(String)]);
  for (const port of ports) await holder.ready(new RegExp(`${port} open`));
  return holder;
}

/** As a worker of the web server, or as root, which is what the agent is here. */
async function connects(port: number, account = 'www-data'): Promise<string | number | undefined> {
  const { stdout, exitCode } = await edge!.attempt('setpriv', [
    ...['--reuid', account, '--clear-groups', 'curl', '-s', '-m', '3', `http://${HOME}:${port}/`],
  ]);
  return exitCode === 0 ? stdout : exitCode;
}

const tables = async () => (await edge!.exec('nft', ['list', 'tables'])).stdout;

describe('reset', () => {
  test('ends the connections to exactly the targets, also those that wait for nothing', async () => {
    const holder = await hold(8080, 8081, 8082);
    await connections.reset([target(8080), target(8081)]);
    await holder.ready(/8080 ECONN/);
    await holder.ready(/8081 ECONN/);
    const { stdout } = await edge!.exec('ss', ['-Hnt', 'dst', HOME]);
    expect(stdout).toMatch(/:8082/);
    expect(stdout).not.toMatch(/:808[01]/);
    expect(holder.log()).not.toMatch(/8082 ECONN/);
    await holder.stop();
  });

  test('of more targets than one command takes, and of none at all, is done as well', async () => {
    const holder = await hold(8080);
    await connections.reset([]);
    await connections.reset([...Array.from({ length: 120 }, (_, index) => target(1 + index)), target(8080)]);
    await holder.ready(/8080 ECONN/);
    await holder.stop();
  });

  test('says what fails', async () => {
    const broken = createConnectionReset(['false']);
    await expect(broken.reset([target(1)])).rejects.toMatchObject({ code: 'reset_failed' });
  });
});

describe('refuse', () => {
  test('lets new connections to the targets fail at once, but for those of the agent, and no others', async () => {
    await connections.refuse([target(8080)]);
    expect(await connects(8080)).toBe(CURL_COULD_NOT_CONNECT);
    expect(await connects(8080, 'root')).toBe('hello');
    expect(await connects(8081)).toBe('hello');
  });

  test('ends by itself, whatever becomes of the agent', async () => {
    await connections.refuse([target(8080)]);
    expect(await connects(8080)).toBe(CURL_COULD_NOT_CONNECT);
    await expect.poll(() => connects(8080), { timeout: 8_000 }).toBe('hello');
  });

  test('holds for the newest targets only, and with none the table is gone', async () => {
    await connections.refuse([]);
    await connections.refuse([target(8080)]);
    await connections.refuse([target(8081), target(8082)]);
    expect(await Promise.all([connects(8080), connects(8081)])).toEqual(['hello', CURL_COULD_NOT_CONNECT]);
    expect(await tables()).toContain(TABLE);
    await connections.refuse([]);
    expect(await tables()).not.toContain(TABLE);
    expect(await connects(8081)).toBe('hello');
  });

  test('leaves the tables of others alone', async () => {
    await edge!.exec('nft', ['add', 'table', 'inet', 'kokoa_tun0']);
    await connections.refuse([target(8080)]);
    await connections.refuse([]);
    expect((await tables()).trim()).toBe('table inet kokoa_tun0');
    await edge!.exec('nft', ['delete', 'table', 'inet', 'kokoa_tun0']);
  });

  test.each<[string, unknown]>([
    ['text that would add a rule', { address: '10.0.0.1 . 80 }; } chain x {', port: 80 }],
    ['an IPv6 address', { address: '::1', port: 80 }],
    ['a port that is none', { address: HOME, port: 65_536 }],
    ['a port in words', { address: HOME, port: '80 } # ' }],
  ])('refuses %s, and touches nothing', async (_, bad) => {
    await expect(connections.refuse([target(8080), bad as never])).rejects.toMatchObject({ code: 'reset_failed' });
    expect(await tables()).not.toContain(TABLE);
  });
});
