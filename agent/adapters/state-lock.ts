// One agent per state directory. Law: the lock is the kernel's, so it ends with its process and is never stale. Node has no
// flock(2); SQLite's lock on a database file (fcntl(2)) is one.
import { lstat, open, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KokoaError } from '../../bundle/error.ts';
import { isStateDir } from './state-remains.ts';

const SQLITE_BUSY = 5;
/** Result codes of SQLite for what is no database. */
const DAMAGED = [11, 26];
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
    throw new KokoaError('state_unwritable', `cannot open ${path}: ${(cause as NodeJS.ErrnoException).code}`, {
      hint: 'run the agent as the user who joined',
      cause,
    });
  }
  const database = new DatabaseSync(path, { timeout });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    if (!DAMAGED.includes((error as { errcode?: number }).errcode ?? 0)) throw error;
    await requireOurs(stateDir, path);
    await truncate(path);
    return tryLock(stateDir, timeout);
  }
}

/** Nothing is removed where no agent joined: a mistyped `--state /var` must not cost that machine its /var/lock. */
async function requireOurs(stateDir: string, path: string): Promise<void> {
  if (await isStateDir(stateDir)) return;
  throw new KokoaError('state_unwritable', `${path} is somebody else's: ${stateDir} is no agent's state`, {
    hint: 'name the directory of the agent, or an empty one, by --state',
  });
}
