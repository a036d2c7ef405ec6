// What a bad disk, a cut of power or a strange program may leave in the place of a file.

import { lstat, mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { execa } from 'execa';

export const DAMAGES = ['empty', 'torn', 'random', 'oversized', 'directory', 'dangling link', 'pipe'] as const;
export type Damage = (typeof DAMAGES)[number];
const OVERSIZED_BYTES = 300 * 1024 * 1024;
const RANDOM_BYTES = 200;

/** `path` is a file or a link. */
export async function harm(path: string, damage: Damage): Promise<void> {
  const found = await lstat(path);
  if (damage === 'torn' && found.isFile()) return truncate(path, Math.floor(found.size / 2));
  if (damage === 'oversized' && found.isFile()) return truncate(path, OVERSIZED_BYTES);
  await rm(path, { recursive: true });
  if (damage === 'directory') await mkdir(`${path}/inside`, { recursive: true });
  else if (damage === 'dangling link') await symlink('/nowhere/at/all', path);
  else if (damage === 'pipe') await execa('mkfifo', [path]);
  else
    await writeFile(path, damage === 'empty' ? '' : crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)), {
      mode: 0o600,
    });
}
