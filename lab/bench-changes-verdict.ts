// What must hold of an edge that took changes in a row, on any machine however busy: nothing of it is a time.
import { LEAVING_WORKERS_MAX } from '../agent/adapters/nginx-old-workers.ts';
import { RELEASES_KEPT } from '../agent/adapters/releases-dir.ts';
import type { ChangesResult } from './bench-changes-run.ts';
import type { Tally } from './bench-changes-tally.ts';

/** Memory comes and goes; what leaks grows with every change. */
const GROWTH = { factor: 1.25, bytes: 16e6 } as const;
/** Connections of visitors that come and go, in a worker or two more. */
const OPEN_FILES_MORE = 150;
const AGENT_FILES_MORE = 8;

/** One line for each promise that was broken; empty: all hold. */
export function brokenPromises(result: ChangesResult): string[] {
  const { visitors, keepsIdle, middle, end, rest, oldWorkersMost } = result;
  const { fresh, busy, idle, http2, webSockets } = visitors;
  const nothing = (what: string, tally: Tally, count: number) =>
    tally.asked > 0 && count === 0 ? [] : [`${what}: lost ${count} of ${tally.asked}${reasonsOf(tally)}`];
  const atMost = (what: string, found: number, most: number) =>
    found <= most ? [] : [`${what}: ${Math.round(found)}, expected at most ${Math.round(most)}`];
  const agent = [middle.agent ?? 0, end.agent ?? 0] as const;
  return [
    ...nothing('new connections', fresh, fresh.failed),
    ...[busy, idle].flatMap((kept) => nothing('kept connections', kept, keepsIdle ? kept.failed : kept.lost)),
    ...nothing('HTTP/2 that reads GOAWAY', http2, http2.lost),
    ...nothing('WebSockets', webSockets, webSockets.failed),
    ...atMost('old workers', oldWorkersMost, LEAVING_WORKERS_MAX),
    ...atMost('old workers when everybody has gone', rest.oldWorkers, 0),
    ...atMost('releases on disk', end.releases ?? 0, RELEASES_KEPT),
    ...atMost('files on disk', end.files ?? 0, middle.files ?? 0),
    ...atMost('open files of the agent', end.agentFiles ?? 0, (middle.agentFiles ?? 0) + AGENT_FILES_MORE),
    ...atMost('open files of the web server', end.openFiles, middle.openFiles + OPEN_FILES_MORE),
    ...atMost('memory of the web server', end.memory, middle.memory * GROWTH.factor + GROWTH.bytes),
    ...atMost('memory of the agent', agent[1], agent[0] * GROWTH.factor + GROWTH.bytes),
  ];
}

function reasonsOf({ reasons }: Tally): string {
  const told = [...reasons].map(([reason, count]) => `${count} ${reason}`);
  return told.length === 0 ? '' : ` (${told.join(', ')})`;
}
