// Servers on loopback for tests of checks, most of which misbehave. Each ends with its test.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Listening {
  port: number;
  /** Connections so far, and those that are open now. */
  count(): number;
  open(): number;
  /** Everything that arrived. */
  heard(): string;
  close(): Promise<void>;
}

/** A TCP server on 127.0.0.1 that does `act` with each connection. */
export async function listening(act: (socket: Socket) => void, server: Server = createServer()): Promise<Listening> {
  const sockets = new Set<Socket>();
  let [count, heard] = [0, ''];
  server.on('connection', (socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data: Buffer) => {
      heard += data.toString('latin1');
    });
    act(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  const { port } = server.address() as AddressInfo;
  return { port, count: () => count, open: () => sockets.size, heard: () => heard, close };
}

/** Answers every request with this text, which is a whole answer of HTTP or not, and closes. */
export const saying = (text: string) => (socket: Socket) => {
  socket.once('data', () => socket.end(text));
};

export const answering = (body: string, status = '200 OK') =>
  saying(`HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

/** A port where nothing listens. */
export async function closedPort(): Promise<number> {
  const { port, close } = await listening(() => undefined);
  await close();
  return port;
}
