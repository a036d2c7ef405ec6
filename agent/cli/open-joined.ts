// Opens the node of a state directory for a command. Law: a directory that this user may not read is not taken for an empty one, and a
// join that was killed while it put its files into place is ended first.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { finishJoin } from '../adapters/joined-files.ts';
import { readSettings } from '../adapters/settings-file.ts';
import { type Node, openNode } from '../node.ts';
import type { Settings } from '../ports/settings.ts';

/** @throws KokoaError state_unreadable for another user than the one who joined, and what `openNode` throws */
export async function openJoined(stateDir: string): Promise<Node> {
  await requireOwn(stateDir);
  await finishJoin(stateDir);
  return openNode(stateDir);
}

/** What this machine was told at join. @throws KokoaError state_unreadable, and what `readSettings` throws */
export async function readJoined(stateDir: string): Promise<Settings> {
  await requireOwn(stateDir);
  await finishJoin(stateDir);
  return readSettings(stateDir);
}

async function requireOwn(stateDir: string): Promise<void> {
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
