// The directory of scripts on an origin. Laws: a script is a file that nobody but root (or whoever runs the agent) can have put there; it runs as
// nobody, with no environment, no input and a bounded time; when it ends, its process group does.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { SCRIPT_MS_MAX, type ScriptResult, type Scripts } from '../ports/scripts.ts';

/** The same everywhere by Debian's base-passwd and systemd: nobody and nogroup. */
const NOBODY = 65_534;
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const WORDS_BYTES_MAX = 4_096;
const LAST_WORDS_MS = 200;
const WORDS_CHARACTERS_MAX = 200;
const OTHERS_MAY_WRITE = 0o022;
const SOMEBODY_MAY_RUN = 0o111;
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

export interface ScriptsDirOptions {
  dir: string;
  timeoutMs?: number;
}

export function createScriptsDir({ dir, timeoutMs = SCRIPT_MS_MAX }: ScriptsDirOptions): Scripts {
  return {
    async run(name) {
      if (!NAME.test(name)) return { kind: 'refused', reason: 'that is no name of a script' };
      const path = join(dir, name);
      const reason = (await whyNot(dir, 'directory')) ?? (await whyNot(path, 'file'));
      return reason === undefined ? started(path, timeoutMs) : { kind: 'refused', reason };
    },
  };
}

/** In words; undefined: it may be run. */
async function whyNot(path: string, wanted: 'file' | 'directory'): Promise<string | undefined> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => error.code ?? 'unreadable');
  if (typeof found === 'string') return found === 'ENOENT' ? `there is no ${path}` : `${path} cannot be read: ${found}`;
  if (wanted === 'file' ? !found.isFile() : !found.isDirectory()) return `${path} is no ${wanted}`;
  const own = [0, process.getuid?.() ?? 0];
  if (!own.includes(found.uid)) return `${path} belongs to another account than root: chown root it`;
  if ((found.mode & OTHERS_MAY_WRITE) !== 0) return `others may write to ${path}: chmod go-w it`;
  if (wanted === 'file' && (found.mode & SOMEBODY_MAY_RUN) === 0) return `${path} is not executable: chmod a+rx it`;
  return undefined;
}

function started(path: string, timeoutMs: number): Promise<ScriptResult> {
  const isRoot = process.getuid?.() === 0;
  const child = execa(path, [], {
    ...{ cwd: '/', env: ENVIRONMENT, extendEnv: false, stdin: 'ignore', buffer: false, reject: false },
    // A group of its own. The groups of root are dropped with it.
    ...{ detached: true, ...(isRoot && { uid: NOBODY, gid: NOBODY }) },
  });
  let words = '';
  const hear = (part: Buffer) => {
    if (words.length < WORDS_BYTES_MAX) words += part.subarray(0, WORDS_BYTES_MAX).toString('latin1');
  };
  const pipes = [child.stdout, child.stderr];
  for (const pipe of pipes) pipe.on('data', hear);
  return new Promise((resolve) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      endGroup(child.pid);
    }, timeoutMs);
    const end = (result: ScriptResult) => {
      clearTimeout(timer);
      for (const pipe of pipes) pipe.destroy();
      resolve(result);
    };
    child.nodeChildProcess.once('exit', (code, signal) => {
      clearTimeout(timer);
      endGroup(child.pid);
      if (code === 0 && !isLate) return end({ kind: 'well' });
      const reason = isLate ? `did not end within ${timeoutMs} ms` : `ended with ${code ?? signal}`;
      // Its last words may still be in the pipes; whoever left the group keeps them no longer than this.
      void Promise.race([child, delay(LAST_WORDS_MS)]).then(() =>
        end({ kind: 'ill', reason, words: firstLine(words) }),
      );
    });
    void child.then(({ code, exitCode, signal }) => {
      if (exitCode === undefined && signal === undefined) end({ kind: 'refused', reason: notRun(path, code) });
    });
  });
}

/** Of a program that is, or was, the first of its group. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

function notRun(path: string, code: string | undefined): string {
  if (code === 'ENOENT') return `${path} names an interpreter that is not there`;
  if (code === 'EACCES') return `nobody may run ${path}, or what leads to it: chmod a+rx it`;
  return `${path} cannot be run: ${code ?? 'no reason'}`;
}

function firstLine(words: string): string {
  const [line = ''] = words.split('\n').filter((one) => one.trim() !== '');
  return line
    .replace(/[^!-~]+/g, ' ')
    .trim()
    .slice(0, WORDS_CHARACTERS_MAX);
}
