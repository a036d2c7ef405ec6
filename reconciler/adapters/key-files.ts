// The keys directory of a reconciler: `root/N.root.json` (public), `online.json` (three private keys, 0600) and, for a set to try things
// out with, the marker DEVELOPMENT and the root key itself. Nothing is ever overwritten, and a key that others can read is refused.
import { rm } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { exportPem, generateKey, generateOnlineKeys, type OnlineKeys, type Signer } from '../../bundle/keys.ts';
import { isRefusal } from '../../bundle/refusal.ts';
import { createRoot, DEVELOPMENT_FIELD, readRoot, rootFingerprint, rotateRoot } from '../../bundle/root.ts';
import { verifyRootChain } from '../../bundle/root-chain.ts';
import { ONLINE_FILE, onlineText, readOnlineKeys, readRootKeys, readRoots, rootFile } from './key-reading.ts';

import { checkAbsent, exists, type NewFile, placeDirectory, replaceFile } from './key-writing.ts';

export interface KeySet {
  /** Exact texts of root version 1, 2, … */
  roots: string[];
  online: OnlineKeys;
  /** True when the set is marked as good for trying out only. */
  development: boolean;
  /** sha256 hex of root version 1: what nodes pin. */
  fingerprint: string;
  /** When the newest root ends, ms since the epoch. */
  rootExpiresMs: number;
}

export interface ProductionOptions {
  dir: string;
  /** A new directory for the root keys, to be taken offline. Outside `dir`. */
  rootDir: string;
  /** How many root keys; default 3. */
  keys?: number;
  /** How many of them must sign the next root; default 2. */
  threshold?: number;
  now: Date;
}

export const DEVELOPMENT_MARKER = 'DEVELOPMENT';
export const ROOT_LIFETIME_MS = 2 * 365 * 24 * 60 * 60 * 1000;
const ROOT_KEYS_MAX = 16;

const MARKER_TEXT = `These keys are for trying Kokoa Proxy out: the root key lies beside the others.
A reconciler with them serves loopback only. Make real ones with: kokoa keys init --production
`;

/**
 * Loads a set. Roots newer than the online keys (a rotation that was cut off) are left out.
 * @throws KokoaError keys_missing, key_exposed, keys_damaged
 */
export async function loadKeys(dir: string): Promise<KeySet> {
  const texts = await readRoots(dir);
  const online = await readOnlineKeys(dir);
  for (let count = texts.length; count > 0; count -= 1) {
    const roots = texts.slice(0, count);
    const chain = verifyRootChain(roots, rootFingerprint(roots[0] ?? ''));
    if (isRefusal(chain)) throw damaged(dir, chain.detail);
    const { signed } = chain.root;
    const named = (['timestamp', 'snapshot', 'targets'] as const).every((role) =>
      signed.roles[role]?.keyIDs.includes(online[role].keyId),
    );
    if (!named) continue;
    const development = (await exists(join(dir, DEVELOPMENT_MARKER))) || DEVELOPMENT_FIELD in signed.unrecognizedFields;
    const fingerprint = rootFingerprint(roots[0] ?? '');
    return { roots, online, development, fingerprint, rootExpiresMs: Date.parse(signed.expires) };
  }
  throw damaged(dir, 'no root names the keys in online.json');
}

/** Makes a marked set with its one root key beside it. @throws KokoaError keys_exist */
export async function createDevelopmentKeys(dir: string, now: Date): Promise<void> {
  const [root, online] = [generateKey(), generateOnlineKeys()];
  const text = createRoot({ rootKeys: [root], threshold: 1, online, expires: rootEnd(now), development: true });
  await checkAbsent(dir);
  await placeDirectory(dir, [
    ...setFiles(text, online),
    { path: DEVELOPMENT_MARKER, text: MARKER_TEXT, mode: 0o644 },
    ...rootKeyFiles([root]),
  ]);
}

/** Makes a set whose root keys go to another directory. @throws KokoaError keys_exist, keys_invalid */
export async function createProductionKeys(options: ProductionOptions): Promise<void> {
  const { dir, rootDir, keys = 3, threshold = 2, now } = options;
  if (
    !Number.isInteger(keys) ||
    !Number.isInteger(threshold) ||
    keys > ROOT_KEYS_MAX ||
    threshold < 1 ||
    threshold > keys
  ) {
    throw invalid(`found ${threshold} of ${keys} root keys, expected 1 ≤ threshold ≤ keys ≤ ${ROOT_KEYS_MAX}`);
  }
  if (
    `${resolve(rootDir)}${sep}`.startsWith(`${resolve(dir)}${sep}`) ||
    `${resolve(dir)}${sep}`.startsWith(`${resolve(rootDir)}${sep}`)
  ) {
    throw invalid('the root keys must go to a directory of their own, outside the keys directory');
  }
  await checkAbsent(dir);
  await checkAbsent(rootDir);
  const rootKeys = Array.from({ length: keys }, generateKey);
  const online = generateOnlineKeys();
  const text = createRoot({ rootKeys, threshold, online, expires: rootEnd(now) });
  await placeDirectory(rootDir, rootKeyFiles(rootKeys));
  try {
    await placeDirectory(dir, setFiles(text, online));
  } catch (error) {
    await rm(rootDir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Replaces all three online keys by a new root, signed with the root keys in `rootDir` (default: the development root key). The new
 * root is written first and counts only when online.json follows. @throws KokoaError root_invalid, key_exposed, keys_missing
 */
export async function rotateKeys(dir: string, rootDir: string | undefined, now: Date): Promise<void> {
  const { roots } = await loadKeys(dir);
  const signers = await readRootKeys(rootDir ?? dir);
  requireEnough(roots.at(-1) ?? '', signers, rootDir ?? dir);
  const online = generateOnlineKeys();
  const text = rotateRoot(roots.at(-1) ?? '', { signers, online, expires: rootEnd(now) });
  await replaceFile(join(dir, rootFile(roots.length + 1)), text, 0o644);
  await replaceFile(join(dir, ONLINE_FILE), onlineText(online), 0o600);
}

/** Said with counts: which medium is missing is what somebody looks for. */
function requireEnough(root: string, signers: readonly Signer[], rootDir: string): void {
  const role = readRoot(root).signed.roles.root;
  const needed = role?.threshold ?? 1;
  const own = new Set(signers.map(({ keyId }) => keyId).filter((keyId) => role?.keyIDs.includes(keyId))).size;
  if (own >= needed) return;
  const others = signers.length > own ? ` of this set and ${signers.length - own} of another` : '';
  throw new KokoaError(
    'root_invalid',
    `${rootDir} holds ${own} root key${own === 1 ? '' : 's'}${others}, ${needed} are needed to sign the next root`,
    { hint: 'Copy the root-N.pem of as many media into one directory, name it by --root-dir, delete it afterwards.' },
  );
}

function setFiles(root: string, online: OnlineKeys): NewFile[] {
  return [
    { path: rootFile(1), text: root, mode: 0o644 },
    { path: ONLINE_FILE, text: onlineText(online), mode: 0o600 },
  ];
}

function rootKeyFiles(rootKeys: readonly Signer[]): NewFile[] {
  return rootKeys.map((key, index) => ({ path: `root-${index + 1}.pem`, text: exportPem(key), mode: 0o600 }));
}

function rootEnd(now: Date): Date {
  return new Date(now.getTime() + ROOT_LIFETIME_MS);
}

function invalid(message: string): KokoaError {
  return new KokoaError('keys_invalid', message, { hint: 'See: kokoa keys init --help' });
}

function damaged(dir: string, detail: string): KokoaError {
  return new KokoaError('keys_damaged', `the keys in ${dir} do not fit together: ${detail}`, {
    hint: 'Restore the directory from its backup.',
  });
}
