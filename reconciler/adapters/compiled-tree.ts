// Writes what was compiled as files: NODE/config.json and chunks/SHA256.json. Law: the tree appears whole or not at all, has the
// same bytes and modes under any umask, and never replaces a directory that holds anything else.
import { chmod, lstat, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { canonicalJson } from '../../bundle/canonical.ts';
import { CONFIG_TARGET } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { Compiled } from '../core/compile.ts';

const CHUNK_FOLDER = 'chunks';
const OWN_FILE = /^(config|[0-9a-f]{64})\.json$/;
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/**
 * Makes `out` the tree of `compiled`: built in a directory beside it, then swapped in. `out` may be missing, empty, or an
 * earlier tree. @throws KokoaError out_foreign, out_unwritable
 */
export async function writeCompiledTree(
  out: string,
  { nodes, blobs }: Pick<Compiled, 'nodes' | 'blobs'>,
): Promise<void> {
  const place = resolve(out);
  const before = await entriesOf(place);
  for (const entry of before ?? []) await refuseForeign(place, entry);
  const files = new Map<string, string>();
  for (const [node, { config }] of nodes) files.set(join(node, CONFIG_TARGET), canonicalJson(config));
  for (const [sha256, text] of blobs) files.set(join(CHUNK_FOLDER, `${sha256}.json`), text);
  try {
    await swapIn(place, files, before !== undefined);
  } catch (cause) {
    throw new KokoaError('out_unwritable', `cannot write ${out}: ${(cause as Error).message}`, { cause });
  }
}

async function swapIn(place: string, files: ReadonlyMap<string, string>, exists: boolean): Promise<void> {
  await mkdir(dirname(place), { recursive: true });
  const scratch = await mkdtemp(join(dirname(place), `.${basename(place)}-`));
  try {
    const fresh = join(scratch, 'new');
    for (const folder of ['', CHUNK_FOLDER, ...[...files.keys()].map(dirname)]) await makeFolder(join(fresh, folder));
    for (const [path, text] of files) {
      await writeFile(join(fresh, path), text, { flag: 'wx' });
      await chmod(join(fresh, path), FILE_MODE);
    }
    if (exists) await rename(place, join(scratch, 'old'));
    await rename(fresh, place);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, DIRECTORY_MODE);
}

/** Undefined when nothing stands at `place`. */
async function entriesOf(place: string): Promise<string[] | undefined> {
  try {
    return await readdir(place);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new KokoaError('out_unwritable', `cannot read ${place} (${code})`, { cause });
  }
}

async function refuseForeign(place: string, entry: string): Promise<void> {
  const path = join(place, entry);
  const inside = (await lstat(path)).isDirectory() ? await readdir(path, { withFileTypes: true }) : undefined;
  const foreign =
    inside === undefined ? path : inside.find((file) => !file.isFile() || !OWN_FILE.test(file.name))?.name;
  if (foreign === undefined) return;
  throw new KokoaError('out_foreign', `${place} holds ${entry}, which no compile wrote; it would be lost`, {
    hint: 'name a directory that is empty, missing or from an earlier compile',
  });
}
