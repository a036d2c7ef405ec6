// The demo as somebody without rights starts it. Root gives its rights up first.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const TOP = fileURLToPath(new URL('../..', import.meta.url));
const isRoot = process.getuid?.() === 0;
/** Debian's `nobody`. */
const NOBODY = '65534';
/** A bound against hanging. */
export const DEMO_MS = 240_000;

/** In a mount namespace of its own, so that nothing outlives it: bind the repository, then become what the arguments say. */
const SHOW = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';

/** To be closed. */
export function openNobody() {
  const folder = mkdtempSync(join(tmpdir(), 'kokoa-nobody-'));
  chmodSync(folder, 0o755);
  for (const name of ['repository', 'home']) mkdirSync(join(folder, name));

  /** Root shows the repository at a place that everybody can reach. */
  function demo(args: readonly string[], env: Record<string, string>) {
    const repository = isRoot ? join(folder, 'repository') : TOP;
    const node = [join(repository, 'node_modules', '.bin', 'node'), join(repository, 'lab', 'demo.ts'), ...args];
    const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
    const command = isRoot
      ? ['unshare', '--mount', 'sh', '-c', SHOW, 'sh', TOP, repository, ...asNobody, ...node]
      : node;
    const [file = '', ...rest] = command;
    return execa(file, rest, {
      reject: false,
      extendEnv: false,
      timeout: DEMO_MS,
      forceKillAfterDelay: 5_000,
      env: { PATH: process.env.PATH ?? dirname(process.execPath), HOME: join(folder, 'home'), ...env },
    });
  }

  return { demo, close: () => rmSync(folder, { recursive: true, force: true }) };
}
