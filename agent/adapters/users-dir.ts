// Lists of users on disk, `users/NAME.htpasswd`. Law: root and the web server's group read them, nobody else, from the first byte; a
// reader sees the old list or the new one.
import { chmod, chown, lstat, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { isUsersFileName } from '../core/users-file.ts';
import type { UsersStore } from '../ports/users-store.ts';
import { diskTrouble } from './disk-trouble.ts';
import { clearLeftovers, makeOwnDirectory, temporaryName } from './durable-write.ts';
import { createPrivateFile, syncFolder } from './private-file.ts';

const FOLDER_MODE = 0o750;
const FILE_MODE = 0o640;
const FILE_BYTES_MAX = 64 * 1024;

export interface UsersDirOptions {
  dir: string;
  /** Group of the web server's workers. Set only as root. */
  gid?: number;
}

/** The directory is made at the first write. One writer at a time. */
export function createUsersDir({ dir, gid }: UsersDirOptions): UsersStore {
  async function write(name: string, text: string): Promise<void> {
    // The mode and the group are set besides: a umask, or an older version, may have left others.
    await makeOwnDirectory(dir, FOLDER_MODE);
    await chmod(dir, FOLDER_MODE);
    if (gid !== undefined) await chown(dir, process.getuid?.() ?? 0, gid);
    await clearLeftovers(dir);
    const temporary = temporaryName(join(dir, name));
    try {
      await createPrivateFile(temporary, text, { mode: FILE_MODE, ...(gid !== undefined && { gid }) });
      await rename(temporary, join(dir, name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(dir);
  }

  return {
    list: () => readdir(dir).catch(() => []),

    async read(name) {
      if (!isUsersFileName(name)) return undefined;
      try {
        const found = await lstat(join(dir, name));
        const ours = (found.mode & 0o777) === FILE_MODE && (gid === undefined || found.gid === gid);
        return ours && found.isFile() && found.size <= FILE_BYTES_MAX
          ? await readFile(join(dir, name), 'utf8')
          : undefined;
      } catch {
        return undefined;
      }
    },

    write: (name, text) => told(name, () => write(name, text)),
    remove: (name) => told(name, () => rm(join(dir, name), { recursive: true, force: true })),
  };

  async function told(name: string, work: () => Promise<void>): Promise<void> {
    const shown = JSON.stringify(join(dir, name.slice(0, 100)));
    try {
      // A folder's entry, never a path: what `list` answered was in it.
      if (name.includes('/') || name === '.' || name === '..') throw new Error('no name of an entry');
      await work();
    } catch (cause) {
      throw new KokoaError('users_store_failed', `cannot change ${shown}: ${diskTrouble(cause)}`, {
        hint: 'check space and permissions of the state directory',
        cause,
      });
    }
  }
}
