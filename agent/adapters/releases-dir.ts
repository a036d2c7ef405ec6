// Rendered trees on disk: `releases/<id>/`, never changed once named, and `current`, a link swapped by one rename. Each tree carries a
// manifest of what was written, so that drift and torn files are seen.
import { lstat, readdir, readFile, readlink, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { Releases } from '../ports/state.ts';
import {
  makeDirectory,
  makeOwnDirectory,
  orUnwritable,
  readBounded,
  swapLink,
  syncDirectory,
  writeAllDurably,
} from './durable-write.ts';
import { turnstile } from './turnstile.ts';

/** `current` and the two before it, to go back to. */
export const RELEASES_KEPT = 3;
const RELEASE_FILES_MAX = 10_000;
const RELEASE_FILE_BYTES_MAX = 64 * 1024 * 1024;
const MANIFEST = '.manifest';
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const PATH = /^[A-Za-z0-9_*-][A-Za-z0-9._*-]{0,254}(\/[A-Za-z0-9_*-][A-Za-z0-9._*-]{0,254}){0,7}$/;

/** Releases below the agent's state directory. */
export function releasesDir(directory: string): Releases {
  const releases = join(resolve(directory), 'releases');
  const link = join(resolve(directory), 'current');
  const inTurn = turnstile();

  async function current(): Promise<string | undefined> {
    const target = await readlink(link).catch(() => undefined);
    if (target === undefined || dirname(target) !== 'releases' || !ID.test(basename(target))) return undefined;
    return (await isDirectory(join(releases, basename(target)))) ? basename(target) : undefined;
  }

  async function write(id: string, files: ReadonlyMap<string, string>): Promise<string> {
    checkNames(id, files);
    const path = join(releases, id);
    if (await isWhole(path, manifestOf(files))) await utimes(path, new Date(), new Date()).catch(() => undefined);
    else
      await orUnwritable(path, async () =>
        (await isDirectory(path)) ? mend(path, files) : place(releases, id, files),
      );
    // What a disk does not let go keeps no release from being served; it is removed after another one.
    await prune(releases, [id, await current()]).catch(() => undefined);
    return path;
  }

  async function swap(id: string): Promise<void> {
    if (!ID.test(id) || !(await isDirectory(join(releases, id)))) {
      throw new KokoaError('release_missing', `there is no release ${id.slice(0, 128)} to switch to`);
    }
    if ((await current()) !== id) await swapLink(link, join('releases', id));
  }

  async function intact(): Promise<boolean> {
    const id = await current();
    if (id === undefined) return false;
    return isWhole(join(releases, id), await readManifest(join(releases, id)));
  }

  return {
    write: (id, files) => inTurn(() => write(id, files)),
    swap: (id) => inTurn(() => swap(id)),
    current: () => inTurn(current),
    intact: () => inTurn(intact),
  };
}

/** One line per file, then a checksum over the lines: a torn manifest describes nothing. */
function manifestOf(files: ReadonlyMap<string, string>): string {
  return manifestText(new Map([...files].map(([path, text]) => [path, sha256Hex(text)])));
}

function manifestText(hashes: ReadonlyMap<string, string>): string {
  const body = canonicalJson(Object.fromEntries(hashes));
  return `${body}\n${sha256Hex(body)}\n`;
}

async function readManifest(path: string): Promise<string | undefined> {
  return readBounded(join(path, MANIFEST), RELEASE_FILE_BYTES_MAX);
}

/** True when the tree and its own manifest are both what `manifest` says. */
async function isWhole(path: string, manifest: string | undefined): Promise<boolean> {
  if (manifest === undefined || (await readManifest(path)) !== manifest) return false;
  const found = await hashTree(path);
  return found !== undefined && manifestText(found) === manifest;
}

/** relative path → sha256 of every file but the manifest; undefined when something else than files and directories is there. */
async function hashTree(path: string): Promise<Map<string, string> | undefined> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined || entries.length > RELEASE_FILES_MAX * 2) return undefined;
  const hashes = new Map<string, string>();
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    const relative = file.slice(path.length + 1).replaceAll(sep, '/');
    if (entry.isDirectory() || relative === MANIFEST) continue;
    if (!entry.isFile() || (await stat(file)).size > RELEASE_FILE_BYTES_MAX) return undefined;
    hashes.set(relative, sha256Hex(await readFile(file)));
  }
  return hashes;
}

async function writeTree(scratch: string, files: ReadonlyMap<string, string>): Promise<void> {
  const byDirectory = new Map<string, Map<string, string>>([['.', new Map([[MANIFEST, manifestOf(files)]])]]);
  for (const [path, text] of files) {
    const siblings = byDirectory.get(dirname(path)) ?? new Map<string, string>();
    byDirectory.set(dirname(path), siblings.set(basename(path), text));
  }
  for (const [relative, siblings] of byDirectory) {
    await makeDirectory(join(scratch, relative), 0o755);
    await writeAllDurably(join(scratch, relative), siblings, { mode: 0o644, ours: true });
  }
  // A directory's own name stands in its parent, which may have been synced before it was made.
  const parents = new Set(
    [...byDirectory.keys()].flatMap((path) => path.split('/').map((_, i, all) => all.slice(0, i).join('/'))),
  );
  for (const parent of parents) await syncDirectory(join(scratch, parent));
}

async function place(releases: string, id: string, files: ReadonlyMap<string, string>): Promise<void> {
  const scratch = join(releases, `.${id}.new`);
  await rm(scratch, { recursive: true, force: true });
  for (const folder of [releases, scratch]) await makeOwnDirectory(folder, 0o755);
  await writeTree(scratch, files);
  await rm(join(releases, id), { force: true });
  await rename(scratch, join(releases, id));
  await syncDirectory(releases);
}

/** In place, file by file: `current` may point here, and must not point at nothing for a moment. */
async function mend(path: string, files: ReadonlyMap<string, string>): Promise<void> {
  const expected = [...files.keys()];
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const relative = file.slice(path.length + 1).replaceAll(sep, '/');
    const belongs = entry.isDirectory() ? expected.some((p) => p.startsWith(`${relative}/`)) : files.has(relative);
    if (!belongs) await rm(file, { recursive: true, force: true });
  }
  await writeTree(path, files);
}

async function prune(releases: string, keep: readonly (string | undefined)[]): Promise<void> {
  const aged: { name: string; age: bigint }[] = [];
  for (const name of await readdir(releases)) {
    if (keep.includes(name)) continue;
    const found = await lstat(join(releases, name), { bigint: true });
    aged.push({ name, age: name.startsWith('.') ? 0n : found.mtimeNs });
  }
  aged.sort((a, b) => (a.age < b.age ? 1 : -1));
  const spare = RELEASES_KEPT - new Set(keep.filter((name) => name !== undefined)).size;
  for (const [index, { name, age }] of aged.entries()) {
    if (age === 0n || index >= spare) await rm(join(releases, name), { recursive: true, force: true });
  }
}

function checkNames(id: string, files: ReadonlyMap<string, string>): void {
  const bad = [...files.keys()].find((path) => !PATH.test(path));
  if (!ID.test(id)) throw new KokoaError('release_invalid', `a release cannot be called ${id.slice(0, 128)}`);
  if (bad !== undefined) throw new KokoaError('release_invalid', `a release cannot hold a file ${bad.slice(0, 128)}`);
  if (files.size > RELEASE_FILES_MAX) throw new KokoaError('release_invalid', `a release of ${files.size} files`);
}

async function isDirectory(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
