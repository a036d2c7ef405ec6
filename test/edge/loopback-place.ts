// Where one edge and its origins may listen without meeting another test: a network 127.N.0.0/16 of its own, and ports that are free.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { freePort, isFree } from '../../lab/loopback-port.ts';

/** 127.100 and above are the lab's. */
const NETWORKS = { first: 20, count: 70 };
const CLAIM_PORT = 20_009;
const PORT_TRIES_MAX = 50;

export interface LoopbackPlace {
  /** `127.N` */
  prefix: string;
  ports: { http: number; https: number };
  release(): Promise<void>;
}

/** The claim is a listener, so it ends with this process whatever happens to it. */
export async function claimPlace(addresses: (prefix: string) => readonly string[]): Promise<LoopbackPlace> {
  for (let step = 0; step < NETWORKS.count; step += 1) {
    const prefix = `127.${NETWORKS.first + ((process.pid + step) % NETWORKS.count)}`;
    const claim = await listen(`${prefix}.0.9`, CLAIM_PORT);
    if (claim === undefined) continue;
    const http = await portFreeOn(addresses(prefix));
    const https = await portFreeOn(addresses(prefix));
    return { prefix, ports: { http, https }, release: () => close(claim) };
  }
  throw new Error('found no free network between 127.20.0.0 and 127.89.0.0');
}

/** A port that was free on all of `addresses` a moment ago. */
export async function portFreeOn(addresses: readonly string[]): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries += 1) {
    const port = await freePort();
    const free = await Promise.all(addresses.map((address) => isFree(address, port)));
    if (free.every((one) => one)) return port;
  }
  throw new Error(`found no port that is free on ${addresses.join(', ')}`);
}

async function listen(address: string, port: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen({ host: address, port, exclusive: true });
    await once(server, 'listening');
    return server.unref();
  } catch {
    return undefined;
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
