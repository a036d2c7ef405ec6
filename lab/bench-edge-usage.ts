// What processes have used, from /proc (proc(5)): processor time and memory. The parsers are pure.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** USER_HZ, which Linux shows to programs on every architecture that nginx is packaged for. */
const TICKS_PER_SECOND = 100;
/** After the closing bracket of the command: fields 14 and 15, and 16 and 17 of children that ended. */
const UTIME_INDEX = 11;
const CUTIME_INDEX = 13;
const PROCESSES_MAX = 1_000;
const SAMPLE_MS = 15;

/** The process and all below it; empty when it is gone. */
export function familyOf(pid: number): number[] {
  const family = [pid];
  for (const member of family) {
    const children = (readProc(`${member}/task/${member}/children`) ?? '').split(' ').filter((word) => word !== '');
    family.push(...children.map(Number));
    if (family.length > PROCESSES_MAX) throw new RangeError(`process ${pid} has more than ${PROCESSES_MAX} below it`);
  }
  return readProc(`${pid}/stat`) === undefined ? [] : family;
}

/** Seconds of processor time, user and system, of all threads since the start. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSecondsOf(readProc(`${pid}/stat`) ?? ''), 0);
}

/** The same of all programs that this process started and that have ended. */
export function cpuSecondsOfEnded(): number {
  return cpuSecondsOf(readProc('self/stat') ?? '', CUTIME_INDEX);
}

/** From a line of /proc/PID/stat; 0 for none. */
export function cpuSecondsOf(stat: string, index = UTIME_INDEX): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[index]) + Number(fields[index + 1]);
  return Number.isNaN(ticks) ? 0 : ticks / TICKS_PER_SECOND;
}

/** Bytes of memory; what processes share is counted once. */
export function proportionalBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + proportionalBytesOf(readProc(`${pid}/smaps_rollup`) ?? ''), 0);
}

/** Descriptors that these processes hold: files, sockets, pipes. */
export function openFilesOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + openFiles(pid), 0);
}

function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** From /proc/PID/smaps_rollup; 0 for none. */
export function proportionalBytesOf(rollup: string): number {
  return Number(/^Pss: +([0-9]+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024;
}

/** Does the work and answers the most memory that was in use meanwhile, bytes. */
export async function peakWhile(find: () => readonly number[], work: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  let working = true;
  const done = work().finally(() => {
    working = false;
  });
  while (working) {
    peak = Math.max(peak, proportionalBytes(find()));
    await Promise.race([done, delay(SAMPLE_MS)]);
  }
  await done;
  return peak;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch {
    return undefined;
  }
}
