// Writes that survive a power cut: temp file, fsync, rename, fsync of the directory. A reader sees the old content or the new, never a part.
import { chmod, lstat, mkdir, open, readdir, readFile, rename, rm, stat, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { diskTrouble } from './disk-trouble.ts';

export interface WriteOptions {
  /** Permission bits of the file, whatever the umask; default 0600. */
  mode?: number;
  /** The place is ours alone: a directory that stands there is damage, and gives way. */
  ours?: true;
}

/** fsync calls in flight at once. */
const WRITES_AT_ONCE = 16;

/** What cannot be read because it is not there, is not a file, or the disk lost it. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EINVAL', 'EIO'];

let temporaries = 0;

/** Replaces the content of `path`, or makes it; its directory must exist. @throws KokoaError state_unwritable */
export async function writeDurably(path: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
  await clearLeftovers(dirname(path));
  await writeAllDurably(dirname(path), new Map([[basename(path), data]]), options);
}

/** Like writeDurably for several files of one directory. Each is atomic by itself; all are on disk when it resolves. */
export async function writeAllDurably(
  directory: string,
  files: ReadonlyMap<string, string | Uint8Array>,
  options: WriteOptions = {},
): Promise<void> {
  const pending = [...files];
  while (pending.length > 0) {
    const results = await Promise.allSettled(
      pending.splice(0, WRITES_AT_ONCE).map(([name, data]) => writeOne(join(directory, name), data, options)),
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
    await removeDirectory(link);
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

/**
 * Makes a directory and its parents, private to the owner unless said otherwise; a new one has that mode whatever the umask.
 * @throws KokoaError state_unwritable
 */
export async function makeDirectory(path: string, mode = 0o700): Promise<void> {
  try {
    if (await madeDirectory(path, mode)) await chmod(path, mode);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** Like makeDirectory, in a place that is ours alone: what stands there and is no directory is damage, and gives way. */
export async function makeOwnDirectory(path: string, mode = 0o700): Promise<void> {
  if (await isOther(path)) await orUnwritable(path, () => unlink(path).catch(unlessAbsent));
  await makeDirectory(path, mode);
}

/** False when it was there. One by one: `recursive` answers ENOENT, whatever the disk said. */
async function madeDirectory(path: string, mode: number, isParentMade = false): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await isDirectory(path))) return false;
    if (code !== 'ENOENT' || isParentMade || dirname(path) === path) throw error;
    await madeDirectory(dirname(path), mode);
    return madeDirectory(path, mode, true);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Something is there, and it is no directory, nor a link to one. Never true of what somebody else is just making. */
async function isOther(path: string): Promise<boolean> {
  const found = (await stat(path).catch(() => undefined)) ?? (await lstat(path).catch(() => undefined));
  return found !== undefined && !found.isDirectory();
}

function unlessAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** What `work` answers; what the file system says against it becomes an error about `path`. @throws KokoaError state_unwritable */
export async function orUnwritable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof KokoaError ? cause : unwritable(path, cause);
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

async function writeOne(path: string, data: string | Uint8Array, { mode = 0o600, ours }: WriteOptions): Promise<void> {
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
    if (ours) await removeDirectory(path);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw unwritable(path, cause);
  }
}

/** A name beside `path` that nobody else uses; what a killed process leaves there is found by clearLeftovers. */
export function temporaryName(path: string): string {
  temporaries += 1;
  return join(dirname(path), `.${basename(path)}.${process.pid}.${temporaries}.tmp`);
}

const TEMPORARY = /^\..*\.(\d{1,10})\.\d{1,16}\.tmp$/;
/** Directories in which this process has looked. Files that are written one by one stand in few. */
const cleared = new Set<string>();
const CLEARED_MAX = 100;

/** Once in the life of a process: removes what processes that are gone left of their writes. Never throws: nobody needs it. */
export async function clearLeftovers(directory: string): Promise<void> {
  if (cleared.has(directory) || cleared.size >= CLEARED_MAX) return;
  cleared.add(directory);
  for (const name of await readdir(directory).catch(() => [])) {
    const pid = Number(TEMPORARY.exec(name)?.[1] ?? process.pid);
    if (!isAlive(pid)) await rm(join(directory, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** A directory in the place of a file or a link is damage; rename(2) would not replace it. */
async function removeDirectory(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory()) await rm(path, { recursive: true, force: true });
}

function unwritable(path: string, cause: unknown): KokoaError {
  return new KokoaError('state_unwritable', `cannot write ${path}: ${diskTrouble(cause)}`, {
    hint: 'What was there before is still there. The agent must own its state directory.',
    cause,
  });
}
