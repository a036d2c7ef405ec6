// A secret in a file of its own. Law: it is made once and whole, with mode 0600 from the first byte, and a file that somebody else
// could have read is not used.
import { constants } from 'node:fs';
import { link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { diskTrouble } from './disk-trouble.ts';
import { clearLeftovers, syncDirectory, temporaryName } from './durable-write.ts';
import { createPrivateFile } from './private-file.ts';

const SECRET_BYTES_MAX = 8192;

/**
 * The text in `path`, or undefined when there is no such file.
 * @throws KokoaError secret_exposed when others may read it, secret_unreadable when it is no regular file of ours
 */
export async function readSecret(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw unreadable(path, error.code ?? 'unknown');
    },
  );
  if (!file) return undefined;
  try {
    const found = await file.stat();
    if (!found.isFile()) throw unreadable(path, 'not a regular file');
    if (found.size > SECRET_BYTES_MAX) throw unreadable(path, `more than ${SECRET_BYTES_MAX} bytes`);
    if (found.uid !== process.getuid?.()) throw unreadable(path, `it belongs to user ${found.uid}`);
    const mode = found.mode & 0o777;
    if ((mode & 0o077) !== 0) throw exposed(path, mode);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/**
 * Makes `path` hold `text`, unless it exists: of two that do this at once, one wins and both read the same afterwards. Nothing of it
 * stands anywhere else when this ends. @throws KokoaError state_unwritable
 */
export async function createSecretOnce(path: string, text: string): Promise<void> {
  await clearLeftovers(dirname(path));
  const temporary = temporaryName(path);
  try {
    await createPrivateFile(temporary, text, { mode: 0o600 });
    await link(temporary, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new KokoaError('state_unwritable', `cannot write ${path}: ${diskTrouble(cause)}`, {
        hint: 'No key was made. The agent must own its state directory.',
        cause,
      });
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
  await syncDirectory(dirname(path));
}

function exposed(path: string, mode: number): KokoaError {
  return new KokoaError('secret_exposed', `${path} has mode 0${mode.toString(8)}, expected 0600`, {
    hint: `others could have read it: remove it and join again with a new token, or run chmod 600 ${path} if you know better`,
  });
}

function unreadable(path: string, reason: string): KokoaError {
  return new KokoaError('secret_unreadable', `cannot use the secret in ${path}: ${reason}`, {
    hint: 'run the agent as the user who joined, and let that file be an ordinary one',
  });
}
