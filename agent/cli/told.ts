// What `join` was told, judged before anything is written: the options, the token, and what an earlier join on this machine said, which
// stays where it is not said anew. Law: what cannot be read of an earlier join is never taken for nothing.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import type { NodeRole } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { ACME_CA, CONTROL_PLANE_CA, finishJoin } from '../adapters/joined-files.ts';
import { checkSettings } from '../adapters/settings-file.ts';
import { formatAllowList, parseAllowList } from '../core/allow-list.ts';
import type { Settings } from '../ports/settings.ts';
import { readFormer } from './former.ts';
import { nodeNameIn } from './token.ts';

/** An option that was not given is absent: nobody may take a default for somebody's word. */
export interface JoinOptions {
  fingerprint: string;
  ca?: string;
  tokenFile?: string;
  allow?: string;
  interface?: string;
  tunnel?: boolean;
  acmeCa?: string;
  role?: NodeRole;
  force?: boolean;
  listen?: string[];
  httpPort?: string;
  httpsPort?: string;
  address?: string[];
  approveRecipients?: boolean;
}

export interface Told {
  token: string;
  settings: Settings;
  /** What an earlier join of this node said. */
  before: Settings | undefined;
  /** PEM of the only CAs to trust for the control plane; absent: the system's. */
  ca: string | undefined;
  /** What `--ca` and `--acme-ca` named now, by the names to keep it under: the originals may go away. */
  authorities: ReadonlyMap<string, string>;
}

/** Written instead of a file. */
const SYSTEM = 'system';
const AUTO = 'auto';

/**
 * Everything is judged before anything is written: a mistyped join leaves a working node as it was.
 * @throws KokoaError bad_token, bad_ca, bad_allow_list, bad_control_plane_url, settings_invalid, settings_lost, other_node
 */
export async function judgeWhatWasTold(
  stateDir: string,
  url: string,
  token: string,
  options: JoinOptions,
): Promise<Told> {
  const node = nodeNameIn(token);
  await finishJoin(stateDir);
  const { node: former, settings: before } = await readFormer(stateDir, options);
  if (former !== undefined && former !== node) throw otherNode(stateDir, former, node);
  const authorities = new Map<string, string>();
  const authority = async (file: string | undefined, kept: string | undefined, name: string) => {
    if (file === undefined) return kept;
    if (file === SYSTEM) return undefined;
    authorities.set(name, await readAuthority(file));
    return joinPath(stateDir, name);
  };
  const caFile = await authority(options.ca, before?.caFile, CONTROL_PLANE_CA);
  const acmeCaFile = await authority(options.acmeCa, before?.acmeCaFile, ACME_CA);
  const settings = checkSettings({
    node,
    urls: [url],
    fingerprint: options.fingerprint.replace(/^sha256:/, '').toLowerCase(),
    ...(caFile && { caFile }),
    ...(acmeCaFile && { acmeCaFile }),
    ...roleAndPorts(options, before),
    ...(before?.network && { network: before.network }),
    ...tunnelOf(options, before),
    ...((options.approveRecipients ?? before?.approveRecipients) && { approveRecipients: true }),
    listen: {
      addresses: options.listen?.map((address) => address.toLowerCase()) ?? before?.listen.addresses ?? ['0.0.0.0'],
      httpPort: portOf(options.httpPort) ?? before?.listen.httpPort ?? 80,
      httpsPort: portOf(options.httpsPort) ?? before?.listen.httpsPort ?? 443,
    },
    ...addressOf(options, before),
  });
  const ca = caFile === undefined ? undefined : (authorities.get(CONTROL_PLANE_CA) ?? (await readAuthority(caFile)));
  return { token, settings, before, ca, authorities };
}

/** What is no number stays as it was said, to be shown. */
function portOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : text;
}

function otherNode(stateDir: string, found: string, told: string): KokoaError {
  return new KokoaError('other_node', `${stateDir} is the node ${found}, and the token is for ${told}`, {
    hint: `nothing was changed; take ${found} away first (kokoa-agent leave), or give ${told} a directory of its own by --state`,
  });
}

/** Who names ports has an origin; what an origin opens is nothing to an edge. */
function roleAndPorts({ role, allow }: JoinOptions, before: Settings | undefined): Pick<Settings, 'role' | 'allow'> {
  const kept = role === 'edge' ? '' : (before?.allow ?? '');
  const list = allow === undefined ? kept : allow === 'none' ? '' : formatAllowList(parseAllowList(allow));
  const isFor = role ?? (allow !== undefined && list !== '' ? 'origin' : before?.role);
  return { allow: list, ...(isFor && { role: isFor }) };
}

function tunnelOf(options: JoinOptions, before: Settings | undefined): Pick<Settings, 'interfaceName'> {
  const wasWithout = before !== undefined && before.interfaceName === undefined;
  const isWanted = options.tunnel ?? (options.interface !== undefined || !wasWithout);
  return isWanted ? { interfaceName: options.interface ?? before?.interfaceName ?? 'kokoa0' } : {};
}

function addressOf({ address }: JoinOptions, before: Settings | undefined): Pick<Settings, 'address'> {
  if (address === undefined) return before?.address ? { address: before.address } : {};
  const told = address.map((one) => one.toLowerCase()).filter((one) => one !== AUTO);
  const ipv4 = told.find((one) => !one.includes(':'));
  const ipv6 = told.find((one) => one.includes(':'));
  return ipv4 || ipv6 ? { address: { ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) } } : {};
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
