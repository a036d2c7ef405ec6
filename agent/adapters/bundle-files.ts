// Signed bundles on disk: one directory each below `bundles/`, never changed once named, and links that say what they are to the agent:
// `trusted` (newest accepted) and `lkg` (last known good). Nothing read here is believed before it is verified again.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readlink, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CONFIG_BYTES_MAX, METADATA_BYTES_MAX } from '../../bundle/limits.ts';
import type { BundleFiles } from '../../bundle/read-bundle.ts';
import { ROOT_CHAIN_MAX } from '../../bundle/root-chain.ts';
import type { VerifiedFiles } from '../../bundle/verify.ts';
import {
  makeOwnDirectory,
  orUnwritable,
  readBounded,
  swapLink,
  syncDirectory,
  writeAllDurably,
} from './durable-write.ts';

export type BundleLink = 'trusted' | 'lkg';

/** Writes a verified bundle to a new directory whose name starts with `prefix`, and answers the name. No link points at it yet. */
export async function storeBundle(directory: string, files: VerifiedFiles, prefix: string): Promise<string> {
  const bundles = join(directory, 'bundles');
  const name = `${prefix}.${files.configHash.slice(0, 16)}-${randomBytes(4).toString('hex')}`;
  const scratch = join(bundles, `.${name}`);
  await makeOwnDirectory(bundles);
  await orUnwritable(scratch, () => mkdir(scratch, { mode: 0o700 }));
  const texts = new Map(files.chain.texts.map((text, index) => [`${index + 1}.root.json`, text]));
  texts.set('timestamp.json', files.timestamp).set('snapshot.json', files.snapshot);
  texts.set('targets.json', files.targets).set('config.json', files.configText);
  await writeAllDurably(scratch, texts);
  await orUnwritable(join(bundles, name), () => rename(scratch, join(bundles, name)));
  await syncDirectory(bundles);
  return name;
}

/** Makes `link` name a stored bundle, atomically. */
export async function pointAt(directory: string, link: BundleLink, name: string): Promise<void> {
  await swapLink(join(directory, link), join('bundles', name));
}

/** The name of the bundle that `link` points at, whether or not it is there. */
export async function linkedName(directory: string, link: BundleLink): Promise<string | undefined> {
  const target = await readlink(join(directory, link)).catch(() => undefined);
  return target === undefined ? undefined : basename(target);
}

/** The texts behind `link`, as found; undefined when a file is missing. */
export async function readStored(directory: string, link: BundleLink): Promise<BundleFiles | undefined> {
  const name = await linkedName(directory, link);
  if (name === undefined) return undefined;
  const read = (file: string, max: number) => readBounded(join(directory, 'bundles', name, file), max);
  const roots = new Map<number, string>();
  for (let version = 1; version <= ROOT_CHAIN_MAX; version += 1) {
    const text = await read(`${version}.root.json`, METADATA_BYTES_MAX);
    if (text === undefined) break;
    roots.set(version, text);
  }
  const [timestamp, snapshot, targets, config] = await Promise.all([
    read('timestamp.json', METADATA_BYTES_MAX),
    read('snapshot.json', METADATA_BYTES_MAX),
    read('targets.json', METADATA_BYTES_MAX),
    read('config.json', CONFIG_BYTES_MAX),
  ]);
  if (timestamp === undefined || snapshot === undefined || targets === undefined || config === undefined)
    return undefined;
  return { roots, timestamp, snapshot, targets, config };
}

/** Names of all stored bundles, damaged ones too. */
export async function storedNames(directory: string): Promise<string[]> {
  const names = await readdir(join(directory, 'bundles')).catch(() => []);
  return names.filter((name) => !name.startsWith('.'));
}

/** Removes every stored bundle and leftover that neither link points at. */
export async function pruneBundles(directory: string): Promise<void> {
  const keep = [await linkedName(directory, 'trusted'), await linkedName(directory, 'lkg')];
  const bundles = join(directory, 'bundles');
  for (const name of await readdir(bundles).catch(() => [])) {
    if (!keep.includes(name)) await rm(join(bundles, name), { recursive: true, force: true });
  }
}
