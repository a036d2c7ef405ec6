// Opens the one database file: a single process, checked for damage, every failure in words that say what to do.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KokoaError } from '../../bundle/error.ts';
import { migrate } from './store-schema.ts';

export const DATABASE_FILE = 'kokoa.sqlite';

/** How long a starting reconciler waits for the one before it to let go. */
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

/**
 * The lock is the kernel's and ends with the process, so a killed reconciler leaves none behind.
 * @throws KokoaError store_locked, store_damaged, store_too_new, store_failed
 */
export function openDatabase(directory: string): DatabaseSync {
  return translated(directory, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(join(directory, DATABASE_FILE), { timeout: LOCK_TIMEOUT_MS, defensive: true });
    try {
      database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      database.exec('BEGIN IMMEDIATE; COMMIT');
      const [verdict] = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {});
      if (verdict !== 'ok') throw damaged(directory, String(verdict));
      migrate(database);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Runs `work` and turns what SQLite throws into a KokoaError. */
export function translated<T>(directory: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof KokoaError) throw error;
    const code = (error as { errcode?: number }).errcode ?? 0;
    const primary = code & 0xff;
    if (CORRUPT_CODES.has(primary)) throw damaged(directory, (error as Error).message, error);
    if (LOCKED_CODES.has(primary))
      throw new KokoaError('store_locked', `another process uses the store in ${directory}`, {
        hint: 'One reconciler per directory: stop the other one, or name another directory.',
        cause: error,
      });
    const why = CAUSES[primary] ?? (error as Error).message;
    throw new KokoaError('store_failed', `the store in ${directory} failed: ${why}`, {
      hint: 'Check free space, permissions and the disk. Nothing was written.',
      cause: error,
    });
  }
}

function damaged(directory: string, found: string, cause?: unknown): KokoaError {
  return new KokoaError('store_damaged', `the store in ${directory} is damaged: ${found.slice(0, 200)}`, {
    hint: `Move ${directory} away and start again: it is rebuilt from git and from what the nodes report; no node loses its configuration.`,
    cause,
  });
}
