// Which folder of data a command means when nobody names one: as with git, this one or the nearest above it.
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const DATA_TOP_HELP = 'the folder that holds kokoa.yaml (default: this one, or the nearest above in the clone)';

/** `asked`; else the nearest folder with a kokoa.yaml, from `from` up to the top of its clone, as seen from there; else `.`. */
export function dataTop(asked: string | undefined, from: string = process.cwd()): string {
  if (asked !== undefined) return asked;
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'kokoa.yaml'))) return relative(from, folder) || '.';
    if (existsSync(join(folder, '.git')) || dirname(folder) === folder) return '.';
  }
}
