// What `kokoa dns` works with, in a folder: data, keys and a store as a reconciler leaves them, and a real DNS server on loopback.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type LoopbackKnot, startLoopbackKnot } from '../../test/loopback-knot.ts';
import { createDevelopmentKeys } from '../adapters/key-files.ts';
import { openSqliteStore } from '../adapters/store-sqlite.ts';
import { registerDns } from './dns.ts';
import { type Ran, runCommand } from './run-command.fixture.ts';

export const ZONE = 'hoge.com';

export interface DnsFolder {
  folder: string;
  knot: LoopbackKnot;
  /** `path` in the folder. */
  write(path: string, text: string): Promise<void>;
  /** A route of a hostname comes, or goes. */
  host(name: string): Promise<void>;
  gone(name: string): Promise<void>;
  /** The edge of the pool. */
  edge(address: string): Promise<void>;
  dns(command: 'plan' | 'apply' | 'adopt', ...args: string[]): Promise<Ran>;
  close(): Promise<void>;
}

/** The zone has records of other people: an address of www, and mail. */
export async function openDnsFolder(): Promise<DnsFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'kokoa-dns-'));
  const knot = await startLoopbackKnot(
    { [ZONE]: ['www A 203.0.113.9', 'mail MX 10 mx.elsewhere.example.'] },
    { acl: ['action: [update, transfer]'] },
  );
  const [data, git, secrets] = [join(folder, 'data'), join(folder, 'git'), join(folder, 'secrets')];
  const routeOf = (name: string) => `git/routes/hoge/${name}.yaml`;
  async function write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const opened: DnsFolder = {
    ...{ folder, knot, write },
    host: (name) => write(routeOf(name), `hostname: "${name}"\norigin: home\nport: 8080\n`),
    gone: (name) => rm(join(folder, routeOf(name))),
    edge: (address) =>
      write(
        'git/edges/tokyo-1.yaml',
        `name: tokyo-1\naddress: {ipv4: ${address}}\nwireguard: {address: 10.100.0.1}\ntoken: '${'2'.repeat(64)}'\n`,
      ),
    dns(command, ...args) {
      const dir = command === 'adopt' ? [...args, '--dir', git] : [git, ...args];
      return runCommand(registerDns, ['dns', command, '--data', data, '--secrets', secrets, ...dir]);
    },
    async close() {
      await knot.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await createDevelopmentKeys(join(data, 'keys'), new Date());
  await (await openSqliteStore(join(data, 'store'))).close();
  await write('secrets/_zones/hoge-tsig', knot.keyText);
  await write(
    'git/kokoa.yaml',
    `controlPlane: {urls: ['https://control.hoge.com']}
acme: {server: 'https://acme-v02.api.letsencrypt.org/directory'}
zones:
  - {name: ${ZONE}, provider: rfc2136, server: '127.0.0.1:${knot.port}', credentials: {file: hoge-tsig}}
teams: [{name: hoge, hostnames: ['*.hoge.com', hoge.com]}]
network: {wireguard: 10.100.0.0/16}
pools: [{name: default, hostname: edges.hoge.com}]
`,
  );
  await write(
    'git/origins/home.yaml',
    `name: home\nteams: [hoge]\nwireguard: {address: 10.100.1.1}\ntoken: '${'1'.repeat(64)}'\n`,
  );
  await opened.edge('198.51.100.11');
  await opened.host('app.hoge.com');
  return opened;
}
