// Where edges ask what scripts say: plain HTTP at the tunnel address alone, where the packet filter lets only peers in. Law: an answer is a status and
// nothing else; whoever is slow or talks much is cut off.
import { createServer } from 'node:http';
import { SCRIPTS_PORT } from '../../bundle/script-check.ts';
import type { ListenForChecks, ScriptAnswer } from '../script-checks.ts';

const STATUSES: Readonly<Record<ScriptAnswer, number>> = { well: 200, ill: 503, unknown: 404 };
const HEADER_BYTES_MAX = 4 * 1024;
const REQUEST_MS_MAX = 5_000;
const CONNECTIONS_MAX = 200;
/** Of one edge, so that none keeps the others out. */
const CONNECTIONS_OF_ONE_MAX = 20;
const LOOK_MS = 1_000;

/** @throws Error with the code of the system */
export const listenForChecks: ListenForChecks = (address, answer) => listenAt(address, SCRIPTS_PORT, answer);

export async function listenAt(address: string, port: number, answer: (name: string) => Promise<ScriptAnswer>) {
  const open = new Map<string, number>();
  const server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_MS_MAX, connectionsCheckingInterval: LOOK_MS },
    (request, response) => {
      response.shouldKeepAlive = false;
      const end = (status: number) => void response.writeHead(status, { 'content-length': 0 }).end();
      if (request.method !== 'GET') return end(405);
      const name = (request.url ?? '/').slice(1);
      answer(name).then(
        (said) => end(STATUSES[said]),
        () => end(500),
      );
    },
  );
  server.headersTimeout = REQUEST_MS_MAX;
  server.maxConnections = CONNECTIONS_MAX;
  server.on('connection', (socket) => {
    const { remoteAddress = '' } = socket;
    const count = (open.get(remoteAddress) ?? 0) + 1;
    open.set(remoteAddress, count);
    socket.once('close', () => {
      const left = open.get(remoteAddress)! - 1;
      if (left === 0) open.delete(remoteAddress);
      else open.set(remoteAddress, left);
    });
    if (count > CONNECTIONS_OF_ONE_MAX) socket.destroy();
  });
  // A connection that ends badly is nobody's trouble.
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: true }, resolve);
  });
  server.on('error', () => undefined);
  return {
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
