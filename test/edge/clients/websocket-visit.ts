// A visitor's WebSocket that stays open (RFC 6455): says texts and waits for what comes back.
import { randomBytes } from 'node:crypto';
import { acceptKey, readFrame, textFrame } from '../../../lab/websocket-frames.ts';
import type { Door } from './door.ts';
import { type Answer, type Ask, connectRaw, requestHead } from './raw-visit.ts';

const SAY_TIMEOUT_MS = 10_000;

export type WebSocketVisit = Answered | OpenWebSocket;

/** No upgrade: an ordinary answer. */
export interface Answered {
  kind: 'answered';
  answer: Answer;
}

export interface OpenWebSocket {
  kind: 'open';
  /** Sends a text and answers the next one that comes. Rejects when the connection ends. */
  say(text: string): Promise<string>;
  isOpen(): boolean;
  end(): void;
}

export async function openWebSocket(door: Door, ask: Ask): Promise<WebSocketVisit> {
  const key = randomBytes(16).toString('base64');
  const connection = await connectRaw(door, ask);
  const fields = Array.isArray(ask.headers) ? ask.headers : Object.entries(ask.headers ?? {});
  const handshake = [
    ...([
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Key', key],
    ] as const),
    ...([['Sec-WebSocket-Version', '13']] as const),
  ];
  connection.write(requestHead({ ...ask, headers: [...fields, ...handshake] }));
  const head = await connection.reader.head();
  if (head.status !== 101) {
    const body = await connection.reader.text(head);
    connection.end();
    return { kind: 'answered', answer: { ...head, body } };
  }
  if (head.headers['sec-websocket-accept'] !== acceptKey(key)) throw new Error('a wrong Sec-WebSocket-Accept');
  const { socket } = connection;
  const texts: string[] = [];
  let bytes = Buffer.alloc(0);
  let wake: () => void = () => undefined;
  socket.on('data', (part: Buffer) => {
    bytes = Buffer.concat([bytes, part]);
    for (let read = readFrame(bytes); read !== undefined; read = readFrame(bytes)) {
      bytes = Buffer.from(read.rest);
      if (read.frame.kind === 'text') texts.push(read.frame.payload.toString('utf8'));
    }
    wake();
  });
  socket.on('close', () => wake());
  return {
    kind: 'open',
    async say(text) {
      connection.write(textFrame(Buffer.from(text), true));
      const deadline = Date.now() + SAY_TIMEOUT_MS;
      while (texts.length === 0 && !socket.destroyed && Date.now() < deadline) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, SAY_TIMEOUT_MS).unref();
        });
      }
      const echo = texts.shift();
      if (echo === undefined) throw new Error('the WebSocket ended without an echo');
      return echo;
    },
    isOpen: () => !socket.destroyed,
    end: () => connection.end(),
  };
}
