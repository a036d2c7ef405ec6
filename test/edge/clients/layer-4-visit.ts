// Visitors who speak no HTTP: a connection or a datagram at a public port, or TLS with a name.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import type { Door } from './door.ts';

const ANSWER_TIMEOUT_MS = 10_000;

export interface Conversation {
  /** The next piece that comes; undefined when the connection ends instead, in whatever way. */
  hear(): Promise<string | undefined>;
  /** Says something and hears the next piece. */
  say(text: string): Promise<string | undefined>;
  isOpen(): boolean;
  end(): void;
}

/** To a public port. Rejects when the connection is refused. `before`: what a load balancer sends first. */
export async function openTcp({ address }: Door, port: number, from?: string, before = ''): Promise<Conversation> {
  const socket = connect({ ...way(address, from), port });
  await once(socket, 'connect');
  if (before !== '') socket.write(before);
  return conversation(socket);
}

export interface TlsVisitor {
  sni: string;
  from?: string;
  /** What a load balancer sends first. */
  before?: string;
  /** Takes every certificate; otherwise it must be of the edge's authority, for this name. */
  anyCertificate?: boolean;
}

/** To the port of HTTPS. Undefined when the connection ends before the handshake does. */
export async function openTls(
  door: Door,
  { sni, from, before = '', anyCertificate = false }: TlsVisitor,
): Promise<Conversation | undefined> {
  const raw = connect({ ...way(door.address, from), port: door.httpsPort });
  raw.on('error', () => undefined);
  if (before !== '') raw.write(before);
  const trust = { ca: door.pki.caPem, rejectUnauthorized: !anyCertificate };
  const socket = connectSecure({ socket: raw, servername: sni, ...trust, ALPNProtocols: ['http/1.1'] });
  return new Promise((resolve) => {
    socket.once('secureConnect', () => resolve(conversation(socket)));
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(undefined));
  });
}

/** Says something to a public UDP port, again and again from one port, and hears the answer. */
export interface DatagramVisit {
  ask(text: string): Promise<string>;
  /** Does not wait for an answer. */
  send(text: string): void;
  end(): void;
}

export async function openUdp({ address }: Door, port: number, from: string): Promise<DatagramVisit> {
  const socket = createSocket('udp4');
  socket.bind(0, from);
  await once(socket, 'listening');
  const send = (text: string) => socket.send(text, port, address);
  return {
    send,
    async ask(text) {
      send(text);
      const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      return String(answer);
    },
    end: () => socket.close(),
  };
}

function way(address: string, from: string | undefined): { host: string; localAddress?: string } {
  return { host: from?.includes(':') ? '::1' : address, ...(from !== undefined && { localAddress: from }) };
}

function conversation(socket: Socket): Conversation {
  const pieces: string[] = [];
  let over = false;
  let wake: () => void = () => undefined;
  const ended = () => {
    over = true;
    wake();
  };
  socket.on('data', (piece) => {
    pieces.push(String(piece));
    wake();
  });
  socket.on('error', ended);
  socket.on('end', ended);
  socket.on('close', ended);
  async function hear(): Promise<string | undefined> {
    if (pieces.length === 0 && !over) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error('nothing is said, and the connection stays')),
          ANSWER_TIMEOUT_MS,
        );
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return pieces.shift();
  }
  return {
    hear,
    say(text) {
      socket.write(text);
      return hear();
    },
    isOpen: () => !over,
    end: () => socket.destroy(),
  };
}
