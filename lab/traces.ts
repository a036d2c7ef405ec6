// What the product leaves behind on the lab's machines: processes, open files, files of state. Counted before and after, it must not grow.
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Fleet } from './fleet.ts';
import { processesIn } from './process-table.ts';
import { EDGES, ORIGINS } from './world.ts';

export interface Traces {
  /** Of all machines that run an agent, and of the control plane's. */
  processes: number;
  /** Open files of the agents and the reconciler together. */
  openFiles: number;
  releases: number;
  bundles: number;
  chunks: number;
  /** Names that only a write under way has. */
  temporary: number;
}

const NODES = [...EDGES, ...ORIGINS];

export function tracesOf({ agents, reconciler, network }: Fleet): Traces {
  const hosts = [...NODES.map((slot) => agents[slot].host), network.hosts.control];
  const programs = [...NODES.map((slot) => agents[slot].agent().pid), reconciler().pid];
  const folders = NODES.map((slot) => agents[slot].stateDir);
  const count = (name: string) => folders.reduce((sum, folder) => sum + entriesOf(join(folder, name)).length, 0);
  return {
    processes: processesIn(hosts.map(({ namespace }) => namespace!)).length,
    openFiles: programs.reduce((sum, pid) => sum + filesOf(pid), 0),
    releases: count('releases'),
    bundles: count('bundles'),
    chunks: count('chunks'),
    temporary: folders.flatMap((folder) => readdirSync(folder, { recursive: true }).map(String)).filter(isTemporary)
      .length,
  };
}

/** Sockets come and go; what is kept open of disk does not. */
function filesOf(pid: number): number {
  return entriesOf(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('/');
    } catch {
      return false;
    }
  }).length;
}

function isTemporary(path: string): boolean {
  return /\.tmp$|(^|\/)\.scratch-/.test(path);
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
