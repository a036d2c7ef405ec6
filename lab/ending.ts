// How processes are ended: asked first, killed after a bounded wait, each by its own id.
import { lives, type ProcessIdentity } from './process-table.ts';

const TERM_MS = 1_500;
const KILL_MS = 1_000;
const POLL_MS = 5;

/** SIGTERM, then SIGKILL for who is left. Blocks for at most 2.5 s, so that it also works while a process exits. Answers who still lives. */
export function endProcesses(find: () => ProcessIdentity[]): ProcessIdentity[] {
  for (const [name, ms] of [
    ['SIGTERM', TERM_MS],
    ['SIGKILL', KILL_MS],
  ] as const) {
    const end = performance.now() + ms;
    const signalled = new Set<number>();
    for (let left = find(); left.length > 0; left = find()) {
      for (const { pid } of left) {
        // Found again and again: a process that was forked meanwhile is asked too, but nobody is asked twice.
        if (!signalled.has(pid)) signal(pid, name);
        signalled.add(pid);
      }
      if (performance.now() > end) break;
      pause(POLL_MS);
    }
  }
  return find();
}

/** The same for processes that are known, without blocking. */
export async function endKnown(processes: readonly ProcessIdentity[], graceMs = TERM_MS): Promise<void> {
  for (const [name, ms] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', KILL_MS],
  ] as const) {
    const end = performance.now() + ms;
    for (const identity of processes) if (lives(identity)) signal(identity.pid, name);
    while (processes.some(lives) && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone between the look and the signal.
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
