// Stands in for an origin's packet filter: leads a port of its tunnel address to the service behind it. Consent of the owner is shown
// elsewhere (agent/core/firewall.test.ts); here every forward that was compiled is open.
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Forward, OriginConfig } from '../../bundle/config.ts';

export interface Forwards {
  /** Makes the open forwards those of `origins`. */
  make(origins: readonly OriginConfig[]): Promise<void>;
  close(): Promise<void>;
}

interface Lead {
  close(): unknown;
}

interface Way {
  address: string;
  forward: Forward;
}

export function createForwards(): Forwards {
  const open = new Map<string, Lead>();
  const sockets = new Set<Socket>();

  async function make(origins: readonly OriginConfig[]): Promise<void> {
    const wanted = new Map<string, Way>(origins.flatMap(forwardsOf));
    for (const [key, lead] of open) {
      if (wanted.has(key)) continue;
      lead.close();
      open.delete(key);
    }
    for (const [key, { address, forward }] of wanted) {
      if (open.has(key)) continue;
      const lead =
        forward.protocol === 'udp' ? leadDatagrams(address, forward) : leadStreams(address, forward, sockets);
      open.set(key, await lead);
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

async function leadStreams(address: string, { port, host, hostPort }: Forward, sockets: Set<Socket>): Promise<Lead> {
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

/** One socket to the service for each sender, as a packet filter keeps them apart. */
async function leadDatagrams(address: string, { port, host, hostPort }: Forward): Promise<Lead> {
  const door = createSocket('udp4');
  const ways = new Map<string, DatagramSocket>();
  door.on('message', (data, sender) => {
    const key = `${sender.address} ${sender.port}`;
    const way = ways.get(key) ?? createSocket('udp4');
    if (!ways.has(key)) {
      ways.set(key, way);
      way.on('message', (answer) => door.send(answer, sender.port, sender.address));
      way.on('error', () => undefined);
    }
    way.send(data, hostPort, host);
  });
  door.bind(port, address);
  await once(door, 'listening');
  return {
    close() {
      for (const socket of [door, ...ways.values()]) socket.close();
    },
  };
}
