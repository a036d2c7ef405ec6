// Reads secrets where operators put them: SECRETS/TEAM/NAME, systemd's credentials, variables. Law: a link leads nowhere outside the
// team's own folder, nothing but an ordinary file of bounded size is read, and no word of it stands in a reason.
import { type BigIntStats, constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { USERS_FILE_BYTES_MAX } from '../core/htpasswd.ts';
import type { ReadablePlace } from '../core/secret-reference.ts';
import type { PlaceReading, SecretPlaces } from '../ports/secrets.ts';

/** A disk in the network may not answer at all. */
const READ_MS_MAX = 2_000;
/** Files remembered; beyond it the memory starts anew. */
const REMEMBERED_MAX = 20_000;

export interface SecretPlacesOptions {
  /** Folder of the teams' folders; absent: `file` references cannot be resolved. */
  secretsDir: string | undefined;
  /** What systemd set as CREDENTIALS_DIRECTORY. */
  credentialsDir: string | undefined;
  /** The process's environment. */
  env: Readonly<Record<string, string | undefined>>;
  readMsMax?: number;
}

interface Remembered {
  stamp: string;
  reading: PlaceReading;
}

export function createSecretPlaces(options: SecretPlacesOptions): SecretPlaces {
  const { secretsDir, credentialsDir, env, readMsMax = READ_MS_MAX } = options;
  const remembered = new Map<string, Remembered>();

  async function readOnce(folders: readonly string[], name: string): Promise<PlaceReading> {
    const path = join(...folders, name);
    const stamp = stampOf(await stat(path, { bigint: true }));
    const before = remembered.get(path);
    if (before?.stamp === stamp) return before.reading;
    const reading = await readInside(folders, name);
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(path, { stamp, reading });
    return reading;
  }

  return {
    async read(place) {
      if (place.kind === 'env') {
        const text = env[place.variable];
        return text === undefined ? no(`the variable ${place.variable} is not set`) : { kind: 'text', text };
      }
      const folders = place.kind === 'file' ? [secretsDir, place.team] : [credentialsDir];
      const [top, ...below] = folders;
      if (top === undefined) return no(missingFolder(place));
      const reading = readOnce([top, ...(below as string[])], place.name).catch((error: NodeJS.ErrnoException) =>
        no(error.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${error.code ?? 'unknown'})`),
      );
      return within(readMsMax, reading);
    },
  };
}

/** Kubernetes puts links into the folders that it fills: they may lead anywhere below the folder, and not out of it. */
async function readInside(folders: readonly string[], name: string): Promise<PlaceReading> {
  let folder = await realpath(folders[0]!);
  for (const next of [...folders.slice(1), name]) {
    const inside = await realpath(join(folder, next));
    if (!inside.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return no('a link in it leads elsewhere');
    folder = inside;
  }
  // By now it may be another thing: a link is not followed, and a pipe does not hold anybody up.
  const file = await open(folder, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) return no('it is no ordinary file');
    if (found.size > USERS_FILE_BYTES_MAX)
      return no(`it has ${found.size} bytes, at most ${USERS_FILE_BYTES_MAX} work`);
    const buffer = Buffer.alloc(USERS_FILE_BYTES_MAX);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { kind: 'text', text: buffer.toString('utf8', 0, bytesRead) };
  } finally {
    await file.close();
  }
}

/** The change time cannot be set back, so a file that was written again is seen. */
function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function missingFolder({ kind }: ReadablePlace): string {
  return kind === 'file'
    ? 'the reconciler was started without --secrets DIR'
    : 'the reconciler was not started by systemd with credentials';
}

async function within(ms: number, reading: Promise<PlaceReading>): Promise<PlaceReading> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<PlaceReading>((resolve) => {
    timer = setTimeout(() => resolve(no(`it was not read within ${ms} ms`)), ms);
  });
  return Promise.race([reading, late]).finally(() => clearTimeout(timer));
}

function no(reason: string): PlaceReading {
  return { kind: 'unreadable', reason };
}
