// `kokoa-agent join`: makes the node's keys, keeps what it was told, announces, and waits until git knows this machine.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join as joinPath, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { decodeJwt } from 'jose';
import { KokoaError } from '../../bundle/error.ts';
import { TOKEN_BYTES_MAX } from '../../bundle/limits.ts';
import { openNodeKeys, saveToken } from '../adapters/node-keys.ts';
import { writeSettings } from '../adapters/settings-file.ts';
import { formatAllowList, parseAllowList } from '../core/allow-list.ts';
import { join } from '../join.ts';
import { openNode } from '../node.ts';
import type { Settings } from '../ports/settings.ts';
import { interruption } from './interruption.ts';

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
    .option('--allow <ports>', 'origins: ports that edges may reach, e.g. 8080,9000-9010; nothing else is ever opened', 'none')
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
  const token = await readToken(options.tokenFile);
  await mkdir(stateDir, { recursive: true, mode: 0o711 });
  const node = nodeNameIn(token);
  await writeSettings(stateDir, await settingsFrom(stateDir, node, url, options));
  await saveToken(stateDir, token);
  const keys = await openNodeKeys(stateDir);
  console.log(`this machine asks to be ${node}; it announces keys with the fingerprint\n  ${keys.fingerprint}`);

  const opened = await openNode(stateDir);
  const joining = {
    node,
    control: opened.control,
    trusted: opened.trusted,
    enrolment: await opened.enrolment(),
    now: Date.now,
    say: (line: string) => console.log(line),
  };
  const joined = await join(joining, interruption());
  await opened.control.close();
  if (joined.kind === 'refused') {
    throw new KokoaError(joined.code, `not joined: ${joined.detail}`, { hint: HINTS[joined.code] ?? 'see docs/operate.md' });
  }
  console.log(`joined as ${node} (${joined.bundle.config.role}), version ${joined.bundle.version} verified`);
  console.log('next: kokoa-agent run');
}

const HINTS: Record<string, string> = {
  foreign_root: 'compare --fingerprint with what `kokoa keys status` prints on the control plane',
  not_bound: 'another machine announced itself for this slot first: make a new token with `kokoa edge token NAME` (it raises the generation)',
  wrong_node: 'the token belongs to another node than the bundle',
};

async function settingsFrom(stateDir: string, node: string, url: string, options: JoinOptions): Promise<Settings> {
  const addresses = options.address ?? [];
  const ipv4 = addresses.find((address) => !address.includes(':'));
  const ipv6 = addresses.find((address) => address.includes(':'));
  return {
    node,
    urls: [url],
    fingerprint: options.fingerprint.replace(/^sha256:/, '').toLowerCase(),
    ...(options.ca && { caFile: await keep(options.ca, stateDir, 'control-plane-ca.pem') }),
    ...(options.acmeCa && { acmeCaFile: await keep(options.acmeCa, stateDir, 'acme-ca.pem') }),
    allow: options.allow === 'none' ? '' : formatAllowList(parseAllowList(options.allow)),
    ...(options.tunnel && { interfaceName: options.interface }),
    listen: { addresses: options.listen, httpPort: Number(options.httpPort), httpsPort: Number(options.httpsPort) },
    ...((ipv4 || ipv6) && { address: { ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) } }),
  };
}

/** A copy in the state directory, so that the original may go away. */
async function keep(file: string, stateDir: string, name: string): Promise<string> {
  const path = joinPath(stateDir, name);
  await writeFile(path, await readFile(file, 'utf8'), { mode: 0o600 });
  return path;
}

async function readToken(file: string | undefined): Promise<string> {
  if (file === undefined && process.stdin.isTTY) console.error('paste the token, then Enter and Ctrl-D:');
  const found = (file === undefined ? await text(process.stdin) : await readFile(file, 'utf8')).trim();
  if (found.length > 0 && found.length <= TOKEN_BYTES_MAX) return found;
  throw new KokoaError('bad_token', found.length === 0 ? 'no token was given' : 'the token is too long', {
    hint: 'give it by --token-file, or pipe it to standard input; it is never an argument',
  });
}

function nodeNameIn(token: string): string {
  try {
    const { sub } = decodeJwt(token);
    if (typeof sub === 'string') return sub;
  } catch {
    // Not a JWT: said below.
  }
  throw new KokoaError('bad_token', 'this is not a node token', {
    hint: 'use the whole line that `kokoa edge add` or `kokoa origin add` showed',
  });
}
