// What /proc says about processes: who lives, since when, and in which network namespace. It never signals by name, only by id.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** A process, told apart from a later one with the same id by its start time (clock ticks since boot). */
export interface ProcessIdentity {
  pid: number;
  startTicks: string;
}

const NAMESPACE_FOLDER = '/run/netns';
/** The kernel's states of a socket that waits for peers: TCP_LISTEN, and for UDP the unconnected TCP_CLOSE. */
const LISTENING = { tcp: '0A', udp: '07' };
/** Position of `starttime` in /proc/PID/stat after the closing bracket of the command (proc(5): field 22). */
const START_TICKS_INDEX = 19;

/** The identity of a living process; undefined when there is none (a zombie counts as gone). */
export function identify(pid: number): ProcessIdentity | undefined {
  if (process.platform !== 'linux') return identifyWithoutProc(pid);
  const fields = statFields(pid);
  const startTicks = fields?.[START_TICKS_INDEX];
  return startTicks === undefined || fields?.[0] === 'Z' ? undefined : { pid, startTicks };
}

/** True while exactly this process lives, not another one that got its id. */
export function lives(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTicks === identity.startTicks;
}

/** Changes with every boot of the machine, so that a recorded process is not looked for after a reboot. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

/** The processes inside any of these named network namespaces (`ip netns` names). Never this process itself. */
export function processesIn(namespaces: readonly string[]): ProcessIdentity[] {
  const inodes = new Set(namespaces.map(namespaceInode));
  inodes.delete(undefined);
  if (inodes.size === 0) return [];
  return everyProcess().filter(({ pid }) => pid !== process.pid && inodes.has(networkOf(pid)));
}

/** A process in this named network namespace by its title, arguments included; undefined: none runs. */
export function pidWithTitle(namespace: string, title: RegExp): number | undefined {
  return processesIn([namespace]).find(({ pid }) => title.test(titleOf(pid)))?.pid;
}

/** The processes that were started with `NAME=VALUE` in their environment. Never this process itself. */
export function processesWith(name: string, value: string): ProcessIdentity[] {
  const wanted = `${name}=${value}`;
  return everyProcess().filter(({ pid }) => {
    if (pid === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(wanted);
    } catch {
      return false;
    }
  });
}

/**
 * The nginx processes that work in `directory`: started with a clean environment and detached, nothing else tells whose they are. A
 * person's shell that stands in the directory is none of them.
 */
export function webServersIn(directory: string): ProcessIdentity[] {
  return everyProcess().filter(({ pid }) => {
    try {
      const title = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      return title.startsWith('nginx: ') && `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${directory}/`);
    } catch {
      return false;
    }
  });
}

/** Which network namespace a process is in, as an inode; undefined when it is gone. */
export function networkOf(pid: number): number | undefined {
  return inodeOf(`/proc/${pid}/ns/net`);
}

/** The inode of a named network namespace. */
export function namespaceInode(namespace: string): number | undefined {
  return inodeOf(`${NAMESPACE_FOLDER}/${namespace}`);
}

/** The named network namespaces of this machine that begin with `prefix`. */
export function namespacesOf(prefix: string): string[] {
  try {
    return readdirSync(NAMESPACE_FOLDER).filter((name) => name.startsWith(prefix));
  } catch {
    return [];
  }
}

/** True when somebody in the network namespace of `pid` listens on this port (proc_net(5)). */
export function listensNear(pid: number, port: number, protocol: 'tcp' | 'udp'): boolean {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const state = LISTENING[protocol];
  return [protocol, `${protocol}6`].some((table) => {
    try {
      const lines = readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1);
      return lines.some((line) => {
        const [, local, , found] = line.trim().split(/\s+/);
        return found === state && local?.endsWith(`:${wanted}`) === true;
      });
    } catch {
      return false;
    }
  });
}

function everyProcess(): ProcessIdentity[] {
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return [];
  }
  return entries.filter((entry) => /^\d+$/.test(entry)).flatMap((entry) => identify(Number(entry)) ?? []);
}

/** Elsewhere the id alone has to do. */
function identifyWithoutProc(pid: number): ProcessIdentity | undefined {
  try {
    process.kill(pid, 0);
    return { pid, startTicks: '' };
  } catch {
    return undefined;
  }
}

function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

/** Empty for a process that has ended meanwhile. */
function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return '';
  }
}
