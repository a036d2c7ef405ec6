// Workers of earlier releases, which finish what they carry. Law: they are few; a burst of changes waits a moment before it costs a visitor the
// connection, and when one has to go it is the one that carries least.
import { setTimeout as delay } from 'node:timers/promises';
import { type NginxProcess, openFiles, signal, workersOf } from './nginx-processes.ts';

/** Each generation costs memory of its own; beyond this many workers the one with the fewest connections ends. */
export const LEAVING_WORKERS_MAX = 16;
/** As long as nginx keeps a connection that waits for its next request (`keepalive_min_timeout` of the template). */
export const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 100;

/** The reload before. */
export interface LastReload {
  /** performance.now(); -Infinity when there was none. */
  readonly at: number;
  /** The release that it left. */
  readonly left: string | undefined;
}

export const NO_RELOAD: LastReload = { at: Number.NEGATIVE_INFINITY, left: undefined };

/**
 * Waits until one more reload leaves no more old workers than may be, but not longer than `patienceMs` after the reload before. The way back
 * to the release before does not wait: it is a rollback.
 */
export async function untilRoom(
  master: NginxProcess,
  wanted: string,
  { at, left }: LastReload,
  patienceMs: number,
): Promise<void> {
  if (wanted === left) return;
  while (performance.now() < at + patienceMs) {
    if ((await workersOf(master)).length <= LEAVING_WORKERS_MAX) return;
    await delay(LOOK_EVERY_MS);
  }
}

/** Ends the old workers that are too many: those with the fewest connections, and of equal ones the oldest. Never one of `youngest`. */
export async function endLightest(master: NginxProcess, youngest: readonly NginxProcess[]): Promise<void> {
  const leaving = (await workersOf(master)).filter((worker) => worker.leaving);
  const tooMany = leaving.length - LEAVING_WORKERS_MAX;
  if (tooMany <= 0) return;
  const pids = new Set(youngest.map(({ pid }) => pid));
  // A connection is one open socket, or two with its backend's; what else a worker has open is the same for all.
  const weighed = await Promise.all(
    leaving
      .filter(({ pid }) => !pids.has(pid))
      .map(async (worker) => ({ worker, weight: (await openFiles(worker)).length })),
  );
  weighed.sort((a, b) => a.weight - b.weight);
  for (const { worker } of weighed.slice(0, tooMany)) await signal(worker, 'SIGTERM');
}
