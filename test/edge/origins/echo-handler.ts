// The service behind every kind of echo origin: keeps what it saw, tells it to whoever waits in the test, and answers it as JSON.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Seen } from './seen.ts';

const WAIT_TIMEOUT_MS = 10_000;

/** What the origin answers instead of the plain 200; a body replaces the JSON. */
export interface Reply {
  status?: number;
  headers?: Record<string, string | string[]>;
  body?: string;
}

export interface EchoOptions {
  /** Stands in every answer. Default `echo`. */
  name?: string;
  /** Called when the request is complete. */
  reply?: (seen: Seen) => Reply;
}

export interface EchoLog {
  /** In order of arrival; entries grow while their bodies arrive. */
  readonly seen: Seen[];
  /** The first request for which `holds` is true, now or later. Rejects after 10 s. */
  until(holds: (seen: Seen) => boolean): Promise<Seen>;
  /** Forgets what was seen. */
  clear(): void;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

export interface EchoHandler extends EchoLog {
  handle(request: Request, response: Response): void;
  /** Counts a connection. */
  connected(connection: object): void;
}

export function createEchoHandler({ name = 'echo', reply = () => ({}) }: EchoOptions): EchoHandler {
  const seen: Seen[] = [];
  const connections = new WeakMap<object, { number: number; requests: number }>();
  let count = 0;
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const look of [...waiting]) look();
  };

  function connected(socket: object): { number: number; requests: number } {
    count += 1;
    const connection = { number: count, requests: 0 };
    connections.set(socket, connection);
    return connection;
  }

  function note(request: Request): Seen {
    const socket = socketOf(request);
    const connection = connections.get(socket) ?? connected(socket);
    connection.requests += 1;
    const sni = (socket as Partial<TLSSocket>).servername;
    const entry: Seen = {
      ...{ origin: name, method: request.method ?? '', url: request.url ?? '', httpVersion: request.httpVersion },
      ...{ headers: { ...request.headers }, rawHeaders: [...request.rawHeaders] },
      ...{ bodyBytes: 0, bodySha256: '', complete: false, broken: false },
      ...{ onConnection: connection.requests, connection: connection.number },
      ...(sni !== undefined && sni !== null && { sni }),
    };
    seen.push(entry);
    return entry;
  }

  return {
    seen,
    connected,
    clear: () => void seen.splice(0),

    handle(request, response) {
      const entry = note(request);
      const hash = createHash('sha256');
      changed();
      let finished = false;
      response.on('finish', () => {
        finished = true;
      });
      response.on('close', () => {
        entry.broken = !finished;
        changed();
      });
      request.on('error', () => undefined);
      request.on('data', (part: Buffer) => {
        entry.bodyBytes += part.length;
        hash.update(part);
        changed();
      });
      request.on('end', () => {
        entry.complete = true;
        entry.bodySha256 = hash.digest('hex');
        changed();
        const { status = 200, headers = {}, body } = reply(entry);
        // Both kinds of response have the same calls; TypeScript sees no common signature.
        const answer = response as ServerResponse;
        answer.writeHead(status, { 'content-type': 'application/json', 'x-echo': name, ...headers });
        answer.end(body ?? `${JSON.stringify(entry)}\n`);
      });
    },

    until: (holds) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(
            new Error(`the origin ${name} saw nothing of the kind; it saw ${seen.map(({ url }) => url).join(' ')}`),
          );
        }, WAIT_TIMEOUT_MS);
        const look = () => {
          const found = seen.find(holds);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}

/** HTTP/2 hides its socket behind a proxy that is another object each time. */
function socketOf(request: Request): object {
  return 'stream' in request ? (request.stream.session ?? request) : request.socket;
}
