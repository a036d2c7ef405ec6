// Opens the one database file, for the reconciler, which holds the directory for itself, or for a command that works beside it. Every
// failure is in words that say what to do.
import { accessSync, constants, existsSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KokoaError } from '../../bundle/error.ts';
import { makeFolderSync } from './make-folder.ts';
import { migrate, requireNewest } from './store-schema.ts';

export const DATABASE_FILE = 'kokoa.sqlite';
/** Whoever holds its lock is the reconciler; nothing is in it. */
const LOCK_FILE = 'reconciler.lock';

/** How long a starting reconciler waits for the one before it to let go, and anybody for the end of somebody else's transaction. */
const LOCK_TIMEOUT_MS = 2000;

/** SQLite result codes, https://www.sqlite.org/rescode.html */
const CORRUPT_CODES = new Set([11, 26]);
const LOCKED_CODES = new Set([5, 6]);
const CAUSES: Record<number, string> = {
  8: 'the directory cannot be written',
  10: 'the disk reports an error',
  13: 'the disk is full',
  14: 'the file cannot be opened',
};

/** Kept here until they are closed: what nobody refers to is collected, and its lock goes with it. */
const locks = new Set<DatabaseSync>();

export interface OwnedDatabase {
  database: DatabaseSync;
  close(): void;
}

/**
 * For the reconciler, of which a directory has one at a time. The lock is the kernel's and ends with the process, so a killed reconciler
 * leaves none behind. @throws KokoaError store_locked, store_damaged, store_too_new, store_failed
 */
export function openDatabase(directory: string): OwnedDatabase {
  return translated(directory, () => {
    makeFolderSync(directory);
    const lock = lockOf(directory);
    locks.add(lock);
    const unlock = () => {
      if (locks.delete(lock)) lock.close();
    };
    try {
      const database = connected(directory, (opened) => {
        const [verdict] = Object.values(opened.prepare('PRAGMA quick_check(1)').get() ?? {});
        if (verdict !== 'ok') throw damaged(directory, String(verdict));
        migrate(opened);
      });
      const close = () => {
        if (database.isOpen) database.close();
        unlock();
      };
      return { database, close };
    } catch (error) {
      unlock();
      throw error;
    }
  });
}

/** Held until it is closed: nothing ends its transaction. What is written in the file is of no use to anybody, and may be damaged. */
function lockOf(directory: string): DatabaseSync {
  const path = join(directory, LOCK_FILE);
  const lock = new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MS });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (!CORRUPT_CODES.has(primaryCode(error)) || statSync(path).size === 0) throw error;
    truncateSync(path);
    return lockOf(directory);
  }
}

/**
 * The store of a reconciler that may run at this moment; nothing is made that is not there.
 * @throws KokoaError store_missing, store_denied, store_too_old, and what openDatabase throws
 */
export function openDatabaseBeside(directory: string): DatabaseSync {
  return translated(directory, () => {
    requireFile(directory);
    return connected(directory, requireNewest);
  });
}

/** True while a reconciler holds the directory. */
export function hasReconciler(directory: string): boolean {
  return translated(directory, () => {
    // Made by root here, the reconciler could not open it.
    if (!existsSync(join(directory, LOCK_FILE))) return false;
    const lock = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return false;
    } catch (error) {
      if (LOCKED_CODES.has(primaryCode(error))) return true;
      throw error;
    } finally {
      lock.close();
    }
  });
}

function connected(directory: string, check: (database: DatabaseSync) => void): DatabaseSync {
  const database = new DatabaseSync(join(directory, DATABASE_FILE), { timeout: LOCK_TIMEOUT_MS, defensive: true });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT');
    check(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function requireFile(directory: string): void {
  try {
    accessSync(join(directory, DATABASE_FILE), constants.R_OK | constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new KokoaError('store_missing', `there is no store in ${directory}`, {
        hint: 'Name the directory that kokoa serve was given as --data.',
        cause: error,
      });
    throw new KokoaError('store_denied', `the store in ${directory} may not be written by this user`, {
      hint: 'Run it as the user of the reconciler, or as root.',
      cause: error,
    });
  }
}

/** Runs `work` and turns what SQLite throws into a KokoaError. */
export function translated<T>(directory: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof KokoaError) throw error;
    const primary = primaryCode(error);
    if (CORRUPT_CODES.has(primary)) throw damaged(directory, (error as Error).message, error);
    if (LOCKED_CODES.has(primary))
      throw new KokoaError('store_locked', `another process uses the store in ${directory}`, {
        hint: 'One reconciler per directory: stop the other one, or name another directory. If it is a command that uses it, try again.',
        cause: error,
      });
    const why = CAUSES[primary] ?? (error as Error).message;
    throw new KokoaError('store_failed', `the store in ${directory} failed: ${why}`, {
      hint: 'Check free space, permissions and the disk. Nothing was written.',
      cause: error,
    });
  }
}

function primaryCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

function damaged(directory: string, found: string, cause?: unknown): KokoaError {
  return new KokoaError('store_damaged', `the store in ${directory} is damaged: ${found.slice(0, 200)}`, {
    hint: `Move ${directory} away and start again: it is rebuilt from git and from what the nodes report; no node loses its configuration.`,
    cause,
  });
}
