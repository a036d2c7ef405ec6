// Whether the web server could listen where it should, found out by listening there for a moment.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

export interface TakenPort {
  address: string;
  port: number;
  /** `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` and the like. */
  code: string;
}

/** The places among these where this process cannot listen now. */
export async function takenPorts(addresses: readonly string[], ports: readonly number[]): Promise<TakenPort[]> {
  const taken: TakenPort[] = [];
  for (const address of addresses) {
    for (const port of ports) {
      const code = await refusalOf(address, port);
      if (code !== undefined) taken.push({ address, port, code });
    }
  }
  return taken;
}

/** True when this process could listen there now. */
export async function isFreePort(protocol: 'tcp' | 'udp', address: string, port: number): Promise<boolean> {
  return protocol === 'tcp' ? (await refusalOf(address, port)) === undefined : isFreeForDatagrams(address, port);
}

function isFreeForDatagrams(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', ipv6Only: address.includes(':') });
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

function refusalOf(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true, ipv6Only: host.includes(':') }, () => {
      server.close(() => resolve(undefined));
    });
  });
}
