// Writes that survive a power cut: temp file, fsync, rename, fsync of the directory. A reader sees the old content or the new, never a part.
import { lstat, mkdir, open, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';

export interface WriteOptions {
  /** Permission bits of the file, whatever the umask; default 0600. */
  mode?: number;
}

/** fsync calls in flight at once. */
const WRITES_AT_ONCE = 16;

/** What cannot be read because it is not there, is not a file, or the disk lost it. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EINVAL', 'EIO'];

let temporaries = 0;

/** Replaces the content of `path`, or makes it; its directory must exist. @throws KokoaError state_unwritable */
export async function writeDurably(path: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
  await writeAllDurably(dirname(path), new Map([[basename(path), data]]), options);
}

/** Like writeDurably for several files of one directory. Each is atomic by itself; all are on disk when it resolves. */
export async function writeAllDurably(
  directory: string,
  files: ReadonlyMap<string, string | Uint8Array>,
  { mode = 0o600 }: WriteOptions = {},
): Promise<void> {
  const pending = [...files];
  while (pending.length > 0) {
    const results = await Promise.allSettled(
      pending.splice(0, WRITES_AT_ONCE).map(([name, data]) => writeOne(join(directory, name), data, mode)),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
  await syncDirectory(directory);
}

/** Makes `link` a symbolic link to `target` in one step, whatever stood there. @throws KokoaError state_unwritable */
export async function swapLink(link: string, target: string): Promise<void> {
  const temporary = temporaryName(link);
  try {
    await rm(temporary, { force: true });
    await symlink(target, temporary);
    // A directory in the place of a link is damage; rename(2) would not replace it.
    if (await isDirectory(link)) await rm(link, { recursive: true, force: true });
    await rename(temporary, link);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw unwritable(link, cause);
  }
  await syncDirectory(dirname(link));
}

/** Makes the names in a directory durable. @throws KokoaError state_unwritable */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** Makes a directory and its parents, private to the owner unless said otherwise. @throws KokoaError state_unwritable */
export async function makeDirectory(path: string, mode = 0o700): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode });
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/**
 * The text of a regular file of at most `bytesMax` bytes; undefined when there is none, it is larger, or it cannot be read back.
 * @throws KokoaError state_unreadable for what a person must repair, such as permissions
 */
export async function readBounded(path: string, bytesMax: number): Promise<string | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > bytesMax) return undefined;
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (ABSENT.includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new KokoaError('state_unreadable', `cannot read ${path}`, {
      hint: 'The agent must own its state directory.',
      cause,
    });
  }
}

async function writeOne(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const handle = await open(temporary, 'w', mode);
    try {
      await handle.chmod(mode);
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw unwritable(path, cause);
  }
}

function temporaryName(path: string): string {
  temporaries += 1;
  return join(dirname(path), `.${basename(path)}.${process.pid}.${temporaries}.tmp`);
}

async function isDirectory(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function unwritable(path: string, cause: unknown): KokoaError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  return new KokoaError('state_unwritable', `cannot write ${path} (${code})`, {
    hint: 'Check free space and that the agent owns its state directory. What was there before is still there.',
    cause,
  });
}
