// Programs that outlive the agent: started in a session of their own, found again through /proc. Law: a process is named by pid
// and start time, never by pid alone, so that a recycled pid is never signalled.
import { open, readdir, readFile, readlink, rename, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';
import { makeDirectory } from './durable-write.ts';
import { programEnvironment } from './program.ts';

/** A larger log is set aside (`.1`) before a start. */
export const LOG_BYTES_MAX = 4 * 1024 * 1024;
const CMDLINE_BYTES_MAX = 64 * 1024;
const PROCESSES_MAX = 65_536;
const TERM_MS = 5_000;
const KILL_MS = 2_000;
const LOOK_EVERY_MS = 20;

export interface DetachedProcess {
  pid: number;
  /** Clock ticks after boot, proc(5) stat field 22. */
  startTime: number;
}

export interface DetachedStart {
  /** Program and arguments; no shell. */
  command: readonly string[];
  /** Standard output and error are appended to it; made with mode 0600, its folder with 0700. */
  logFile: string;
  /** Added to a bare environment; nothing of the agent's own is inherited. */
  environment?: Record<string, string>;
}

/** Starts a program that goes on when the agent ends. @throws KokoaError program_missing, start_failed */
export async function startDetached(start: DetachedStart): Promise<DetachedProcess> {
  const [file, ...args] = start.command;
  await makeDirectory(dirname(start.logFile));
  await setAsideLargeLog(start.logFile);
  const log = await open(start.logFile, 'a', 0o600);
  // A stream over an open file is handed to the program as it is: nothing passes through the agent.
  const stream = log.createWriteStream({ autoClose: false });
  try {
    const child = execa(file!, args, {
      detached: true,
      cleanup: false,
      reject: false,
      buffer: false,
      env: { ...programEnvironment(), ...start.environment },
      extendEnv: false,
      stdin: 'ignore',
      stdout: stream,
      stderr: stream,
    });
    child.nodeChildProcess.unref();
    if (child.pid === undefined) {
      const { code } = await child;
      throw new KokoaError(code === 'ENOENT' ? 'program_missing' : 'start_failed', `cannot start ${file}: ${code}`, {
        hint: `install ${basename(file!)} and check that it is executable`,
      });
    }
    const startTime = await startTimeOf(child.pid);
    if (startTime === undefined) {
      throw new KokoaError('start_failed', `${file} ended at once`, { hint: `read ${start.logFile}` });
    }
    return { pid: child.pid, startTime };
  } finally {
    await log.close();
  }
}

/** True while this very process runs; a zombie does not count. */
export async function alive({ pid, startTime }: DetachedProcess): Promise<boolean> {
  return (await startTimeOf(pid)) === startTime;
}

export interface FoundProcess extends DetachedProcess {
  argv: string[];
}

/** Processes of this user whose arguments `matches` accepts, in the network namespace `network` (`net:[…]`) when given. */
export async function findOwn(
  matches: (argv: readonly string[]) => boolean,
  network?: string,
): Promise<FoundProcess[]> {
  const user = process.getuid?.();
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]{1,10}$/.test(name)).slice(0, PROCESSES_MAX);
  const found: FoundProcess[] = [];
  for (const pid of pids.map(Number)) {
    const argv = await argvOf(pid);
    if (argv.length === 0 || !matches(argv)) continue;
    const owner = await stat(`/proc/${pid}`).catch(() => undefined);
    if (owner?.uid !== user) continue;
    if (network !== undefined && (await readlink(`/proc/${pid}/ns/net`).catch(() => '')) !== network) continue;
    const startTime = await startTimeOf(pid);
    if (startTime !== undefined) found.push({ pid, startTime, argv });
  }
  return found;
}

/** Ends it: TERM, after 5 s KILL. @throws KokoaError stop_failed when it is still there */
export async function stopDetached(target: DetachedProcess, termMs = TERM_MS): Promise<void> {
  if (await endedAfter(target, 'SIGTERM', termMs)) return;
  if (await endedAfter(target, 'SIGKILL', KILL_MS)) return;
  throw new KokoaError('stop_failed', `process ${target.pid} does not end`, { hint: 'it hangs in the kernel; reboot' });
}

async function endedAfter(target: DetachedProcess, signal: NodeJS.Signals, withinMs: number): Promise<boolean> {
  if (!(await alive(target))) return true;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
    throw new KokoaError('stop_failed', `cannot signal process ${target.pid}`, {
      hint: 'run as its owner',
      cause: error,
    });
  }
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    await delay(LOOK_EVERY_MS);
    if (!(await alive(target))) return true;
  }
  return false;
}

async function startTimeOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the program's name in brackets and may hold anything, brackets too: count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], Number(fields[19])];
  if (!Number.isSafeInteger(startTime) || state === 'Z' || state === 'X') return undefined;
  return startTime;
}

async function argvOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.slice(0, CMDLINE_BYTES_MAX).split('\0').slice(0, -1);
}

async function setAsideLargeLog(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found && found.size > LOG_BYTES_MAX) await rename(path, `${path}.1`);
}
