import { describe, expect, test } from 'vitest';
import { type Asked, type Facts, findingLines, judge } from './preflight.ts';

const MIB = 1024 * 1024;
const EDGE: Asked = {
  ...{ role: 'edge', interfaceName: 'kokoa0', network: '10.100.0.0/16', agreed: false, wireguardPort: 51_820 },
  listen: { addresses: ['0.0.0.0'], httpPort: 80, httpsPort: 443 },
};
const ORIGIN: Asked = { ...EDGE, role: 'origin', wireguardPort: undefined };
const NEW: Asked = { ...EDGE, role: undefined, network: undefined, wireguardPort: undefined };

const WELL: Facts = {
  nodeVersion: '24.21.0',
  capabilities: 0x1ffffffffffn,
  programs: ['ip', 'nft', 'wg', 'nginx', 'certbot', 'wireguard-go'],
  nginxFault: undefined,
  nginxHasStream: true,
  wireguard: 'user space',
  nftablesFault: undefined,
  stateFault: undefined,
  freeBytes: 4096 * MIB,
  clock: { aheadMs: 900 },
  listeners: [],
  missingAddresses: [],
  nginxService: { enabled: 'disabled', active: 'inactive' },
  networks: [{ network: '192.168.7.0/24', device: 'eth0' }],
  link: 'nobody',
  otherTunnels: [{ interfaceName: 'wg0', port: 51_821 }],
  dialled: [{ node: 'tokyo-1', endpoint: '203.0.113.5:51820', handshake: 'fresh', answersByTcp: true }],
};
const NGINX = { protocol: 'tcp' as const, address: '0.0.0.0', port: 80, owner: 'nginx (pid 812)' };
const SERVICE = { enabled: 'enabled', active: 'active' };

test.each([EDGE, ORIGIN, NEW])('a machine in order has nothing in its way', (asked) => {
  expect(judge(asked, WELL)).toEqual([]);
});

/** What is found, by the first words of each line: `error TCP port 80`. */
const found = (asked: Asked, change: Partial<Facts>) =>
  judge(asked, { ...WELL, ...change }).map(({ severity, what }) => `${severity} ${what}`);

describe('what stands in the way', () => {
  test.each<[string, Asked, Partial<Facts>, string[]]>([
    ['an nginx on port 80', EDGE, { listeners: [NGINX] }, ['error TCP port 80']],
    ['… as long as nobody knows what the machine is for', NEW, { listeners: [NGINX] }, ['warning TCP port 80']],
    ['… not for an origin', ORIGIN, { listeners: [NGINX], nginxService: SERVICE }, []],
    [
      'both ports, over IPv6',
      EDGE,
      { listeners: [80, 443].map((port) => ({ ...NGINX, address: '::', port })) },
      ['error TCP port 80', 'error TCP port 443'],
    ],
    ['loopback', EDGE, { listeners: [{ ...NGINX, address: '127.0.0.1' }] }, ['error TCP port 80']],
    [
      'loopback, where the edge has another address',
      { ...EDGE, listen: { ...EDGE.listen, addresses: ['203.0.113.1'] } },
      { listeners: [{ ...NGINX, address: '127.0.0.1' }] },
      [],
    ],
    ['an address of another machine', EDGE, { missingAddresses: ['203.0.113.9'] }, ['error the address 203.0.113.9']],
    ['another family', EDGE, { listeners: [{ ...NGINX, address: '0000:0000:0000:0000:0000:0000:0000:0001' }] }, []],
    ['UDP 80', EDGE, { listeners: [{ ...NGINX, protocol: 'udp' }] }, []],
    [
      'an nginx that starts with the next boot',
      EDGE,
      { nginxService: { enabled: 'enabled', active: 'inactive' } },
      ['warning Debian’s nginx service'],
    ],
    [
      'another tunnel’s port',
      EDGE,
      { otherTunnels: [{ interfaceName: 'wg0', port: 51_820 }] },
      ['error UDP port 51820'],
    ],
    [
      'a program on the tunnel’s port',
      EDGE,
      { listeners: [{ ...NGINX, protocol: 'udp', port: 51_820 }] },
      ['error UDP port 51820'],
    ],
    ['its own tunnel', EDGE, { link: 'this agent' }, []],
    ['another tunnel of that name', EDGE, { link: 'another WireGuard' }, ['error the interface kokoa0']],
    ['a bridge of that name', ORIGIN, { link: 'something else' }, ['error the interface kokoa0']],
    [
      'a LAN in the network of the tunnels',
      ORIGIN,
      { networks: [{ network: '10.100.3.0/24', device: 'eth0' }] },
      ['error the network of the tunnels'],
    ],
    [
      '… to which its owner agreed',
      { ...ORIGIN, agreed: true },
      { networks: [{ network: '10.0.0.0/8', device: 'eth0' }] },
      ['warning the network of the tunnels'],
    ],
    ['a clock that is a minute slow', NEW, { clock: { aheadMs: -61_000 } }, ['warning the clock']],
    ['a clock that is an hour fast', NEW, { clock: { aheadMs: 3_600_000 } }, ['error the clock']],
    [
      'a certificate that is not valid yet',
      NEW,
      { clock: { unheard: 'c.test does not answer: CERT_NOT_YET_VALID' } },
      ['warning the clock'],
    ],
    [
      'a control plane that is away',
      NEW,
      { clock: { unheard: 'c.test does not answer: ECONNREFUSED' } },
      ['warning the control plane'],
    ],
    ['no WireGuard at all', ORIGIN, { wireguard: 'nothing' }, ['error WireGuard']],
    ['no /dev/net/tun', ORIGIN, { wireguard: 'no /dev/net/tun' }, ['error WireGuard']],
    [
      'no WireGuard where there are no tunnels',
      { ...EDGE, interfaceName: undefined },
      { wireguard: 'nothing', nftablesFault: 'no', programs: ['nginx', 'certbot'] },
      [],
    ],
    ['no nft', ORIGIN, { programs: ['ip', 'wg'] }, ['error the program nft']],
    ['no certbot', EDGE, { programs: ['ip', 'nft', 'wg', 'nginx'] }, ['error the program certbot']],
    ['… before it is known', NEW, { programs: ['ip', 'nft', 'wg', 'nginx'] }, ['warning the program certbot']],
    ['no stream module', EDGE, { nginxHasStream: false }, ['warning nginx']],
    ['an old nginx', EDGE, { nginxFault: 'too old' }, ['error nginx']],
    ['a kernel without nf_tables', ORIGIN, { nftablesFault: 'nft: no' }, ['error nftables']],
    ['no rights', EDGE, { capabilities: 0n }, ['error rights']],
    [
      '… which are the cause of more',
      EDGE,
      { capabilities: 0n, wireguard: 'no /dev/net/tun', nftablesFault: 'not permitted', stateFault: 'EACCES' },
      ['error rights'],
    ],
    ['rights for the network alone', EDGE, { capabilities: 1n << 12n }, ['error rights']],
    ['… which an origin needs', ORIGIN, { capabilities: 1n << 12n }, []],
    ['an old Node', ORIGIN, { nodeVersion: '24.14.9' }, ['error Node']],
    ['an odd Node', ORIGIN, { nodeVersion: '25.1.0' }, ['error Node']],
    ['a newer Node', ORIGIN, { nodeVersion: '26.0.0' }, []],
    ['a full disk', ORIGIN, { freeBytes: 31 * MIB }, ['error the disk']],
    ['a disk nearly full', ORIGIN, { freeBytes: 100 * MIB }, ['warning the disk']],
    ['a read-only disk', ORIGIN, { stateFault: 'EROFS', freeBytes: 0 }, ['error the state directory']],
    [
      'UDP that does not get through',
      ORIGIN,
      { dialled: [{ ...WELL.dialled[0]!, handshake: 'never' }] },
      ['error the tunnel to tokyo-1'],
    ],
    [
      'an edge that is gone',
      ORIGIN,
      { dialled: [{ ...WELL.dialled[0]!, handshake: 'stale', answersByTcp: false }] },
      ['warning the tunnel to tokyo-1'],
    ],
  ])('%s', (_, asked, change, expected) => {
    expect(found(asked, change)).toEqual(expected);
  });

  test('comes with one line of apt-get for all that is missing', () => {
    const nothing = { programs: [], wireguard: 'nothing', nginxHasStream: false } satisfies Partial<Facts>;
    const todos = judge(EDGE, { ...WELL, ...nothing }).map(({ todo }) => todo);
    expect(new Set(todos.filter((todo) => todo.startsWith('apt-get')))).toContain(
      'apt-get install iproute2 nftables wireguard-tools nginx-light certbot wireguard-go libnginx-mod-stream',
    );
  });

  test('errors come first', () => {
    const findings = found(NEW, { listeners: [NGINX], freeBytes: 0, clock: { aheadMs: 61_000 } });
    expect(findings).toEqual(['error the disk', 'warning the clock', 'warning TCP port 80']);
  });
});

test('is said in 80 columns, what and found first, then what to do', () => {
  const [finding] = judge(EDGE, { ...WELL, listeners: [NGINX], nginxService: SERVICE });
  expect(findingLines(finding!)).toEqual([
    'error    TCP port 80: nginx (pid 812) listens there; an edge needs it',
    '  to do  systemctl disable --now nginx (the agent runs its own; /etc/nginx is',
    '         not touched)',
  ]);
  const all = judge(EDGE, {
    ...WELL,
    programs: [],
    capabilities: 0n,
    freeBytes: 0,
    networks: [{ network: '10.100.0.0/24', device: 'eth0' }],
  });
  expect(all.flatMap(findingLines).filter((line) => line.length > 80)).toEqual([]);
});
