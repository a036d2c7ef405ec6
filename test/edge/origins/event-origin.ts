// A service that streams events when the test says so, not before: what arrived is then known to have been sent without the next one.
import { createServer, type ServerResponse } from 'node:http';
import { type Listening, listen } from './listening.ts';

export interface EventOrigin extends Listening {
  /** To everybody who listens now. */
  send(data: string): void;
  /** Ends the streams. */
  finish(): void;
  /** Streams that are open. */
  streams(): number;
}

/** The head is sent at once. `contentType`: anything that a service may stream. */
export async function startEvents(address: string, contentType = 'text/event-stream'): Promise<EventOrigin> {
  const streams = new Set<ServerResponse>();
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': contentType });
    response.flushHeaders();
    streams.add(response);
    response.on('close', () => streams.delete(response));
  });
  const listening = await listen(server, address);
  return {
    ...listening,
    send(data) {
      for (const stream of streams) stream.write(`data: ${data}\n\n`);
    },
    finish() {
      for (const stream of streams) stream.end();
    },
    streams: () => streams.size,
  };
}
