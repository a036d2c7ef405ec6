// The socket that wireguard-go takes its settings from. wg(8) removes the socket of a program that it takes for dead, and one that is bound
// and does not listen yet looks dead to it: who asks `wg show` a moment too early leaves a wireguard-go that nobody reaches again.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './program.ts';

/** Fixed in wg(8) and wireguard-go, the same for all network namespaces. */
const SOCKET_FOLDER = '/var/run/wireguard';
/** `__SO_ACCEPTCON` of the kernel's include/uapi/linux/net.h, as proc_pid_net(5) shows it: the socket listens. */
const LISTENS = 0x1_00_00;

/** - `absent`: nobody listens yet. - `listens`: `wg` may ask. - `lost`: somebody listens, and its file was taken away. */
export type SocketState = 'absent' | 'listens' | 'lost';

export function socketFile(name: string): string {
  return join(SOCKET_FOLDER, `${name}.sock`);
}

/** As seen in the network namespace that `prefix` leads to. */
export async function readSocket(target: { name: string; prefix: readonly string[] }): Promise<SocketState> {
  const file = socketFile(target.name);
  const { ok, stdout } = await runProgram([...target.prefix, 'cat', '/proc/net/unix']);
  if (!ok || !listensOn(stdout, file)) return 'absent';
  return existsSync(file) ? 'listens' : 'lost';
}

/** `listed`: /proc/net/unix, one socket a line: `address: references protocol flags type state inode path`. */
export function listensOn(listed: string, file: string): boolean {
  return listed.split('\n').some((line) => {
    const [, , , flags = '', , , , path] = line.trim().split(/\s+/);
    return path === file && (Number.parseInt(flags, 16) & LISTENS) !== 0;
  });
}
