// What a join decided, put in the place of what was there: settings, token, CAs, the first bundle. Law: all of it or nothing, wherever a
// machine loses its power; the one rename of `joining` to `joined` is the moment, and whoever comes next carries the files to their places.
import { lstat, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../ports/settings.ts';
import { clearLeftovers, makeOwnDirectory, orUnwritable, syncDirectory, writeAllDurably } from './durable-write.ts';
import { saveToken } from './node-keys.ts';
import { writeSettings } from './settings-file.ts';
import { isStateDir } from './state-remains.ts';

/** Names in the state directory. */
export const CONTROL_PLANE_CA = 'control-plane-ca.pem';
export const ACME_CA = 'acme-ca.pem';
const NAMES = [CONTROL_PLANE_CA, ACME_CA, 'floor', 'trusted', 'token', 'settings.json'];

export interface JoinedFiles {
  settings: Settings;
  token: string;
  /** File name → PEM, of the CAs that were given now. */
  authorities: ReadonlyMap<string, string>;
  /** Writes `floor` and `trusted` of the first bundle into a directory, unless they stand in their places already. */
  placeBundle(directory: string): Promise<void>;
}

/**
 * Replaces them in one step, durably. The caller holds the lock. `justBefore` runs when all of it is on the disk and nothing is decided:
 * what it throws ends the join.
 * @throws KokoaError state_unwritable, bad_token, and what settings are refused for
 */
export async function keepJoined(
  stateDir: string,
  { settings, token, authorities, placeBundle }: JoinedFiles,
  justBefore: () => Promise<void> = async () => undefined,
): Promise<void> {
  const [joining, joined] = [join(stateDir, 'joining'), join(stateDir, 'joined')];
  await carry(stateDir);
  await clearLeftovers(stateDir);
  // What is still there is damage, or of a join that was cut before it was decided.
  for (const path of [joining, joined]) await orUnwritable(path, () => rm(path, { recursive: true, force: true }));
  await makeOwnDirectory(joining);
  await writeAllDurably(joining, authorities, { mode: 0o600 });
  await saveToken(joining, token);
  await placeBundle(joining);
  await writeSettings(joining, settings);
  await justBefore();
  for (const name of NAMES) await removeDirectory(join(stateDir, name));
  await orUnwritable(stateDir, () => rename(joining, joined));
  await syncDirectory(stateDir);
  await carry(stateDir);
}

/**
 * Ends what a killed join had decided; nothing where there is none, or where no agent joined. Several may do it at once.
 * @throws KokoaError state_unwritable, state_unreadable
 */
export async function finishJoin(stateDir: string): Promise<void> {
  if (await isDecided(stateDir)) await carry(stateDir);
}

/** True when a killed join had decided. Many programs have a `settings.json`, and some a directory `joined`. @throws KokoaError state_unreadable */
export async function isDecided(stateDir: string): Promise<boolean> {
  // Nearly never; a disk that cannot be written must not keep a node from its last good configuration.
  const found = await lstat(join(stateDir, 'joined')).catch(() => undefined);
  return found !== undefined && isStateDir(stateDir);
}

async function carry(stateDir: string): Promise<void> {
  const joined = join(stateDir, 'joined');
  if ((await lstat(joined).catch(() => undefined)) === undefined) return;
  await orUnwritable(joined, async () => {
    for (const name of NAMES) await rename(join(joined, name), join(stateDir, name)).catch(unlessAbsent);
    await syncDirectory(stateDir);
    if (await removed(joined)) await syncDirectory(stateDir);
  });
}

/** False when it was not there, or another join has just put files into a new one. */
async function removed(directory: string): Promise<boolean> {
  return rmdir(directory).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY') unlessAbsent(error);
      return false;
    },
  );
}

/** In the place of a file it is damage; rename(2) would not replace it. */
async function removeDirectory(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory()) await orUnwritable(path, () => rm(path, { recursive: true, force: true }));
}

function unlessAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}
