// A clock of some programs alone, that can be set while they run, by libfaketime. Timers go on as they do when the clock of a
// machine is set: they are of another clock, which nobody sets.
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KokoaError } from '../bundle/error.ts';

export const DAY_MS = 24 * 3600_000;
export const YEAR_MS = 365 * DAY_MS;
/** Debian puts it below the architecture's folder. */
const FOLDERS = '/usr/lib';
/** They look at the file at most this often. */
export const NOTICED_MS = 1_000;

export interface WrongClock {
  /** What they are started with. */
  env: Record<string, string>;
  /** How far it is ahead from now on. */
  set(aheadMs: number): void;
}

/** `folder`: of its own. @throws KokoaError lab_no_faketime */
export function createWrongClock(folder: string, aheadMs = 0): WrongClock {
  const file = join(folder, 'clock');
  const set = (ms: number) => {
    const seconds = Math.round(ms / 1000);
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${file}.new`, file);
  };
  set(aheadMs);
  return {
    set,
    env: {
      ...{ LD_PRELOAD: library(), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_CACHE_DURATION: String(NOTICED_MS / 1_000) },
      // Times of files are those of the machine.
      ...{ DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1', FAKETIME_DISABLE_SHM: '1' },
    },
  };
}

function library(): string {
  const folders = readdirSync(FOLDERS).map((name) => join(FOLDERS, name, 'faketime', 'libfaketime.so.1'));
  const found = folders.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new KokoaError('lab_no_faketime', 'libfaketime is not installed', { hint: 'apt-get install faketime' });
}
