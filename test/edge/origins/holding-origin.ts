// A service that answers when the test says so, and not before.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { type Listening, listen } from './listening.ts';

export interface HoldingOrigin extends Listening {
  /** Requests that wait for their answer now. */
  waiting(): number;
  /** Answers all of them, and later ones too. */
  release(): void;
}

export async function startHolding(address: string, speaks: 'http' | 'h2c' = 'http'): Promise<HoldingOrigin> {
  const held = new Set<ServerResponse | Http2ServerResponse>();
  let released = false;
  const hold = (_request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => {
    if (released) return void response.end('released');
    held.add(response);
    response.on('close', () => held.delete(response));
  };
  const server = speaks === 'h2c' ? createHttp2Server(hold) : createServer(hold);
  server.on('sessionError', () => undefined);
  return {
    ...(await listen(server, address)),
    waiting: () => held.size,
    release() {
      released = true;
      for (const response of held) response.end('released');
    },
  };
}
