// Stands in for an origin's packet filter: leads a port of its tunnel address to the service behind it. Consent of the owner is shown
// elsewhere (agent/core/firewall.test.ts); here every forward that was compiled is open.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Forward, OriginConfig } from '../../bundle/config.ts';

export interface Forwards {
  /** Makes the open forwards those of `origins`. */
  make(origins: readonly OriginConfig[]): Promise<void>;
  close(): Promise<void>;
}

interface Way {
  address: string;
  forward: Forward;
}

export function createForwards(): Forwards {
  const open = new Map<string, Server>();
  const sockets = new Set<Socket>();

  async function make(origins: readonly OriginConfig[]): Promise<void> {
    const wanted = new Map<string, Way>(origins.flatMap(forwardsOf));
    for (const [key, server] of open) {
      if (wanted.has(key)) continue;
      server.close();
      open.delete(key);
    }
    for (const [key, { address, forward }] of wanted) {
      if (!open.has(key)) open.set(key, await lead(address, forward, sockets));
    }
  }

  return {
    make,
    async close() {
      await make([]);
      for (const socket of sockets) socket.destroy();
    },
  };
}

function forwardsOf({ origin, wireguard: { address } }: OriginConfig): [string, Way][] {
  return (origin.forwards ?? []).map((forward) => [`${address} ${JSON.stringify(forward)}`, { address, forward }]);
}

async function lead(address: string, { port, host, hostPort }: Forward, sockets: Set<Socket>): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (from) => {
    const to = connect({ host, port: hostPort, allowHalfOpen: true });
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => sockets.delete(one));
      one.pipe(other);
    }
  });
  server.listen(port, address);
  await once(server, 'listening');
  return server;
}
