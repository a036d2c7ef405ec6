// A server of the test: on an address of choice and a port that the system chose, and gone with all its connections at the end.
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';

export interface Listening {
  readonly address: string;
  readonly port: number;
  /** Connections that are open now. */
  connections(): number;
  /** Ends every connection at once and stays there for new ones. */
  cut(): void;
  /** Ends everything. */
  end(): Promise<void>;
}

/** `port` 0: any that is free. */
export async function listen(server: Server, address: string, port = 0): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  server.listen({ host: address, port });
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address,
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    cut,
    async end() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
