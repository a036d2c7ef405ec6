// A visitor who takes time: bytes one by one, or none at all.
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { RawConnection } from './raw-visit.ts';

/** Far above the shortened waiting times of the tests: against hanging, not about speed. */
const ENDED_TIMEOUT_MS = 12_000;

/** Sends `first` at once, then `rest` byte by byte, until all is sent or the edge ends the connection. */
export async function dribble(
  connection: RawConnection,
  first: string,
  rest: string,
  everyMs: number,
): Promise<'all sent' | 'cut off'> {
  const { socket } = connection;
  watch(socket);
  connection.write(first);
  const deadline = Date.now() + ENDED_TIMEOUT_MS;
  for (const byte of rest) {
    if (isOver(socket)) return 'cut off';
    if (Date.now() > deadline) break;
    connection.write(byte);
    await delay(everyMs);
  }
  connection.end();
  return 'all sent';
}

/** Resolves when the edge has ended the connection: by a reset, which leaves no trace at the edge, or in order. */
export async function ended(socket: Socket): Promise<'reset' | 'closed'> {
  let how: 'reset' | 'closed' = 'closed';
  socket.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'ECONNRESET') how = 'reset';
  });
  socket.resume();
  const deadline = Date.now() + ENDED_TIMEOUT_MS;
  while (!isOver(socket)) {
    if (Date.now() > deadline) throw new Error('the edge keeps the connection open');
    await delay(20);
  }
  socket.destroy();
  return how;
}

/** A reset is an end too. */
function watch(socket: Socket): void {
  socket.on('error', () => undefined);
}

function isOver(socket: Socket): boolean {
  return socket.destroyed || socket.readableEnded || socket.closed;
}
