// What `join` was told, judged before anything is written: the options, the token, and what an earlier join on this machine said.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import type { NodeRole } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { checkSettings, readSettings } from '../adapters/settings-file.ts';
import { formatAllowList, parseAllowList } from '../core/allow-list.ts';
import type { Settings } from '../ports/settings.ts';
import { nodeNameIn, readTokenFrom } from './token.ts';

export interface JoinOptions {
  fingerprint: string;
  ca?: string;
  tokenFile?: string;
  allow: string;
  interface: string;
  tunnel: boolean;
  acmeCa?: string;
  role?: NodeRole;
  force?: boolean;
  listen: string[];
  httpPort: string;
  httpsPort: string;
  address?: string[];
}

export interface Told {
  token: string;
  settings: Settings;
  /** The tunnel's name before this join. */
  former: string | undefined;
  /** What `--ca` and `--acme-ca` named, to be kept: the originals may go away. */
  files: { path: string; pem: string }[];
}

/** Everything is judged before anything is written: a mistyped join leaves a working node as it was. */
export async function readWhatWasTold(stateDir: string, url: string, options: JoinOptions): Promise<Told> {
  const token = await readTokenFrom(options.tokenFile);
  const addresses = (options.address ?? []).map((address) => address.toLowerCase());
  const ipv4 = addresses.find((address) => !address.includes(':'));
  const ipv6 = addresses.find((address) => address.includes(':'));
  const caFile = joinPath(stateDir, 'control-plane-ca.pem');
  const acmeCaFile = joinPath(stateDir, 'acme-ca.pem');
  const node = nodeNameIn(token);
  const earlier = await readSettings(stateDir).catch(() => undefined);
  // Of another node nothing holds any more; torn settings say nothing.
  const before = earlier?.node === node ? earlier : undefined;
  const allow = options.allow === 'none' ? '' : formatAllowList(parseAllowList(options.allow));
  const role = options.role ?? (allow === '' ? before?.role : 'origin');
  const settings = checkSettings({
    node,
    urls: [url],
    fingerprint: options.fingerprint.replace(/^sha256:/, '').toLowerCase(),
    ...(options.ca && { caFile }),
    ...(options.acmeCa && { acmeCaFile }),
    allow,
    ...(role && { role }),
    ...(before?.network && { network: before.network }),
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
  return { token, settings, files, former: earlier?.interfaceName };
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
