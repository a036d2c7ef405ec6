// Who listens on this machine, from /proc/net and, as far as this user may look, /proc/PID/fd (proc_net(5), proc_pid_fd(5)).
import { readdir, readFile, readlink } from 'node:fs/promises';
import type { Listener } from '../core/preflight-network.ts';

export interface FoundListener extends Listener {
  /** Of the process; undefined when it cannot be seen. */
  pid: number | undefined;
}

/** The kernel's states of a socket that waits for peers: TCP_LISTEN, and for UDP the unconnected TCP_CLOSE. */
const WAITING = { tcp: '0A', udp: '07' } as const;
const LINES_MAX = 100_000;
const PROCESSES_MAX = 65_536;
const FILES_PER_PROCESS_MAX = 10_000;

interface Socket {
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
  inode: string;
}

/** Those that listen on one of `ports`, in this network namespace. */
export async function listenersOn(ports: readonly number[]): Promise<FoundListener[]> {
  const tables = await Promise.all(
    (['tcp', 'udp'] as const).flatMap((protocol) => ['', '6'].map((family) => readTable(protocol, family))),
  );
  const sockets = tables.flat().filter(({ port }) => ports.includes(port));
  const owners = sockets.length > 0 ? await ownersOf(new Set(sockets.map(({ inode }) => inode))) : new Map();
  return sockets.map(({ inode, ...socket }) => {
    const found: { pid: number; name: string } | undefined = owners.get(inode);
    return { ...socket, pid: found?.pid, owner: found && `${found.name} (pid ${found.pid})` };
  });
}

async function readTable(protocol: 'tcp' | 'udp', family: string): Promise<Socket[]> {
  const text = await readFile(`/proc/self/net/${protocol}${family}`, 'latin1').catch(() => '');
  const lines = text.split('\n').slice(1, LINES_MAX);
  return lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, local = '', , state] = fields;
    const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local);
    if (!match || state !== WAITING[protocol]) return [];
    return [{ protocol, address: addressOf(match[1]!), port: Number.parseInt(match[2]!, 16), inode: fields[9] ?? '' }];
  });
}

/** Words of 32 bits in the byte order of the machine, which is little-endian wherever this runs. IPv6 is all or one, no more is asked. */
function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g)!.map((word) => Buffer.from(word, 'hex').reverse());
  const bytes = Buffer.concat(words);
  if (bytes.length === 4) return [...bytes].join('.');
  if (bytes.every((byte) => byte === 0)) return '::';
  return bytes.toString('hex').match(/.{4}/g)!.join(':');
}

async function ownersOf(inodes: ReadonlySet<string>): Promise<Map<string, { pid: number; name: string }>> {
  const owners = new Map<string, { pid: number; name: string }>();
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]{1,10}$/.test(name)).slice(0, PROCESSES_MAX);
  for (const pid of pids) {
    const files = (await readdir(`/proc/${pid}/fd`).catch(() => [])).slice(0, FILES_PER_PROCESS_MAX);
    for (const file of files) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '');
      const inode = /^socket:\[([0-9]+)\]$/.exec(target)?.[1];
      if (inode === undefined || !inodes.has(inode) || owners.has(inode)) continue;
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
      owners.set(inode, { pid: Number(pid), name: name.replace(/[^\x20-\x7e]/g, '?') || 'a program' });
    }
  }
  return owners;
}
