import { afterAll, beforeAll, expect, test } from 'vitest';
import { addHost, type Host, ip } from '../../lab/namespace.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { createRouting } from './routing.ts';

let run: Run;
let host: Host;

beforeAll(async () => {
  run = createRun();
  host = await addHost(run, 'origin');
  const lines = [
    'link add lan0 type veth peer name far0',
    'addr add 192.168.50.1/24 dev lan0',
    'link set far0 up',
    'link set lan0 up',
    'route add 10.7.0.0/16 via 192.168.50.9',
    'route add blackhole 10.8.0.0/16',
    'route add unreachable 10.9.0.0/16',
  ];
  await ip(['-n', host.namespace!, '-batch', '-'], `${lines.join('\n')}\n`);
});

afterAll(async () => {
  expect(await run.end()).toEqual([]);
});

const devices = (hosts: string[]) =>
  createRouting({ commandPrefix: ['ip', 'netns', 'exec', host.namespace!] }).devices(hosts);

test('names the interface that leads to each host, and leaves out those that nothing leads to', async () => {
  const ways: [string, string?][] = [
    ['172.16.0.1'],
    ['192.168.50.2', 'lan0'],
    ['10.8.0.1'],
    ['10.7.1.1', 'lan0'],
    ['10.9.0.1'],
    ['192.168.50.255'],
    ['192.168.50.1', 'lo'],
    ['127.0.0.1', 'lo'],
  ];
  const found = await devices(ways.map(([address]) => address));
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(ways.filter(([, device]) => device)));
});

test('names the networks that other interfaces lead to, in every table', async () => {
  const at = ['-n', host.namespace!];
  await ip([...at, '-batch', '-'], 'route add default via 192.168.50.9\nroute add 10.66.0.0/16 dev far0 table 52\n');
  const routing = createRouting({ commandPrefix: ['ip', 'netns', 'exec', host.namespace!] });
  const networks = [
    { network: '10.66.0.0/16', device: 'far0' },
    { network: '10.7.0.0/16', device: 'lan0' },
    { network: '192.168.50.0/24', device: 'lan0' },
  ];
  const sorted = async (tunnel: string) =>
    (await routing.networks(tunnel)).sort((a, b) => (a.network < b.network ? -1 : 1));
  expect(await sorted('kokoa0')).toEqual(networks);
  expect(await sorted('lan0')).toEqual(networks.slice(0, 1));
  const empty = await addHost(run, 'empty');
  const nothing = createRouting({ commandPrefix: ['ip', 'netns', 'exec', empty.namespace!] });
  expect(await nothing.networks('kokoa0')).toEqual([]);
});

test('asks for nothing that is not a host of a private network', async () => {
  expect((await devices(['8.8.8.8', '192.168.50.2\nlink del lan0', 'help'])).size).toBe(0);
  expect((await devices(['192.168.50.2'])).get('192.168.50.2')).toBe('lan0');
});
