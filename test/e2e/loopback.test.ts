// The demo as somebody without rights meets it: it plays what it can, says what it left out, and is no substitute in CI.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHAPTERS } from '../../lab/chapters.ts';

const TOP = fileURLToPath(new URL('../..', import.meta.url));
const isRoot = process.getuid?.() === 0;
/** Debian's `nobody`. */
const NOBODY = '65534';
const DEMO_MS = 240_000;

const scenes = Object.values(CHAPTERS).flat();
const skipped = scenes.filter(({ only }) => only === 'full').length;

describe('the demo of an unprivileged user', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kokoa-nobody-'));
    chmodSync(folder, 0o755);
    for (const name of ['repository', 'home']) mkdirSync(join(folder, name));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('plays the story on loopback and counts what it left out', { timeout: DEMO_MS }, async () => {
    const { exitCode, stdout, stderr } = await demo([], {});
    expect(stderr).toBe('');
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    expect(stdout).toContain(`${scenes.length - skipped} assertions held`);
    expect(stdout.split('\n').at(-1)).toMatch(new RegExp(`^mode: loopback, skipped: ${skipped} \\(.+\\)$`));
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('fails where CI=true promises the whole, and says why', { timeout: 30_000 }, async () => {
    const { exitCode, stdout } = await demo([], { CI: 'true' });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/The full lab cannot run here: .*Under CI=true everything is played/s);
  });

  it.each([
    ['--help', 0, 'npm run demo -- --end'],
    ['--end', 0, 'nothing was kept'],
    ['--bogus', 2, "Unknown option '--bogus'"],
  ] as const)('answers %s with exit code %i', { timeout: 30_000 }, async (option, code, text) => {
    const { exitCode, stdout, stderr } = await demo([option], {});
    expect(exitCode).toBe(code);
    expect(stdout + stderr).toContain(text);
  });

  /** Root gives its rights up first, and shows the repository at a place that everybody can reach. */
  async function demo(args: readonly string[], env: Record<string, string>) {
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
});

/** In a mount namespace of its own, so that nothing outlives it: bind the repository, then become what the arguments say. */
const SHOW = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
