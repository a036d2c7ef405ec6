// The web server's processes, found through /proc. Law: a process is ours only when it is an nginx that holds the log of our state
// directory open; it is signalled by pid and start time, so that neither a stale pid file nor a recycled pid hits anybody else.
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import type { NginxPaths } from '../core/nginx-paths.ts';

const PROCESSES_MAX = 65_536;
const FILES_PER_PROCESS_MAX = 100_000;

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

/** A worker's arguments do not say whose it is; its open log does. */
async function isOurs({ pid }: NginxProcess, paths: NginxPaths): Promise<boolean> {
  const files = (await readdir(`/proc/${pid}/fd`).catch(() => [])).slice(0, FILES_PER_PROCESS_MAX);
  for (const file of files) {
    const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '');
    if (target === paths.log || target === `${paths.log} (deleted)`) return true;
  }
  return false;
}
