// Puts a new text in the place of a file that was read before. Law: at once or not at all, only over exactly the bytes that were read,
// and never through a link.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';

/** The mode of the file stays. @throws KokoaError file_changed when somebody else wrote it since, unwritable */
export function replaceSame(dir: string, path: string, read: Uint8Array, text: string): void {
  const place = join(dir, path);
  // The leading dot: whoever reads the folder meanwhile does not take it for data.
  const temporary = join(dirname(place), `.${basename(place)}.${randomBytes(6).toString('hex')}`);
  try {
    const mode = modeOfSame(place, path, read);
    writeAll(temporary, text, mode);
    renameSync(temporary, place);
  } catch (cause) {
    rmSync(temporary, { force: true });
    if (cause instanceof KokoaError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new KokoaError('unwritable', `cannot write ${JSON.stringify(path)} (${code})`, { cause });
  }
}

function modeOfSame(place: string, path: string, read: Uint8Array): number {
  const file = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (stat.isFile() && stat.size === read.length && readFileSync(file).equals(read)) return stat.mode & 0o777;
  } finally {
    closeSync(file);
  }
  throw new KokoaError('file_changed', `${JSON.stringify(path)} changed while it was laid out`, {
    hint: 'It was left as it is. Run the command again.',
  });
}

function writeAll(temporary: string, text: string, mode: number): void {
  const file = openSync(temporary, 'wx', mode);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fchmodSync(file, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
