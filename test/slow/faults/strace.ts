// strace at one thread of a running program: writes down its calls that change the disk, and makes one of them fail. Law: threads and
// programs beside it are not touched.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { DISK_CALLS, type FaultKind } from './fault-kinds.ts';

const ATTACH_MS_MAX = 10_000;
const LOOK_EVERY_MS = 3;

/** What is to fail: the `nth` call of this name, counted from when the tracing begins. */
export interface Injection {
  kind: FaultKind;
  call: string;
  nth: number;
}

export interface Tracing {
  /** What it has written so far. */
  lines(): Promise<string[]>;
  /** Lets go; what was traced goes on. */
  end(): Promise<void>;
}

/** The arguments that choose calls, and the fault. `?` before a name: not every machine has it. */
export function straceOptions(injection: Injection | undefined): string[] {
  const chosen = ['-e', `trace=${DISK_CALLS.map((name) => `?${name}`).join(',')}`, '-e', 'signal=none'];
  if (injection === undefined) return chosen;
  const { kind, call, nth } = injection;
  const effect = kind === 'KILL' ? 'signal=KILL' : `error=${kind}`;
  return [...chosen, '-e', `inject=${call}:${effect}:when=${nth}`];
}

/**
 * `main`: what node does by itself, SQLite among it. `pool`: the one thread of the pool, which does what is awaited.
 * @throws Error when strace does not get hold of it
 */
export async function trace(
  pid: number,
  thread: string,
  { logFile, injection }: { logFile: string; injection?: Injection | undefined },
): Promise<Tracing> {
  const tid = await threadOf(pid, thread);
  const strace = execa('strace', ['-qq', '-y', '-s', '0', '-o', logFile, ...straceOptions(injection), '-p', `${tid}`], {
    reject: false,
  });
  let ended = false;
  void strace.then(() => {
    ended = true;
  });
  const deadline = performance.now() + ATTACH_MS_MAX;
  while (!isTraced(pid, tid)) {
    if (ended || performance.now() > deadline) throw new Error(`strace does not attach: ${(await strace).stderr}`);
    await delay(LOOK_EVERY_MS);
  }
  return {
    lines: async () => (await readFile(logFile, 'utf8')).split('\n'),
    async end() {
      strace.kill('SIGINT');
      await strace;
    },
  };
}

/** With UV_THREADPOOL_SIZE=1 there is one thread of that name, which it gives itself after it was made. */
async function threadOf(pid: number, thread: string): Promise<number> {
  if (thread === 'main') return pid;
  const deadline = performance.now() + ATTACH_MS_MAX;
  for (;;) {
    const found = poolOf(pid);
    if (found.length === 1) return Number(found[0]);
    if (performance.now() > deadline)
      throw new Error(`found ${found.length} threads in the pool of ${pid}, expected 1: ${stateOf(pid)}`);
    await delay(LOOK_EVERY_MS);
  }
}

function poolOf(pid: number): string[] {
  return tasksOf(pid).filter((tid) => readOrNothing(`/proc/${pid}/task/${tid}/comm`).trim() === 'libuv-worker');
}

function stateOf(pid: number): string {
  return tasksOf(pid)
    .map((tid) => readOrNothing(`/proc/${pid}/task/${tid}/comm`).trim())
    .join(', ');
}

function tasksOf(pid: number): string[] {
  return existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
}

/** A thread may end while it is looked at. */
function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function isTraced(pid: number, tid: number): boolean {
  try {
    return !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
