// The small files beside the bundles: settings, token, learned endpoints, the pool's identity, answers, lists of users, kernel settings.
// Each is the old text or the new one, byte by byte, and one that fails never spoils another.
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { differenceOf, filesIn } from './edge-state.ts';
import type { FaultProgram } from './fault-program.ts';
import { judgeEnding } from './judge-ending.ts';
import { startProgram } from './started-program.ts';

const WRITER = fileURLToPath(new URL('small-files-writer.ts', import.meta.url));
const FIRST_MARK = 10_000;

/** What would open a port that was closed since is taken away when it cannot be written. */
const RATHER_NOTHING = /\/open-ports\.json$/;

export const smallFiles: FaultProgram = {
  name: 'small-files',
  threads: ['pool'],
  kinds: 'each',
  async open() {
    const top = await realpath(await mkdtemp(join(tmpdir(), 'kokoa-small-')));
    const stateDir = join(top, 'state');
    await mkdir(stateDir);
    const env = { NODE_COMPILE_CACHE: join(top, 'compiled'), PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
    let mark = FIRST_MARK;
    let baseline: string[] | undefined;
    const start = (hold?: string) =>
      startProgram([WRITER, stateDir, String(mark)], { env, cwd: top, ...(hold && { hold }) });
    return {
      folder: stateDir,
      async round(begin, kind) {
        mark += 1;
        const before = await textsIn(stateDir);
        const program = await start(join(top, 'hold'));
        const tracing = await begin(program.pid);
        program.go();
        await program.ended();
        await tracing.end();
        if (kind !== undefined) judgeEnding(program, stateDir, kind);
        const found = await textsIn(stateDir);
        const again = await start();
        await again.ended();
        if (again.exitCode() !== 0) throw new Error(`it cannot be written any more: ${again.said()}`);
        const after = await textsIn(stateDir);
        for (const [path, text] of after) {
          const now = found.get(path);
          if (now === undefined && RATHER_NOTHING.test(path)) continue;
          if (now !== before.get(path) && now !== text) throw new Error(`${path} is neither old nor new: ${now}`);
          if (text === before.get(path)) throw new Error(`${path} was not written again`);
        }
        const files = await filesIn(stateDir);
        baseline ??= files;
        const left = differenceOf(baseline, files);
        if (left !== '') throw new Error(`files differ: ${left}`);
      },
      close: () => rm(top, { recursive: true, force: true }),
    };
  },
};

async function textsIn(folder: string): Promise<Map<string, string>> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const texts = entries
    .filter(({ name }) => !name.startsWith('.'))
    .map(
      async ({ parentPath, name }) => [join(parentPath, name), await readFile(join(parentPath, name), 'utf8')] as const,
    );
  return new Map(await Promise.all(texts));
}
