// One agent per state directory. Law: the lock is the kernel's, so it ends with its process and is never stale. Node has no
// flock(2); SQLite's lock on a database file (fcntl(2)) is one.
import { lstat, open, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KokoaError } from '../../bundle/error.ts';
import { diskTrouble } from './disk-trouble.ts';
import { isStateDir } from './state-remains.ts';

const SQLITE_BUSY = 5;
/** Result codes of SQLite (sqlite.org/rescode.html) for what is no database, and for what a disk does to one. */
const DAMAGED = [11, 26];
const DISK_TROUBLE: Readonly<Record<number, string>> = { 8: 'EROFS', 10: 'EIO', 13: 'ENOSPC' };
/** SQLITE_CANTOPEN: of its journal, and SQLite does not pass on why. */
const CANNOT_OPEN = 14;
const UNOPENED = 'a file beside it cannot be opened: the disk is full or read-only, or this user may not';
/** Whoever only looks holds it for a moment. */
const PATIENCE_MS = 500;

export interface StateLock {
  release(): void;
}

/** @throws KokoaError state_in_use when another process holds it, state_unwritable */
export async function lockState(stateDir: string): Promise<StateLock> {
  const database = await tryLock(stateDir, PATIENCE_MS);
  if (database) return { release: () => database.close() };
  throw new KokoaError('state_in_use', `another kokoa-agent works in ${stateDir}`, {
    hint: 'stop it first, or give this one its own directory by --state',
  });
}

/** True while a process holds it. @throws KokoaError state_unwritable */
export async function isLocked(stateDir: string): Promise<boolean> {
  const database = await tryLock(stateDir, 0);
  database?.close();
  return database === undefined;
}

/** Once per process: closing any file handle on it would give the lock up, fcntl(2). */
async function tryLock(stateDir: string, timeout: number): Promise<DatabaseSync | undefined> {
  const path = join(stateDir, 'lock');
  try {
    // What is no file, or no database, holds nobody's lock: it is damage, or somebody else's.
    const found = await lstat(path).catch(() => undefined);
    if (found && !found.isFile()) {
      await requireOurs(stateDir, path);
      await rm(path, { recursive: true });
    }
    // Made here and not by SQLite: who may read a file may lock it.
    await (await open(path, 'a', 0o600)).close();
  } catch (cause) {
    if (cause instanceof KokoaError) throw cause;
    throw unwritable(path, (cause as NodeJS.ErrnoException).code, cause);
  }
  const database = new DatabaseSync(path, { timeout });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    // The upper bytes of a code say more than is asked here.
    const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
    if (code === SQLITE_BUSY) return undefined;
    if (code === CANNOT_OPEN) throw unwritable(path, undefined, new Error(UNOPENED));
    if (!DAMAGED.includes(code)) throw unwritable(path, DISK_TROUBLE[code], error);
    await requireOurs(stateDir, path);
    await truncate(path);
    return tryLock(stateDir, timeout);
  }
}

function unwritable(path: string, code: string | undefined, cause: unknown): KokoaError {
  const trouble = diskTrouble(code === undefined ? cause : { code });
  return new KokoaError('state_unwritable', `cannot lock ${path}: ${trouble}`, {
    hint: 'run the agent as the user who joined, on a disk that can be written',
    cause,
  });
}

/** Nothing is removed where no agent joined: a mistyped `--state /var` must not cost that machine its /var/lock. */
async function requireOurs(stateDir: string, path: string): Promise<void> {
  if (await isStateDir(stateDir)) return;
  throw new KokoaError('state_unwritable', `${path} is somebody else's: ${stateDir} is no agent's state`, {
    hint: 'name the directory of the agent, or an empty one, by --state',
  });
}
