// Opens the node of a state directory for a command. Law: a directory that this user may not read is not taken for an empty one, a join
// that was killed while it put its files into place is ended first, and whoever changes something reads only once the lock is his.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { finishJoin, isDecided } from '../adapters/joined-files.ts';
import { readSettings } from '../adapters/settings-file.ts';
import { lockState, type StateLock } from '../adapters/state-lock.ts';
import { type Node, openNode } from '../node.ts';
import type { Settings } from '../ports/settings.ts';

/** @throws KokoaError state_unreadable for another user than the one who joined, and what `openNode` throws */
export async function openJoined(stateDir: string): Promise<Node> {
  await requireOwn(stateDir);
  await finishJoin(stateDir);
  return openNode(stateDir);
}

/**
 * The same for a command that changes it: a join that ended a moment ago counts whole, or its token would go to the URL before it.
 * @throws KokoaError state_in_use, and what `openJoined` throws; where no agent joined, nothing is written
 */
export async function openAlone(stateDir: string): Promise<{ node: Node; lock: StateLock }> {
  await requireOwn(stateDir);
  await readSettings(stateDir).catch(async (error: unknown) => {
    if (!(await isDecided(stateDir))) throw error;
  });
  const { lock, found } = await underLock(stateDir, () => openJoined(stateDir));
  return { lock, node: found };
}

/** What `read` finds when nobody else changes the directory, and the lock; what it throws gives that up. @throws KokoaError state_in_use */
export async function underLock<T>(stateDir: string, read: () => Promise<T>): Promise<{ lock: StateLock; found: T }> {
  const lock = await lockState(stateDir);
  try {
    return { lock, found: await read() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** What this machine was told at join. @throws KokoaError state_unreadable, and what `readSettings` throws */
export async function readJoined(stateDir: string): Promise<Settings> {
  await requireOwn(stateDir);
  await finishJoin(stateDir);
  return readSettings(stateDir);
}

/** @throws KokoaError state_unreadable for another user than the one who joined */
export async function requireOwn(stateDir: string): Promise<void> {
  const path = join(stateDir, 'settings.json');
  // Never waits: a pipe may stand there.
  const failure = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).then(
    (file) => file.close(),
    (cause: NodeJS.ErrnoException) => cause,
  );
  if (failure?.code !== 'EACCES') return;
  throw new KokoaError('state_unreadable', `this user may not read ${path}`, {
    hint: 'run it as root, or as the user who joined',
    cause: failure,
  });
}
