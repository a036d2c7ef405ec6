// How much a mirror takes on disk, as far as objects go.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Bytes of packs, those under way too, and a page for every loose object. A small pack counts for more than its bytes: git looks through
 * every one of them. A directory that goes away meanwhile counts as empty.
 */
export async function bytesIn(mirror: string): Promise<number> {
  const objects = join(mirror, 'objects');
  const pack = join(objects, 'pack');
  const packs = await names(pack);
  const sizes = await Promise.all(
    packs.map(async (name) => (await stat(join(pack, name)).catch(() => ({ size: 0 }))).size),
  );
  const folders = (await names(objects)).filter((name) => /^[0-9a-f]{2}$/.test(name));
  const loose = await Promise.all(folders.map(async (name) => (await names(join(objects, name))).length));
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
  return sum(sizes.map((size) => Math.max(size, PACK_FILE_BYTES_MIN))) + sum(loose) * LOOSE_BYTES;
}

const LOOSE_BYTES = 4096;
/** Of a pack's two or three files each: 512 MiB are some 1500 packs. */
const PACK_FILE_BYTES_MIN = 128 * 1024;

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
