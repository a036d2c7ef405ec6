// Writes edge and origin files with a fresh token, and renews tokens.

import { isDeepStrictEqual } from 'node:util';
import ipaddr from 'ipaddr.js';
import { sha256Hex } from '../../bundle/canonical.ts';
import type { NodeRole } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { loadKeys } from '../adapters/key-files.ts';
import { mintToken } from '../adapters/token-mint.ts';
import { freeAddress } from '../core/free-address.ts';
import { loadFile } from '../core/load.ts';
import { edgeYaml, originYaml, withToken } from '../core/new-files.ts';
import { type DataFolder, openDataFolder, refuseExisting, replaceFile, writeNewFile } from './data-folder.ts';
import { dataTop } from './data-top.ts';
import { addressWarnings, type PublicAddress } from './edge-address.ts';
import { throwKeysNotHere } from './keys-not-here.ts';
import { nodeSteps } from './next-steps.ts';

const KEYS_HINT =
  'name the directory that the reconciler has as --keys, or leave --keys out here: it only prints the fingerprint';

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export interface TokenOptions {
  dir?: string;
  keys?: string;
}

export interface EdgeOptions extends TokenOptions {
  address?: string[];
  wireguardAddress?: string;
  pool?: string;
}

export interface OriginOptions extends TokenOptions {
  team: string[];
  wireguardAddress?: string;
}

/** False: not written, the problems are printed. */
export async function addEdge(name: string, options: EdgeOptions): Promise<boolean> {
  const address = publicAddress(options.address ?? []);
  return addNode('edge', name, options, (folder, wireguardAddress, tokenSha256) => {
    for (const text of addressWarnings(address, folder.judgement.loaded))
      console.error(`warning: ${text.replaceAll('\n', '\n  ')}`);
    const pool = options.pool ?? folder.kokoa.pools[0]?.name;
    return edgeYaml({ name, address, wireguardAddress, tokenSha256, ...(pool !== undefined && { pool }) });
  });
}

/** False: not written, the problems are printed. */
export async function addOrigin(name: string, options: OriginOptions): Promise<boolean> {
  return addNode('origin', name, options, (_, wireguardAddress, tokenSha256) =>
    originYaml({ name, teams: options.team, wireguardAddress, tokenSha256 }),
  );
}

/**
 * Replaces token and generation of a node file and nothing else. False: not written, the problems are printed.
 * @throws KokoaError name_unknown, state_keeps_out, layout_unknown
 */
export async function renewToken(role: NodeRole, name: string, options: TokenOptions): Promise<boolean> {
  const path = pathOf(role, name);
  const folder = openDataFolder(dataTop(options.dir));
  const fingerprint = await fingerprintOf(options.keys);
  const before = folder.judgement.loaded.find((file) => file.path === path);
  if (before === undefined || before.kind !== role || before.value === undefined) {
    throw new KokoaError('name_unknown', `${path} is missing or not valid`, {
      hint: `kokoa ${role} add ${name} writes it`,
    });
  }
  refuseKeptOut(name, path, before.value.state);
  const generation = (before.value.generation ?? 1) + 1;
  const { token, sha256 } = await mintToken({ node: name, generation });
  const bytes = folder.judgement.files.find((file) => file.path === path)?.bytes;
  const text = withToken(Buffer.from(bytes ?? []).toString(), sha256, generation);
  const after = loadFile(path, sha256Hex(text), Buffer.from(text)).value;
  if (!isDeepStrictEqual(after, { ...before.value, token: `sha256:${sha256}`, generation })) {
    throw new KokoaError('layout_unknown', `${path} is laid out in a way this command cannot edit`, {
      hint: `write token: and generation: ${generation} as lines of their own, then run it again`,
    });
  }
  if (!(await replaceFile(folder, path, text))) return false;
  announce({ role, name, path, folder, fingerprint, token, generation });
  return true;
}

const NOT_EXPOSED = 'when no certificate is `exposed` any more (docs/operate.md, States), ';

/** A new token would change nothing for such a machine, but what the state asks of others would be asked anew. */
function refuseKeptOut(name: string, path: string, state: string | undefined): void {
  if (state === undefined || state === 'active' || state === 'draining') return;
  throw new KokoaError('state_keeps_out', `${path} says state: ${state}, so ${name} could not join with a new token`, {
    hint: `${state === 'compromised' ? NOT_EXPOSED : ''}write state: active there, if it is to be in again, and run this once more: one merge takes both`,
  });
}

async function addNode(
  role: NodeRole,
  name: string,
  options: TokenOptions & { wireguardAddress?: string },
  textOf: (folder: DataFolder, wireguardAddress: string, tokenSha256: string) => string,
): Promise<boolean> {
  const path = pathOf(role, name);
  const folder = openDataFolder(dataTop(options.dir));
  const fingerprint = await fingerprintOf(options.keys);
  await refuseExisting(folder, path, existingHint(role, name, path));
  const wireguardAddress = options.wireguardAddress ?? nextAddress(folder, role);
  const { token, sha256 } = await mintToken({ node: name, generation: 1 });
  if (!(await writeNewFile(folder, path, textOf(folder, wireguardAddress, sha256)))) return false;
  announce({ role, name, path, folder, fingerprint, token, generation: 1 });
  return true;
}

/** What somebody wants who adds a machine again. */
function existingHint(role: NodeRole, name: string, path: string): string {
  const token = `for a new token: kokoa ${role} token ${name}`;
  if (role === 'origin') return token;
  return `for its public address, write into ${path}:\n  address:\n    ipv4: 198.51.100.11\n${token}`;
}

interface Announcement {
  role: NodeRole;
  name: string;
  path: string;
  folder: DataFolder;
  fingerprint: string | undefined;
  token: string;
  generation: number;
}

function announce({ role, name, path, folder, fingerprint, token, generation }: Announcement): void {
  const url = (folder.kokoa.controlPlane.urls[0] ?? 'URL').replace(/\/$/, '');
  console.error(`wrote ${path}`);
  console.log(token);
  for (const line of nodeSteps({ role, name, path, dir: folder.dir, url, fingerprint, generation }))
    console.error(line);
}

/** Read before anything is written: a file whose token was never shown would be of no use. */
async function fingerprintOf(keys: string | undefined): Promise<string | undefined> {
  if (keys === undefined) return undefined;
  return (await loadKeys(keys).catch((error: unknown) => throwKeysNotHere(keys, error, KEYS_HINT))).fingerprint;
}

function pathOf(role: NodeRole, name: string): string {
  if (NAME.test(name)) return `${role}s/${name}.yaml`;
  throw usage(`found the name ${JSON.stringify(name.slice(0, 80))}, expected lower-case letters, digits and dashes`);
}

function nextAddress({ judgement, kokoa }: DataFolder, role: NodeRole): string {
  const taken = new Set<string>();
  for (const file of judgement.loaded) {
    if ((file.kind === 'edge' || file.kind === 'origin') && file.value) taken.add(file.value.wireguard.address);
  }
  const address = freeAddress(kokoa.network.wireguard, taken, role);
  if (address !== undefined) return address;
  throw new KokoaError('network_full', `found no free address in ${kokoa.network.wireguard}`, {
    hint: 'name one with --wireguard-address, or widen network.wireguard in kokoa.yaml',
  });
}

function publicAddress(addresses: readonly string[]): PublicAddress {
  const found: PublicAddress = {};
  for (const address of addresses) {
    const kind = ipaddr.IPv4.isValidFourPartDecimal(address)
      ? 'ipv4'
      : ipaddr.IPv6.isValid(address)
        ? 'ipv6'
        : undefined;
    if (kind === undefined)
      throw usage(`found --address ${JSON.stringify(address.slice(0, 80))}, expected an IP address`);
    if (found[kind] !== undefined)
      throw usage('found two addresses of one family, expected one IPv4 and one IPv6 address');
    found[kind] = address;
  }
  return found;
}

function usage(message: string): KokoaError {
  return new KokoaError('usage', message);
}
