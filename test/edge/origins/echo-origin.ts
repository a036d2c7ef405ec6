// Services that answer what they saw: over HTTP/1.1 (WebSocket texts are echoed too), over HTTPS, over HTTP/2 without TLS.

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { acceptKey, readFrame, textFrame } from '../../../lab/websocket-frames.ts';
import { createEchoHandler, type EchoHandler, type EchoLog, type EchoOptions } from './echo-handler.ts';
import { type Listening, listen } from './listening.ts';

/** Longer than a proxy keeps an idle connection, so that it is never closed under a request. */
const KEEP_ALIVE_MS = 120_000;

export interface EchoOrigin extends Listening, EchoLog {
  /** WebSockets that are open now. */
  webSockets(): number;
}

export interface Place {
  /** Default 0: any that is free. */
  port?: number;
}

export async function startEcho(address: string, { port, ...options }: EchoOptions & Place = {}): Promise<EchoOrigin> {
  const handler = createEchoHandler(options);
  const server = createServer((request, response) => handler.handle(request, response));
  return opened(server, handler, address, port);
}

/** `files`: the certificate it shows; those of `edge.pki` are trusted by whoever trusts that authority. */
export async function startTlsEcho(
  address: string,
  files: { certFile: string; keyFile: string },
  { port, ...options }: EchoOptions & Place = {},
): Promise<EchoOrigin> {
  const handler = createEchoHandler(options);
  const pair = { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) };
  const server = createHttpsServer(pair, (request, response) => handler.handle(request, response));
  return opened(server, handler, address, port);
}

/** Speaks HTTP/2 with prior knowledge (RFC 9113 §3.3), nothing else. */
export async function startH2cEcho(
  address: string,
  { port, ...options }: EchoOptions & Place = {},
): Promise<EchoOrigin> {
  const handler = createEchoHandler(options);
  const server = createHttp2Server((request, response) => handler.handle(request, response));
  server.on('sessionError', () => undefined);
  return origin(handler, await listen(server, address, port));
}

async function opened(server: Server, handler: EchoHandler, address: string, port?: number): Promise<EchoOrigin> {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const webSockets = new Set<Duplex>();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    webSockets.add(socket);
    socket.on('close', () => webSockets.delete(socket));
    echoTexts(request, socket, head);
  });
  server.on('tlsClientError', () => undefined);
  return origin(handler, await listen(server, address, port), webSockets);
}

function origin(
  { seen, until, clear }: EchoHandler,
  listening: Listening,
  webSockets: ReadonlySet<Duplex> = new Set(),
): EchoOrigin {
  return { ...listening, seen, until, clear, webSockets: () => webSockets.size };
}

/** Answers each text with `URL: text`. */
function echoTexts(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => socket.destroy());
  // A server's sockets stay half open otherwise.
  socket.on('end', () => socket.end());
  const key = request.headers['sec-websocket-key'] ?? '';
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  socket.write(`${[...lines, `Sec-WebSocket-Accept: ${acceptKey(key)}`].join('\r\n')}\r\n\r\n`);
  let bytes: Buffer<ArrayBufferLike> = head;
  const look = () => {
    for (let read = readFrame(bytes); read !== undefined; read = readFrame(bytes)) {
      bytes = read.rest;
      if (read.frame.kind === 'close') socket.end();
      if (read.frame.kind === 'text')
        socket.write(textFrame(Buffer.from(`${request.url}: ${read.frame.payload}`), false));
    }
  };
  socket.on('data', (part: Buffer) => {
    bytes = Buffer.concat([bytes, part]);
    look();
  });
  look();
}
