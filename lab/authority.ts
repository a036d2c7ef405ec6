// A real primary server (knot) beside the lab's own: the authority of zones that the reconciler writes by DNS UPDATE.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PUBLIC } from './addresses.ts';
import type { Network } from './network.ts';

/** The lab's own server has port 53. */
const PORT = 5353;
const KEY_NAME = 'kokoa';

export interface Authority {
  /** `server` of a zone in kokoa.yaml. */
  server: string;
  /** Puts the key where `kokoa serve --secrets DIR` finds it as `credentials: {file: NAME}` of a zone. */
  giveKey(secretsDir: string, name: string): void;
  /** Sorted; empty: there are none. */
  addresses(hostname: string): Promise<string[]>;
  alias(hostname: string): Promise<string | undefined>;
  /** Grows with every change of the zone. */
  serial(zone: string): Promise<number>;
}

export async function startAuthority({ hosts: { dns: host } }: Network, zones: readonly string[]): Promise<Authority> {
  const folder = join(host.directory, 'authority');
  mkdirSync(join(folder, 'db'), { recursive: true });
  const secret = randomBytes(32).toString('base64');
  for (const zone of zones)
    writeFileSync(
      join(folder, `${zone}.zone`),
      [
        `$ORIGIN ${zone}.`,
        '$TTL 30',
        '@ SOA ns admin 1 3600 900 86400 30',
        '@ NS ns',
        `ns A ${PUBLIC.dns.ipv4}`,
        '',
      ].join('\n'),
    );
  const address = PUBLIC.dns.ipv4;
  const config = [
    ...['server:', `    listen: ${address}@${PORT}`, `    rundir: ${folder}`],
    ...['log:', '  - target: stderr', '    any: info'],
    ...['database:', `    storage: ${join(folder, 'db')}`],
    ...['key:', `  - id: ${KEY_NAME}`, '    algorithm: hmac-sha256', `    secret: ${secret}`],
    ...['acl:', '  - id: update', `    key: ${KEY_NAME}`, '    action: [update, transfer]'],
    'zone:',
    ...zones.flatMap((zone) => [
      ...[`  - domain: ${zone}`, `    file: ${join(folder, `${zone}.zone`)}`, '    acl: update'],
      '    zonefile-sync: -1',
    ]),
    '',
  ];
  const configFile = join(folder, 'knot.conf');
  writeFileSync(configFile, config.join('\n'), { mode: 0o600 });
  const proc = host.start('authority', 'knotd', ['-c', configFile]);
  await proc.listening(PORT, 'udp');

  async function ask(hostname: string, type: string): Promise<string[]> {
    const question = ['+short', '+norecurse', '+time=1', '+tries=3', `@${address}`, '-p', String(PORT), hostname, type];
    const { stdout } = await host.exec('dig', question);
    return stdout
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(';'))
      .sort();
  }

  return {
    server: `${address}:${PORT}`,
    giveKey(secretsDir, name) {
      const file = join(secretsDir, '_zones', name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `key "${KEY_NAME}" {\n\talgorithm hmac-sha256;\n\tsecret "${secret}";\n};\n`);
    },
    addresses: (hostname) => ask(hostname, 'A'),
    alias: async (hostname) => (await ask(hostname, 'CNAME'))[0]?.replace(/\.$/, ''),
    serial: async (zone) => Number((await ask(zone, 'SOA'))[0]?.split(' ')[2]),
  };
}
