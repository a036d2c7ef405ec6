// A resolver (unbound) that keeps what it was told for as long as the TTL says, as a visitor's provider runs one.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './namespace.ts';

const PORT = 5355;

export interface CachingResolver {
  /** What somebody who asks now is sent to. Sorted; empty: there are none. */
  addresses(hostname: string): Promise<string[]>;
}

/** Answers only on `host` itself. `server`: the authority of the zone, ADDRESS:PORT. */
export async function startCachingResolver(host: Host, zone: string, server: string): Promise<CachingResolver> {
  const folder = join(host.directory, 'resolver');
  mkdirSync(folder, { recursive: true });
  const config = [
    ...['server:', `  interface: 127.0.0.1@${PORT}`, `  directory: "${folder}"`, '  pidfile: ""'],
    ...['  username: ""', '  chroot: ""', '  do-daemonize: no', '  use-syslog: no', '  logfile: ""'],
    ...['  do-ip6: no', '  num-threads: 1', '  module-config: "iterator"'],
    ...['remote-control:', '  control-enable: no'],
    ...['stub-zone:', `  name: "${zone}"`, `  stub-addr: ${server.replace(/:(\d+)$/, '@$1')}`, ''],
  ];
  const configFile = join(folder, 'unbound.conf');
  writeFileSync(configFile, config.join('\n'));
  const proc = host.start('resolver', 'unbound', ['-d', '-c', configFile]);
  await proc.listening(PORT, 'udp');
  return {
    async addresses(hostname) {
      const question = ['+short', '+time=1', '+tries=3', '@127.0.0.1', '-p', String(PORT), hostname, 'A'];
      const { stdout } = await host.exec('dig', question);
      return stdout
        .split('\n')
        .filter((line) => /^[\d.]+$/.test(line))
        .sort();
    },
  };
}
