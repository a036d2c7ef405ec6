// Knocks on a TCP port: somebody there, nobody there, or silence, as a packet filter leaves it.
import { connect } from 'node:net';

export type Knock = 'accepted' | 'refused' | 'silent';

/** One connection attempt; `silent` after `timeoutMs` without an answer, and for every failure that is no answer of the port. */
export function knock(address: string, port: number, timeoutMs: number): Promise<Knock> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => end('silent'), timeoutMs);
    const end = (result: Knock) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end('accepted'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : 'silent'));
  });
}
