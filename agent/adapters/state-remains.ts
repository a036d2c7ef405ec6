// The state directory, taken away. Law: only what agents write goes; a directory that is no agent's state is not touched, and what
// somebody else put beside it stays.
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { syncDirectory } from './durable-write.ts';
import { readSettings } from './settings-file.ts';

/** Removed last, in this order: they say that this is a state directory, and whose. */
const MARKS = ['token', 'wireguard.key', 'settings.json', 'lock'];
const OTHERS = [
  ...['wireguard.key.next', 'wireguard.key.previous', 'signing.key', 'identity.key', 'pool.key'],
  ...[
    'control-plane-ca.pem',
    'acme-ca.pem',
    'trusted',
    'bundles',
    'chunks',
    'floor',
    'lkg',
    'state.json',
    'rotate-key.json',
  ],
  ...[
    'rotate-key.wish',
    'releases',
    'current',
    'run',
    'certs',
    'users',
    'acme',
    'endpoints.json',
    'answers.json',
    'backends-down.json',
  ],
  ...['kernel-settings.json', 'open-ports.json', 'lock-journal', 'lock-wal', 'lock-shm', 'joining', 'joined'],
  ...['recipients.json', 'approvals', 'unwanted-certificates.json'],
];
/** durable-write.ts: what a killed agent was writing. */
const TEMPORARY = /^\.(.+)\.\d{1,10}\.\d{1,16}\.tmp$/;
const NAMES_SHOWN_MAX = 5;

/** Nobody else has files of these names. */
const KEYS = ['wireguard.key', 'signing.key', 'identity.key'];

/**
 * True when an agent joined, or began to, with this directory. A `lock` or a `settings.json` alone proves nothing: /var, /run and many
 * projects have one.
 */
export async function isStateDir(stateDir: string): Promise<boolean> {
  const names = await namesIn(stateDir);
  if (!names.includes('lock') && !names.includes('settings.json')) return false;
  if (KEYS.some((key) => names.includes(key)) || (names.includes('lock') && names.every(isOurs))) return true;
  // Of keys that were lost, or that a killed `leave` had removed.
  return readSettings(stateDir).then(
    () => true,
    () => false,
  );
}

/** True when it holds, among other things, what an agent would write over and `leave` would take for an agent's. */
export async function isOthers(stateDir: string): Promise<boolean> {
  const names = await namesIn(stateDir);
  return names.some(isOurs) && !names.every(isOurs) && !(await isStateDir(stateDir));
}

/**
 * Removes the state and, when nothing else is in it, the directory. Answers what was done.
 * @throws KokoaError state_unwritable
 */
export async function removeState(stateDir: string): Promise<string[]> {
  if (!(await isStateDir(stateDir))) return [];
  const names = await namesIn(stateDir);
  const ours = names.filter((name) => isOurs(name) && !MARKS.includes(name));
  const others = names.filter((name) => !isOurs(name));
  try {
    for (const name of [...ours, ...MARKS]) await rm(join(stateDir, name), { recursive: true, force: true });
    await syncDirectory(stateDir);
    // A mount, or the end of a link, stays; nothing is in it any more.
    if (others.length === 0) await rmdir(stateDir).catch(unlessItMustStay);
  } catch (cause) {
    throw new KokoaError(
      'state_unwritable',
      `cannot remove ${stateDir}: ${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message}`,
      { hint: 'see what holds it (lsof, mount), then run the same command again', cause },
    );
  }
  const shown = others.slice(0, NAMES_SHOWN_MAX).join(', ');
  return others.length === 0
    ? [`removed ${stateDir} with keys and certificates`]
    : [`removed keys, certificates and state in ${stateDir}`, `left alone there, not the agent’s: ${shown}`];
}

function unlessItMustStay(error: NodeJS.ErrnoException): void {
  if (!['EBUSY', 'ENOTDIR'].includes(error.code ?? '')) throw error;
}

function isOurs(name: string): boolean {
  const whole = TEMPORARY.exec(name)?.[1] ?? name;
  return MARKS.includes(whole) || OTHERS.includes(whole);
}

/** Empty when there is no such directory, or this user may not look. @throws KokoaError state_unreadable when the disk does not say */
async function namesIn(stateDir: string): Promise<string[]> {
  const found = await stat(stateDir).catch(() => undefined);
  return found?.isDirectory() ? (await readdir(stateDir).catch(unlessHidden)).sort() : [];
}

function unlessHidden(cause: NodeJS.ErrnoException): string[] {
  if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(cause.code ?? '')) return [];
  throw new KokoaError('state_unreadable', `cannot list ${cause.path}: ${cause.code}`, {
    hint: 'see whether the disk is whole (dmesg), then run the same command again',
    cause,
  });
}
