// How a command that is printed to be typed begins. Law: `npx` only where npm finds this very program; anywhere else it would fetch a package
// of that name from the registry and run it.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLONE = fileURLToPath(new URL('../..', import.meta.url));
/** What makes a folder the one that npx looks in: the nearest one above. */
const NPM_MARKS = ['package.json', 'node_modules'];

/** `npx kokoa` in `folder` when that is in the clone of Kokoa, else `kokoa`. */
export function programWords(folder: string = process.cwd(), clone: string = CLONE): string {
  const top = realpathSync(clone);
  let at = realpathSync(folder);
  while (at !== dirname(at) && !NPM_MARKS.some((name) => existsSync(join(at, name)))) at = dirname(at);
  return at === top ? 'npx kokoa' : 'kokoa';
}
