// `kokoa-agent join`: makes the node's keys, keeps what it was told, announces, and waits until git knows this machine.
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join as joinPath, resolve } from 'node:path';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { writeDurably } from '../adapters/durable-write.ts';
import { takenPorts } from '../adapters/free-ports.ts';
import { openNodeKeys, saveToken } from '../adapters/node-keys.ts';
import { checkSettings, writeSettings } from '../adapters/settings-file.ts';
import { lockState } from '../adapters/state-lock.ts';
import { formatAllowList, parseAllowList } from '../core/allow-list.ts';
import { join } from '../join.ts';
import { type Node, openNode } from '../node.ts';
import type { Settings } from '../ports/settings.ts';
import { interruption } from './interruption.ts';
import { nodeNameIn, readTokenFrom } from './token.ts';

interface JoinOptions {
  fingerprint: string;
  ca?: string;
  tokenFile?: string;
  allow: string;
  interface: string;
  tunnel: boolean;
  acmeCa?: string;
  listen: string[];
  httpPort: string;
  httpsPort: string;
  address?: string[];
}

export function registerJoin(program: Command): void {
  program
    .command('join')
    .description('join the control plane at URL; the token is read from --token-file or standard input')
    .argument('<url>', 'base URL of the control plane, e.g. https://control.hoge.com:8443')
    .requiredOption('--fingerprint <sha256>', 'fingerprint of the control plane, as `kokoa keys status` prints it')
    .option('--ca <file>', 'PEM file of the only CA to trust for the control plane (default: the system’s CAs)')
    .option('--token-file <file>', 'file with the token that `kokoa edge add` or `kokoa origin add` showed')
    .option(
      '--allow <list>',
      'origins: what edges may reach, e.g. 8080,9000-9010 for ports of this machine, 192.168.1.20:8080 for a service on ' +
        'its network, 127.0.0.1:3000 for one on its loopback; TCP, unless it ends in /udp like 53/udp; nothing else is ' +
        'ever opened',
      'none',
    )
    .option('--interface <name>', 'name of the WireGuard interface', 'kokoa0')
    .option('--no-tunnel', 'origins are reached without WireGuard (one machine, or a private network)')
    .option('--acme-ca <file>', 'PEM file of the CA of a private ACME server')
    .option('--listen <address...>', 'edges: addresses to listen on', ['0.0.0.0'])
    .option('--http-port <port>', 'edges: port for plain HTTP', '80')
    .option('--https-port <port>', 'edges: port for HTTPS', '443')
    .option('--address <ip...>', 'edges: public addresses to announce (default: the one that faces the control plane)')
    .action(async (url: string, options: JoinOptions) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      await joinControlPlane(stateDir, url, options);
    });
}

async function joinControlPlane(stateDir: string, url: string, options: JoinOptions): Promise<void> {
  const told = await readWhatWasTold(stateDir, url, options);
  await mkdir(stateDir, { recursive: true, mode: 0o711 });
  const lock = await lockState(stateDir);
  for (const { path, pem } of told.files) await writeDurably(path, pem, { mode: 0o600 });
  await writeSettings(stateDir, told.settings);
  await saveToken(stateDir, told.token);
  const { node } = told.settings;
  const { fingerprint } = await openNodeKeys(stateDir);
  console.log(`this machine asks to be ${node}; it announces keys with the fingerprint\n  ${fingerprint}`);

  const opened = await openNode(stateDir);
  const joined = await join(
    {
      node,
      folder: told.settings.allow === '' ? 'edges' : 'origins',
      control: opened.control,
      trusted: opened.machine.trusted,
      enrolment: await opened.enrolment(),
      now: Date.now,
      say: (line) => console.log(line),
    },
    interruption(),
  );
  await opened.control.close();
  lock.release();
  if (joined.kind === 'refused') {
    throw new KokoaError(joined.code, `not joined: ${joined.detail}`, {
      hint: HINTS[joined.code] ?? 'see docs/operate.md',
    });
  }
  const { config, version } = joined.bundle;
  console.log(`joined as ${node} (${config.role}), version ${version} verified`);
  if (config.role === 'edge') await warnOfTakenPorts(opened);
  console.log('next: kokoa-agent run');
}

const HINTS: Record<string, string> = {
  foreign_root: 'compare --fingerprint with what `kokoa keys status` prints on the control plane',
  not_bound:
    'another machine announced itself for this slot first: make a new token with `kokoa edge token NAME` (it raises the generation)',
  wrong_node: 'the token belongs to another node than the bundle',
  interrupted: 'run the same command again: the keys are kept',
};

/** A web server that serves this state already is our own. */
async function warnOfTakenPorts({ machine, settings }: Node): Promise<void> {
  if (await machine.edge?.web.running()) return;
  const { addresses, httpPort, httpsPort } = settings.listen;
  for (const { address, port, code } of await takenPorts(addresses, [httpPort, httpsPort])) {
    const why = REASONS[code] ?? `listening fails with ${code}`;
    console.error(`warning: this edge cannot serve on ${address} port ${port}: ${why}`);
  }
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'another program has it (ss -ltnp shows which; Debian’s nginx: systemctl disable --now nginx)',
  EACCES: 'this user may not listen there (run as root, or give CAP_NET_BIND_SERVICE)',
  EADDRNOTAVAIL: 'this machine has no such address',
};

interface Told {
  token: string;
  settings: Settings;
  /** What `--ca` and `--acme-ca` named, to be kept: the originals may go away. */
  files: { path: string; pem: string }[];
}

/** Everything is judged before anything is written: a mistyped join leaves a working node as it was. */
async function readWhatWasTold(stateDir: string, url: string, options: JoinOptions): Promise<Told> {
  const token = await readTokenFrom(options.tokenFile);
  const addresses = (options.address ?? []).map((address) => address.toLowerCase());
  const ipv4 = addresses.find((address) => !address.includes(':'));
  const ipv6 = addresses.find((address) => address.includes(':'));
  const caFile = joinPath(stateDir, 'control-plane-ca.pem');
  const acmeCaFile = joinPath(stateDir, 'acme-ca.pem');
  const settings = checkSettings({
    node: nodeNameIn(token),
    urls: [url],
    fingerprint: options.fingerprint.replace(/^sha256:/, '').toLowerCase(),
    ...(options.ca && { caFile }),
    ...(options.acmeCa && { acmeCaFile }),
    allow: options.allow === 'none' ? '' : formatAllowList(parseAllowList(options.allow)),
    ...(options.tunnel && { interfaceName: options.interface }),
    listen: {
      addresses: options.listen.map((address) => address.toLowerCase()),
      httpPort: Number(options.httpPort),
      httpsPort: Number(options.httpsPort),
    },
    ...((ipv4 || ipv6) && { address: { ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) } }),
  });
  const files: Told['files'] = [];
  if (options.ca) files.push({ path: caFile, pem: await readAuthority(options.ca) });
  if (options.acmeCa) files.push({ path: acmeCaFile, pem: await readAuthority(options.acmeCa) });
  return { token, settings, files };
}

async function readAuthority(file: string): Promise<string> {
  try {
    const pem = await readFile(file, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new KokoaError('bad_ca', `${file} holds no certificate that could be read`, {
      hint: 'give a PEM file with the certificate of the CA',
      cause,
    });
  }
}
