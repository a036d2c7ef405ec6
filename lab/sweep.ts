// Removes everything that carries a run's prefix, whoever made it. One path for a normal end, an exit and a dead run's left-overs;
// it is synchronous, so that it works while a process exits, and no step's failure keeps another from running.
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execaSync } from 'execa';
import { endProcesses } from './ending.ts';
import { namespacesOf, processesIn, processesWith, webServersIn } from './process-table.ts';

/** In the environment of every process of a run: finds those that no namespace holds. */
export const RUN_VARIABLE = 'KOKOA_LAB_RUN';

/** How the directory of a run begins; its prefix follows. */
export const DIRECTORY_NAME = 'kokoa-lab-';
/** The file in it that says whose it is (janitor.ts). */
export const RECORD = 'run.json';

const NETNS_FILES = '/etc/netns';
const WIREGUARD_SOCKETS = '/var/run/wireguard';
const IP_TIMEOUT_MS = 3_000;

/**
 * Ends the processes and deletes the namespaces, links, resolver files, WireGuard sockets and the directory of run `prefix`.
 * Idempotent. Answers what could not be removed, one line each.
 */
export function sweep(prefix: string, directory: string): string[] {
  const failures: string[] = [];
  const step = (name: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  step('processes', () => {
    const namespaces = namespacesOf(prefix);
    const left = endProcesses(() => [
      ...processesIn(namespaces),
      ...processesWith(RUN_VARIABLE, prefix),
      ...webServersIn(directory),
    ]);
    if (left.length > 0) throw new Error(`still alive: ${left.map(({ pid }) => pid).join(', ')}`);
  });
  step('namespaces', () => {
    delAll('netns del', namespacesOf(prefix));
    const left = namespacesOf(prefix);
    if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`);
  });
  step('links', () => {
    delAll('link del', entriesOf('/sys/class/net', prefix));
    const left = entriesOf('/sys/class/net', prefix);
    if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`);
  });
  step('resolver files', () => removeEntries(NETNS_FILES, prefix));
  step('WireGuard sockets', () => removeEntries(WIREGUARD_SOCKETS, prefix));
  step('directory', () => {
    // The record of the owner goes last: as long as anything is left, the next run knows whose it is.
    for (const entry of entriesOf(directory, '')) if (entry !== RECORD) remove(join(directory, entry));
    remove(directory);
  });
  step('shared folders', () => removeSharedFolders(directory));
  return failures;
}

function removeEntries(folder: string, prefix: string): void {
  for (const entry of entriesOf(folder, prefix)) remove(join(folder, entry));
}

/** Another run may be sweeping the same: only what is still there afterwards is a failure. */
function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  } catch (error) {
    if (existsSync(path)) throw error;
  }
}

/** The last run takes the shared folders away when they are empty; while another runs, it may be about to use them. */
function removeSharedFolders(directory: string): void {
  const runs = dirname(directory);
  if (entriesOf(runs, DIRECTORY_NAME).length > 0) return;
  for (const folder of [NETNS_FILES, WIREGUARD_SOCKETS]) {
    try {
      rmdirSync(folder);
    } catch {
      // Not there, or something that is not the lab's is in it.
    }
  }
}

function entriesOf(folder: string, prefix: string): string[] {
  try {
    return readdirSync(folder).filter((entry) => entry.startsWith(prefix));
  } catch {
    return [];
  }
}

/** What is gone already, because another run sweeps the same left-overs, is no failure: the caller looks at what is left. */
function delAll(command: string, names: readonly string[]): void {
  if (names.length === 0) return;
  const input = names.map((name) => `${command} ${name}\n`).join('');
  execaSync('ip', ['-force', '-batch', '-'], { input, timeout: IP_TIMEOUT_MS, reject: false });
}
