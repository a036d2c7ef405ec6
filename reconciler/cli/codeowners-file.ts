// The one file in which GitHub looks for owners. Law: it is found as GitHub finds it, read only as a plain file of the size that GitHub
// reads, and replaced only when it is still what was read.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { CODEOWNERS_BYTES_MAX } from '../core/codeowners.ts';
import { replaceSame } from './fmt-write.ts';

/** GitHub takes the first that is there. */
const PLACES = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'];

export interface CodeownersFile {
  /** The top of the repository. */
  top: string;
  /** Below it, with slashes. */
  path: string;
  /** Leads from there to the data, with a slash at its end; or empty. */
  folder: string;
  /** Undefined: there is none yet. */
  text: string | undefined;
}

/** `dir` is absolute; where no folder above it is a clone it is the top itself. @throws KokoaError codeowners_refused */
export function readCodeowners(dir: string): CodeownersFile {
  const top = cloneAround(dir) ?? dir;
  const below = relative(top, dir).split(sep).join('/');
  const folder = below === '' ? '' : `${below}/`;
  for (const path of PLACES) {
    const text = textOf(top, path);
    if (text !== undefined) return { top, path, folder, text };
  }
  return { top, path: PLACES[0]!, folder, text: undefined };
}

/** @throws KokoaError file_changed, unwritable */
export function writeCodeowners({ top, path, text: before }: CodeownersFile, text: string): void {
  try {
    if (before !== undefined) {
      replaceSame(top, path, Buffer.from(before), text);
      return;
    }
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text, { flag: 'wx' });
  } catch (cause) {
    if (cause instanceof KokoaError) throw cause;
    throw new KokoaError('unwritable', `cannot write ${path} (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

function cloneAround(dir: string): string | undefined {
  for (let folder = dir; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

function textOf(top: string, path: string): string | undefined {
  let file: number;
  try {
    if (lstatSync(join(top, dirname(path))).isSymbolicLink()) throw refused(dirname(path), 'is a link to elsewhere');
    file = openSync(join(top, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof KokoaError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw refused(path, `cannot be read (${code}), expected a plain file`);
  }
  try {
    const { size } = fstatSync(file);
    if (!fstatSync(file).isFile()) throw refused(path, 'is no plain file');
    if (size > CODEOWNERS_BYTES_MAX) throw refused(path, `has ${size} bytes; GitHub reads ${CODEOWNERS_BYTES_MAX}`);
    const bytes = readFileSync(file);
    const text = bytes.toString();
    if (!Buffer.from(text).equals(bytes)) throw refused(path, 'is not UTF-8 text');
    return text;
  } finally {
    closeSync(file);
  }
}

function refused(path: string, why: string): KokoaError {
  return new KokoaError('codeowners_refused', `${path} ${why}`);
}
