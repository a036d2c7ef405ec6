// Which folder of data a command means when nobody names one: as with git, this one or the nearest above it.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const DATA_TOP_HELP = 'the folder that holds kokoa.yaml (default: this one, or the nearest above in the clone)';

/**
 * `asked`; else `from`, or the nearest folder above it with a kokoa.yaml in the same clone, as seen from there; else `.`. Like git, it
 * takes nothing from a folder of another user, who could have put a kokoa.yaml and a clone there.
 */
export function dataTop(
  asked: string | undefined,
  from: string = process.cwd(),
  ownerOf: (folder: string) => number = (folder) => statSync(folder).uid,
): string {
  if (asked !== undefined) return asked;
  const trusted = [0, process.getuid?.() ?? 0];
  let found: string | undefined;
  for (let folder = from; trusted.includes(ownerOf(folder)); folder = dirname(folder)) {
    if (existsSync(join(folder, 'kokoa.yaml'))) found ??= folder;
    if (found === from || existsSync(join(folder, '.git'))) return relative(from, found ?? from) || '.';
    if (dirname(folder) === folder) break;
  }
  return '.';
}
