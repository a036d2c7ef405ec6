// Reads the data from a plain directory, which need not be a git repository. Links are never followed, nothing but plain files
// is opened, and no file is read beyond the size that the loader refuses anyway.
import { closeSync, constants, type Dirent, fstatSync, opendirSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { FileChange } from '../core/files.ts';
import { DATA_FOLDERS, kindOf } from '../core/paths.ts';
import type { Problem } from '../core/problem.ts';
import type { RuleId } from '../core/rules.ts';
import { didYouMean } from '../core/suggest.ts';
import { FILE_BYTES_MAX } from '../core/yaml-text.ts';

/** What one directory may hold. 100 000 routes are 26 MB. */
export interface DataDirLimits {
  files: number;
  bytes: number;
  /** Folders inside each other; routes/TEAM is the second. */
  depth: number;
}

export const DATA_LIMITS: DataDirLimits = { files: 250_000, bytes: 256 * 1024 * 1024, depth: 8 };

/** Folders inside each other in which a misspelt one is searched: routes/TEAM is the second. */
const MISSPELT_DEPTH = 2;

/** Files in data folders that are not data and need no remark. */
export const SILENT_NAME = /^(\..*|README(\..*)?|CODEOWNERS|LICENSE)$/i;

export interface DataDir {
  /** Sorted by path. A file above the loader's size is cut just beyond it, so that the loader refuses it. */
  files: FileChange[];
  /** What stands there but is not read. */
  problems: Problem[];
}

/**
 * Reads kokoa.yaml, routes/, origins/ and edges/ of `dir`. Blobs are the sha256 of the bytes.
 * @throws KokoaError usage when `dir` itself cannot be read
 */
export function readDataDir(dir: string, limits: DataDirLimits = DATA_LIMITS): DataDir {
  const reader = new Reader(dir, limits);
  try {
    reader.top();
  } catch (cause) {
    const hint = 'name the folder that holds kokoa.yaml';
    throw new KokoaError('usage', `cannot read the folder ${JSON.stringify(dir)} (${codeOf(cause)})`, { hint, cause });
  }
  return { files: reader.files, problems: reader.problems };
}

/** Why an entry is not read. */
export interface Refusal {
  rule: RuleId;
  message: string;
  hint: string;
}

class Reader {
  readonly files: FileChange[] = [];
  readonly problems: Problem[] = [];
  readonly #dir: string;
  readonly #limits: DataDirLimits;
  readonly #buffer = Buffer.allocUnsafe(FILE_BYTES_MAX + 1);
  #bytes = 0;
  #seen = 0;
  #cut = false;

  constructor(dir: string, limits: DataDirLimits) {
    this.#dir = dir;
    this.#limits = limits;
  }

  /** @throws what the file system says of the folder itself; below it, nothing throws. */
  top(): void {
    for (const entry of this.#list('')) {
      if (DATA_FOLDERS.includes(entry.name)) this.#note(entry.name, this.#folder(entry, entry.name, 1));
      else if (kindOf(entry.name) !== undefined) this.#note(entry.name, this.#file(entry, entry.name));
      else if (entry.isDirectory()) this.#noteMisspelt(entry.name);
    }
  }

  /** A folder beside the data is nobody's business, unless its name is nearly one of theirs and it holds what could be data. */
  #noteMisspelt(name: string): void {
    const meant = didYouMean(name, DATA_FOLDERS);
    if (meant === undefined || !this.#holdsYaml(name, 1)) return;
    const message = `found the folder ${name}/, which nobody reads, expected ${DATA_FOLDERS.map((one) => `${one}/`).join(', ')}`;
    this.#note(name, { rule: 'KK103', message, hint: `did you mean ${meant}/? Rename it` }, 'warning');
  }

  /** True when a file that ends in .yaml stands in a folder, or in one of its folders. */
  #holdsYaml(path: string, depth: number): boolean {
    try {
      return this.#list(path).some(
        (entry) =>
          (entry.isFile() && /\.ya?ml$/i.test(entry.name)) ||
          (entry.isDirectory() && depth < MISSPELT_DEPTH && this.#holdsYaml(`${path}/${entry.name}`, depth + 1)),
      );
    } catch {
      // What cannot be read here is no data.
      return false;
    }
  }

  #folder(entry: Dirent, path: string, depth: number): Refusal | undefined {
    if (!entry.isDirectory()) return notPlain(`${typeOf(entry)}, expected a folder`);
    if (depth > this.#limits.depth) {
      const message = `found more than ${this.#limits.depth} folders inside each other, expected fewer`;
      return { rule: 'KK101', message, hint: 'put files into routes/TEAM/, origins/ or edges/' };
    }
    let entries: Dirent[];
    try {
      entries = this.#list(path);
    } catch (error) {
      return notPlain(`a folder that cannot be read (${codeOf(error)}), expected a readable one`);
    }
    for (const child of entries) {
      const childPath = `${path}/${child.name}`;
      if (child.isDirectory()) {
        if (!child.name.startsWith('.')) this.#note(childPath, this.#folder(child, childPath, depth + 1));
      } else if (kindOf(childPath) !== undefined) this.#note(childPath, this.#file(child, childPath));
      else if (!SILENT_NAME.test(child.name)) this.#note(childPath, UNREAD, 'warning');
    }
    return undefined;
  }

  #file(entry: Dirent, path: string): Refusal | undefined {
    if (!entry.isFile()) return notPlain(`${typeOf(entry)}, expected a plain file`);
    try {
      const bytes = this.#read(join(this.#dir, path));
      if (bytes === undefined) return notPlain('something else than a plain file, expected one');
      this.#bytes += bytes.length;
      if (this.#bytes > this.#limits.bytes) return this.#tooLarge(`${this.#limits.bytes} bytes in all`);
      this.files.push({ path, blob: sha256Hex(bytes), bytes });
      return undefined;
    } catch (error) {
      return notPlain(`a file that cannot be read (${codeOf(error)}), expected a readable one`);
    }
  }

  /** The entries of a folder by name; cut at the number of files that are left. */
  #list(path: string): Dirent[] {
    const entries: Dirent[] = [];
    const folder = opendirSync(join(this.#dir, path));
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        if (path !== '' && ++this.#seen > this.#limits.files) {
          this.#note(`${path}/${entry.name}`, this.#tooLarge(`${this.#limits.files} files`));
          break;
        }
        entries.push(entry);
      }
    } finally {
      folder.closeSync();
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The first `FILE_BYTES_MAX + 1` bytes. O_NOFOLLOW and O_NONBLOCK: what was a file may be a link or a pipe by now. */
  #read(path: string): Buffer | undefined {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!fstatSync(file).isFile()) return undefined;
      let length = 0;
      while (length < this.#buffer.length) {
        const read = readSync(file, this.#buffer, length, this.#buffer.length - length, null);
        if (read === 0) break;
        length += read;
      }
      return Buffer.from(this.#buffer.subarray(0, length));
    } finally {
      closeSync(file);
    }
  }

  #tooLarge(limit: string): Refusal | undefined {
    if (this.#cut) return undefined;
    this.#cut = true;
    const message = `found more than ${limit}, expected fewer: the rest was not read`;
    return { rule: 'KK001', message, hint: 'split the data' };
  }

  #note(file: string, refusal: Refusal | undefined, severity: Problem['severity'] = 'error'): void {
    if (refusal !== undefined) this.problems.push({ file, line: 1, column: 1, severity, ...refusal });
  }
}

export const UNREAD: Refusal = {
  rule: 'KK103',
  message: 'found a file that nobody reads, expected NAME.yaml',
  hint: 'rename it so that it ends in .yaml, or move it elsewhere',
};

export function notPlain(found: string): Refusal {
  return { rule: 'KK104', message: `found ${found}`, hint: 'put a plain, readable file or folder in its place' };
}

function typeOf(entry: Dirent): string {
  if (entry.isSymbolicLink()) return 'a symbolic link';
  if (entry.isDirectory()) return 'a folder';
  return entry.isFile() ? 'a file' : 'a pipe, a socket or a device';
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
