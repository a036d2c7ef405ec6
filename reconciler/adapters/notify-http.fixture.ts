// A server on loopback that takes posts as a channel does, and misbehaves as told.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Posted {
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface NotifyServer {
  origin: string;
  readonly posted: readonly Posted[];
  /** Default: 200 and `ok`. */
  answer: (response: ServerResponse, posted: Posted) => void;
  close(): Promise<void>;
}

export async function startNotifyServer(): Promise<NotifyServer> {
  const posted: Posted[] = [];
  const http = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const one = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts).toString('utf8') };
    posted.push(one);
    server.answer(response, one);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: NotifyServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    posted,
    answer: (response) => response.end('ok'),
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}
