import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addHost, type Host, ip } from '../../lab/namespace.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { isAnnounceable, type LocalAddressOptions } from './local-address.ts';

const MODULE = new URL('./local-address.ts', import.meta.url).pathname;

let run: Run;
let [machine, offline]: Host[] = [];

beforeAll(async () => {
  run = createRun();
  machine = await addHost(run, 'machine');
  offline = await addHost(run, 'offline');
  const lines = ['link add eth0 type veth peer name cable', 'link set cable up', 'link set eth0 up'];
  await ip(['-n', machine.namespace!, '-batch', '-'], `${lines.join('\n')}\n`);
}, 20_000);

afterAll(async () => {
  expect(await run.end()).toEqual([]);
});

/** What a machine with these addresses and routes finds. */
async function found(host: Host, lines: string[], options: LocalAddressOptions): Promise<unknown> {
  if (lines.length > 0) {
    await ip(['-n', host.namespace!, 'addr', 'flush', 'dev', 'eth0', 'scope', 'global']);
    await ip(['-n', host.namespace!, '-batch', '-'], `${lines.join('\n')}\n`);
  }
  const script = `const { localAddresses } = await import(${JSON.stringify(MODULE)});
    console.log(JSON.stringify(await localAddresses(${JSON.stringify(options)})));`;
  const { stdout } = await host.exec(process.execPath, ['--input-type=module', '-e', script]);
  return JSON.parse(stdout);
}

describe('localAddresses', () => {
  test('finds what the routes to the internet would send from, in both families', async () => {
    const lines = [
      'addr add 93.184.216.34/24 dev eth0',
      'addr add 2606:2800:220:1::34/64 dev eth0 nodad',
      'route add default via 93.184.216.1',
      'route add ::/0 via 2606:2800:220:1::1',
    ];
    expect(await found(machine!, lines, { controlPlane: [] })).toEqual({
      ipv4: '93.184.216.34',
      ipv6: '2606:2800:220:1::34',
    });
  });

  test('announces a private address only when that is wanted', async () => {
    const lines = ['addr add 192.168.1.5/24 dev eth0', 'route add default via 192.168.1.1'];
    expect(await found(machine!, lines, { controlPlane: [] })).toEqual({});
    expect(await found(machine!, [], { controlPlane: [], anyRange: true })).toEqual({ ipv4: '192.168.1.5' });
  });

  test('without a route to the internet, the one to the control plane counts', async () => {
    const lines = ['addr add 93.184.216.34/24 dev eth0'];
    expect(await found(machine!, lines, { controlPlane: [] })).toEqual({});
    expect(await found(machine!, [], { controlPlane: ['93.184.216.99'] })).toEqual({ ipv4: '93.184.216.34' });
  });

  test('a machine without network finds nothing, and never its loopback', async () => {
    const controlPlane = ['127.0.0.1', '[::1]', 'no-such-host.invalid'];
    expect(await found(offline!, [], { controlPlane, anyRange: true })).toEqual({});
  });
});

test.each([
  ['93.184.216.34', true, true],
  ['2606:2800:220:1::34', true, true],
  ['10.0.0.1', false, true],
  ['198.51.100.11', false, true],
  ['100.64.0.1', false, true],
  ['fd00::1', false, true],
  ['2001:db8::1', false, true],
  ['127.0.0.1', false, false],
  ['::1', false, false],
  ['0.0.0.0', false, false],
  ['169.254.1.1', false, false],
  ['fe80::1', false, false],
  ['224.0.0.1', false, false],
  ['::ffff:93.184.216.34', false, false],
  ['control.example', false, false],
])('%s is announceable: %s, with any range: %s', (address, strict, any) => {
  expect([isAnnounceable(address, false), isAnnounceable(address, true)]).toEqual([strict, any]);
});
