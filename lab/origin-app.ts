// The service at home: says who it is and what it saw of the visitor. Any path answers; /slow, /sse and /ws (WebSocket echo) stay open.
//   node origin-app.ts --name NAME --port PORT [--address ADDRESS]
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { parseArgs } from 'node:util';
import type { OriginAnswer } from './origin.ts';
import { acceptKey, readFrame, textFrame } from './websocket-frames.ts';

const SECONDS_MAX = 600;
const EVENTS_MAX = 1_000;
/** Longer than a proxy keeps an idle connection, so that it is never closed under a request. */
const KEEP_ALIVE_MS = 120_000;

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: hostname() },
    port: { type: 'string', default: '8080' },
    address: { type: 'string', default: '0.0.0.0' },
  },
});

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://origin');
  const number = (name: string, max: number, otherwise: number) =>
    Math.min(Math.max(Number(url.searchParams.get(name) ?? otherwise) || 0, 0), max);
  response.setHeader('x-origin', values.name);
  if (url.pathname === '/slow') return dribble(response, number('seconds', SECONDS_MAX, 1));
  if (url.pathname === '/sse') {
    return sendEvents(response, number('count', EVENTS_MAX, 3), number('everyMs', SECONDS_MAX * 1_000, 100));
  }
  answer(request, response);
});
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.on('upgrade', echo);
server.listen(Number(values.port), values.address, () => console.log(`listening on ${values.address}:${values.port}`));

/** Counts the body instead of keeping it. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  let bodyBytes = 0;
  request.on('data', (chunk: Buffer) => {
    bodyBytes += chunk.length;
  });
  request.on('end', () => {
    const seen: OriginAnswer = { ...describe(request), bodyBytes };
    if (request.headers.accept === 'text/plain') {
      response.setHeader('content-type', 'text/plain');
      response.end(`${values.name} ${seen.host} ${seen.method} ${seen.path}\n`);
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify(seen)}\n`);
  });
}

function describe(request: IncomingMessage): Omit<OriginAnswer, 'bodyBytes'> {
  const header = (name: string) => {
    const value = request.headers[name];
    return value === undefined ? null : String(value);
  };
  return {
    name: values.name,
    host: header('host'),
    method: request.method ?? '',
    path: request.url ?? '',
    peer: request.socket.remoteAddress ?? '',
    forwardedFor: header('x-forwarded-for'),
    forwarded: header('forwarded'),
    realIp: header('x-real-ip'),
    proto: header('x-forwarded-proto'),
  };
}

/** Headers at once, then a line each second. */
function dribble(response: ServerResponse, seconds: number): void {
  response.setHeader('content-type', 'text/plain');
  response.write('start\n');
  repeat(response, 1_000, seconds, (count) => `tick ${count}\n`, 'end\n');
}

/** The first event at once, then one each `everyMs`. */
function sendEvents(response: ServerResponse, events: number, everyMs: number): void {
  response.setHeader('content-type', 'text/event-stream');
  response.setHeader('cache-control', 'no-cache');
  response.write('data: 1\n\n');
  repeat(response, everyMs, events - 1, (count) => `data: ${count + 1}\n\n`, '');
}

function repeat(
  response: ServerResponse,
  everyMs: number,
  times: number,
  line: (count: number) => string,
  last: string,
) {
  let count = 0;
  const next = () => {
    if (response.destroyed) return;
    if (count >= times) {
      response.end(last);
      return;
    }
    timer = setTimeout(() => {
      count++;
      response.write(line(count));
      next();
    }, everyMs);
  };
  let timer: NodeJS.Timeout | undefined;
  response.on('close', () => clearTimeout(timer));
  next();
}

function echo(request: IncomingMessage, socket: Duplex): void {
  const key = request.headers['sec-websocket-key'];
  socket.on('error', () => undefined);
  if (key === undefined || new URL(request.url ?? '/', 'http://origin').pathname !== '/ws') {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    return;
  }
  const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${acceptKey(key)}`];
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\nX-Origin: ${values.name}\r\n\r\n`);
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    try {
      for (let read = readFrame(bytes); read !== undefined; read = readFrame(bytes)) {
        bytes = Buffer.from(read.rest);
        if (read.frame.kind === 'close') socket.end();
        if (read.frame.kind === 'text') socket.write(textFrame(read.frame.payload, false));
      }
    } catch {
      socket.destroy();
    }
  });
}
