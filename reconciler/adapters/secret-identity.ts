// The reconciler's own age identity in `sealing.key`. Law: made once and whole, mode 0600 from the first byte, never overwritten; a file
// that others can read is not used.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { KokoaError } from '../../bundle/error.ts';
import { makeFolder } from './make-folder.ts';

export const SEALING_KEY_FILE = 'sealing.key';
const FILE_BYTES_MAX = 4_096;
const IDENTITY = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/;

/** The identity, `AGE-SECRET-KEY-1…`; the first call makes it. @throws KokoaError key_exposed, key_damaged, key_unreadable */
export async function openSealingKey(dataDir: string): Promise<string> {
  const path = join(dataDir, SEALING_KEY_FILE);
  const text = (await readKey(path)) ?? (await makeKey(dataDir, path));
  // age's own tools write comments above the key.
  const identity = text.split('\n').find((line) => line !== '' && !line.startsWith('#'));
  if (identity !== undefined && IDENTITY.test(identity)) return identity;
  throw new KokoaError('key_damaged', `${path} holds no age X25519 identity`, {
    hint: 'Restore it from its backup. A new one opens nothing that was sealed before.',
  });
}

/** Of two that make it at once one wins, and both read the same. */
async function makeKey(dataDir: string, path: string): Promise<string> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await makeFolder(dataDir);
    await writeNew(temporary, `${await generateX25519Identity()}\n`);
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await syncFolder(dataDir);
  } catch (cause) {
    throw unreadable(path, cause, 'make');
  } finally {
    await rm(temporary, { force: true }).catch((cause: unknown) => {
      throw unreadable(temporary, cause, 'remove');
    });
  }
  const text = await readKey(path);
  if (text === undefined) throw unreadable(path, undefined, 'find');
  return text;
}

async function readKey(path: string): Promise<string | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unreadable(path, error, 'read');
  });
  if (file === undefined) return undefined;
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size > FILE_BYTES_MAX) throw unreadable(path, undefined, 'read');
    if ((found.mode & 0o077) !== 0)
      throw new KokoaError('key_exposed', `${path} has mode ${(found.mode & 0o777).toString(8)}, expected 600`, {
        hint: `If nobody else read it: chmod 600 ${path}. Otherwise move it away and seal everything anew.`,
      });
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    // A umask may have taken the owner's own bits.
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

function unreadable(path: string, cause: unknown, what: string): KokoaError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const found = code ? ` (${code})` : ': it is no ordinary file';
  const hint = 'The reconciler needs a data directory of its own, with space left.';
  return new KokoaError('key_unreadable', `cannot ${what} ${path}${found}`, { hint, cause });
}
