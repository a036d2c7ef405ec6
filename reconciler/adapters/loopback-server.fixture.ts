// An HTTP server on loopback, for doubles of what others run: it reads each request to its end and hands it on.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `respond` may leave a response without an end. What it throws cuts the connection, and is told to `problems`. */
export async function startLoopbackServer(
  respond: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void,
  problems: string[],
) {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      try {
        respond(request, response, Buffer.concat(parts));
      } catch (error) {
        problems.push(`the double itself failed: ${error}`);
        request.socket.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    origin: `http://127.0.0.1:${port}`,
    /** Responses that have no end are cut. */
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
