// Reads and names the files of a keys directory. Private keys are read only from files that nobody else can read.
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import { exportPem, type OnlineKeys, type Signer, signerFromPem } from '../../bundle/keys.ts';
import { METADATA_BYTES_MAX } from '../../bundle/limits.ts';
import { ROOT_CHAIN_MAX } from '../../bundle/root-chain.ts';

export const ONLINE_FILE = 'online.json';
const ROOT_KEYS_MAX = 16;

/** Where root version `version` is, relative to the keys directory. */
export function rootFile(version: number): string {
  return join('root', `${version}.root.json`);
}

/** The content of online.json: three PEMs. */
export function onlineText(online: OnlineKeys): string {
  const { targets, snapshot, timestamp } = online;
  return canonicalJson({
    targets: exportPem(targets),
    snapshot: exportPem(snapshot),
    timestamp: exportPem(timestamp),
  });
}

/** Texts of root 1, 2, … as found, at least one. @throws KokoaError keys_missing */
export async function readRoots(dir: string): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < ROOT_CHAIN_MAX) {
    const text = await readFileOf(join(dir, rootFile(texts.length + 1)), false);
    if (text === undefined) break;
    texts.push(text);
  }
  if (texts.length === 0) throw missing(dir);
  return texts;
}

/** @throws KokoaError keys_missing, key_exposed, keys_damaged */
export async function readOnlineKeys(dir: string): Promise<OnlineKeys> {
  const path = join(dir, ONLINE_FILE);
  const text = await readFileOf(path, true);
  if (text === undefined) throw missing(dir);
  let pems: Partial<Record<keyof OnlineKeys, unknown>>;
  try {
    pems = JSON.parse(text) as typeof pems;
  } catch {
    throw damaged(path);
  }
  const signer = (pem: unknown): Signer => {
    if (typeof pem !== 'string') throw damaged(path);
    return signerFromPem(pem);
  };
  return { targets: signer(pems?.targets), snapshot: signer(pems?.snapshot), timestamp: signer(pems?.timestamp) };
}

/** The signers of every `root-N.pem` in `dir`. @throws KokoaError keys_missing, key_exposed */
export async function readRootKeys(dir: string): Promise<Signer[]> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => /^root-\d{1,2}\.pem$/.test(name));
  const signers: Signer[] = [];
  for (const name of names.slice(0, ROOT_KEYS_MAX)) {
    const pem = await readFileOf(join(dir, name), true);
    if (pem !== undefined) signers.push(signerFromPem(pem));
  }
  if (signers.length > 0) return signers;
  throw new KokoaError('keys_missing', `there is no root key (root-1.pem, …) in ${dir}`, {
    hint: 'Name the directory with the root keys: --root-dir DIR',
  });
}

async function readFileOf(path: string, secret: boolean): Promise<string | undefined> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new KokoaError('keys_unreadable', `cannot read ${path} (${error.code})`, {
      ...(error.code === 'EACCES' && {
        hint: 'Run it as the user of the reconciler, to whom the keys belong, or as root.',
      }),
      cause: error,
    });
  });
  if (handle === undefined) return undefined;
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size > METADATA_BYTES_MAX) throw damaged(path);
    if (secret && (found.mode & 0o077) !== 0) {
      throw new KokoaError('key_exposed', `${path} has mode ${(found.mode & 0o777).toString(8)}, expected 600`, {
        hint: `If nobody else read it: chmod 600 ${path}. Otherwise replace the keys: kokoa keys rotate`,
      });
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function missing(dir: string): KokoaError {
  return new KokoaError('keys_missing', `there are no keys in ${dir}`, {
    hint: `Make some: kokoa keys init --dir ${dir}`,
  });
}

function damaged(path: string): KokoaError {
  return new KokoaError('keys_damaged', `${path} is not a file that kokoa keys init wrote`, {
    hint: 'Restore it from its backup.',
  });
}
