// Visitors with a WebSocket that stays open: say something every now and then, and hear it back. One that was cut off opens a new one.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { keepAsking, newTally, note, type Place, VISIT_TIMEOUT_MS, type Visitors } from './bench-changes-tally.ts';
import { openRequest } from './probe-request.ts';
import { acceptKey, readFrame, textFrame } from './websocket-frames.ts';

export interface SocketsOptions {
  count: number;
  everyMs: number;
}

export interface OpenSocket {
  /** Why nothing came back; undefined when the same did. */
  say(text: string): Promise<string | undefined>;
  end(): void;
}

export async function startSockets(place: Place, { count, everyMs }: SocketsOptions): Promise<Visitors> {
  const tally = newTally();
  const sockets = await Promise.all(Array.from({ length: count }, (_, index) => openSocket(place, index)));
  const visitors = keepAsking(tally, count, everyMs, async (index) => {
    tally.asked += 1;
    const failure = await sockets[index]!.say(`text ${tally.asked}`);
    if (failure === undefined) return;
    tally.failed += 1;
    tally.lost += 1;
    note(tally, failure);
    sockets[index]!.end();
    sockets[index] = await openSocket(place, index).catch((error: Error) => closed(`no new one: ${error.message}`));
  });
  return {
    tally,
    async end() {
      await visitors.end();
      for (const socket of sockets) socket.end();
    },
  };
}

function closed(reason: string): OpenSocket {
  return { say: async () => reason, end: () => undefined };
}

/** @throws Error when it is not upgraded */
export function openSocket({ port, ca, hostnames }: Place, index: number): Promise<OpenSocket> {
  const key = randomBytes(16).toString('base64');
  const hostname = hostnames[index % hostnames.length]!;
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
  const target = { hostname, address: '127.0.0.1', port, ca, path: '/ws' };
  const request = openRequest(target, { ...headers, 'sec-websocket-key': key });
  return new Promise((resolve, reject) => {
    request.setTimeout(VISIT_TIMEOUT_MS, () => request.destroy(new Error('timeout')));
    request.on('error', reject);
    request.on('response', ({ statusCode }) => reject(new Error(`status ${statusCode}`)));
    request.on('upgrade', (response, socket, head) => {
      request.setTimeout(0);
      if (response.headers['sec-websocket-accept'] === acceptKey(key)) resolve(carry(socket, head));
      else reject(new Error('a wrong Sec-WebSocket-Accept'));
    });
    request.end();
  });
}

function carry(socket: Duplex, head: Buffer): OpenSocket {
  let bytes: Buffer = head;
  let failure: string | undefined;
  let hear: (() => void) | undefined;
  socket.on('data', (part: Buffer) => {
    bytes = Buffer.concat([bytes, part]);
    hear?.();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure ??= error.code ?? error.message;
  });
  socket.on('close', () => {
    failure ??= 'closed without a close frame';
    hear?.();
  });
  return {
    say: (text) =>
      new Promise((resolve) => {
        const done = (result: string | undefined) => {
          clearTimeout(timer);
          hear = undefined;
          resolve(result);
        };
        const timer = setTimeout(() => done('timeout'), VISIT_TIMEOUT_MS);
        hear = () => {
          const read = readFrame(bytes);
          if (read) bytes = Buffer.from(read.rest);
          if (read?.frame.kind === 'close') failure ??= 'close frame';
          else if (read) return done(read.frame.payload.toString('utf8') === text ? undefined : 'another text');
          if (failure !== undefined) done(failure);
        };
        if (failure === undefined) socket.write(textFrame(Buffer.from(text), true));
        hear();
      }),
    end: () => socket.destroy(),
  };
}
