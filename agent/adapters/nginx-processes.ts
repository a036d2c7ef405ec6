// The web server's processes, found through /proc. Law: a process is ours only when it is an nginx that holds the log of our state
// directory open; it is signalled by pid and start time, so that neither a stale pid file nor a recycled pid hits anybody else.
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { execa } from 'execa';
import type { NginxPaths } from '../core/nginx-paths.ts';
import { programEnvironment } from './program.ts';

const PROCESSES_MAX = 65_536;
const FILES_PER_PROCESS_MAX = 100_000;
const LOOK_TIMEOUT_MS = 5_000;

export interface NginxProcess {
  pid: number;
  parent: number;
  /** Clock ticks after boot, proc(5) stat field 22. */
  startTime: number;
  role: 'master' | 'worker';
  /** A worker that accepts nothing any more and finishes what it has. */
  leaving: boolean;
}

/**
 * The master named by the pid file, or else the youngest that a look at every process finds; undefined when none runs, or it was
 * told to leave: then it has closed its ports and removed the probe socket, and only waits for its last visitors.
 */
export async function findMaster(paths: NginxPaths): Promise<NginxProcess | undefined> {
  if (!existsSync(paths.probeSocket)) return undefined;
  const named = Number((await readFile(paths.pid, 'utf8').catch(() => '')).trim());
  if (Number.isSafeInteger(named) && named > 1) {
    const found = await look(named);
    if (found?.role === 'master' && (await isOurs(found, paths))) return found;
  }
  return (await findAll(paths)).findLast(({ role }) => role === 'master');
}

/** Every process of this state directory's web server, oldest first. */
export async function findAll(paths: NginxPaths): Promise<NginxProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]{1,10}$/.test(name)).slice(0, PROCESSES_MAX);
  const found: NginxProcess[] = [];
  for (const pid of pids) {
    const process = await look(Number(pid));
    if (process && (await isOurs(process, paths))) found.push(process);
  }
  return found.sort(byAge);
}

function byAge(a: NginxProcess, b: NginxProcess): number {
  return a.startTime - b.startTime || a.pid - b.pid;
}

/** The workers of a master, oldest first, by the kernel's own list of its children, proc(5): nobody else is looked at. */
export async function workersOf(master: NginxProcess): Promise<NginxProcess[]> {
  const children = await readFile(`/proc/${master.pid}/task/${master.pid}/children`, 'latin1').catch(() => '');
  const pids = children
    .split(' ')
    .filter((pid) => /^[0-9]{1,10}$/.test(pid))
    .slice(0, PROCESSES_MAX);
  const found = await Promise.all(pids.map((pid) => look(Number(pid))));
  return found
    .filter((child) => child !== undefined)
    .filter(({ role }) => role === 'worker')
    .sort(byAge);
}

/** The same process as it is now; undefined when it has ended. */
export async function lookAgain({ pid, startTime }: NginxProcess): Promise<NginxProcess | undefined> {
  const now = await look(pid);
  return now?.startTime === startTime ? now : undefined;
}

/** Answers whether it was still there. */
export async function signal(
  target: NginxProcess,
  name: 'SIGHUP' | 'SIGQUIT' | 'SIGTERM' | 'SIGKILL',
): Promise<boolean> {
  if (!(await lookAgain(target))) return false;
  try {
    return process.kill(target.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function look(pid: number): Promise<NginxProcess | undefined> {
  // nginx writes its role over its arguments: `nginx: worker process is shutting down`.
  const title = (await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).split('\0', 1)[0]!;
  const role = /^nginx: (master|worker) process/.exec(title)?.[1];
  if (role === undefined) return undefined;
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // The second field is a name in brackets and may hold anything, brackets too: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, startTime] = [fields[0], Number(fields[1]), Number(fields[19])];
  if (!Number.isSafeInteger(startTime) || state === 'Z' || state === 'X') return undefined;
  return { pid, parent, startTime, role: role as 'master' | 'worker', leaving: title.includes('shutting down') };
}

/** What a process has open: paths, and names of sockets. */
export async function openFiles({ pid }: NginxProcess): Promise<string[]> {
  return (await openFilesOf(pid)) ?? (await openFilesAsItself(pid));
}

/** A worker's arguments do not say whose it is; its open log does. */
async function isOurs(process: NginxProcess, paths: NginxPaths): Promise<boolean> {
  return (await openFiles(process)).some((target) => target === paths.log || target === `${paths.log} (deleted)`);
}

/** Undefined when they may not be looked at. */
async function openFilesOf(pid: number): Promise<string[] | undefined> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => undefined);
  if (files === undefined) return undefined;
  const targets: string[] = [];
  for (const file of files.slice(0, FILES_PER_PROCESS_MAX)) {
    targets.push(await readlink(`/proc/${pid}/fd/${file}`).catch(() => ''));
  }
  return targets;
}

/**
 * A worker has another account, and only CAP_SYS_PTRACE would let us look at what that has open; it would also let us change every
 * process of the machine, so the unit leaves it out. Its own account may look: we ask as that one.
 */
async function openFilesAsItself(pid: number): Promise<string[]> {
  const owner = await stat(`/proc/${pid}`).catch(() => undefined);
  if (owner === undefined || process.getuid?.() !== 0) return [];
  const { stdout } = await execa('find', [`/proc/${pid}/fd`, '-maxdepth', '1', '-type', 'l', '-printf', '%l\\n'], {
    ...{ reject: false, stdin: 'ignore', stderr: 'ignore', extendEnv: false, cwd: '/', timeout: LOOK_TIMEOUT_MS },
    ...{ env: programEnvironment(), uid: owner.uid, gid: owner.gid, maxBuffer: FILES_PER_PROCESS_MAX * 100 },
  });
  return stdout?.split('\n') ?? [];
}
