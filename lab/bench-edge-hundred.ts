// The edge that is compared: one hundred routes to one backend, the last of them with parts and rules, each with a certificate of its own.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCertsDir } from '../agent/adapters/certs-dir.ts';
import {
  announcements,
  type Files,
  type Fleet,
  fleetFiles,
  originAddress,
  originName,
  routeName,
  routePath,
} from './bench-edge-fleet.ts';
import { type EdgeServer, openEdgeServer } from './bench-edge-server.ts';
import { tellEdge } from './bench-edge-told.ts';
import { freePort, isFree } from './loopback-port.ts';
import type { Pki } from './pki.ts';
import type { Run } from './run.ts';

/** Its tunnel network is on loopback, and no other lab's. */
const FLEET: Fleet = { prefix: '127.19', teams: 1, origins: 1 };
const ROUTES = 100;
const CERTIFICATES_AT_ONCE = 4;
const PORT_TRIES_MAX = 20;
const RECIPIENT = `age1${'q'.repeat(58)}`;

/** Routes that only say where they go, and the one that says more. */
export const PLAIN_NAMES = Array.from({ length: ROUTES - 1 }, (_, index) => routeName(index, FLEET.teams));
export const DRESSED_NAME = routeName(ROUTES - 1, FLEET.teams);
const NAMES = [...PLAIN_NAMES, DRESSED_NAME];

export interface HundredRoutes {
  server: EdgeServer;
  /** TLS, on 127.0.0.1. */
  port: number;
}

/** Starts it. `backendPort`: on the address of `backendEndpoint`. */
export async function startHundredRoutes(
  run: Run,
  nginx: string,
  pki: Pki,
  backendPort: number,
): Promise<HundredRoutes> {
  const port = await freePort();
  const listen = { addresses: ['127.0.0.1'], httpPort: await freePort(), httpsPort: port };
  const server = await openEdgeServer(run, 'edge', nginx, listen);
  await issueAll(pki, server);
  const given = { enrolments: announcements(FLEET, RECIPIENT), sealed: { of: () => undefined } };
  await server.publish(tellEdge({ ...fleetFiles(FLEET), ...routes(backendPort) }, given));
  return { server, port };
}

/** Where the backend may listen: the tunnel address of the only origin, with a port that was free a moment ago. */
export async function backendEndpoint(): Promise<{ address: string; port: number }> {
  const address = originAddress(FLEET.prefix, 0);
  for (let tries = 0; tries < PORT_TRIES_MAX; tries += 1) {
    const port = await freePort();
    if (await isFree(address, port)) return { address, port };
  }
  throw new Error(`found no free port on ${address}`);
}

async function issueAll(pki: Pki, { stateDir, gid }: EdgeServer): Promise<void> {
  const store = createCertsDir({ dir: join(stateDir, 'certs'), ...(gid !== undefined && { gid }) });
  const issue = async (hostname: string) => {
    const { certFile, keyFile } = await pki.certificate([hostname]);
    const [fullchain, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    await store.write(hostname, { fullchain, key }, 'imported');
  };
  for (let at = 0; at < NAMES.length; at += CERTIFICATES_AT_ONCE)
    await Promise.all(NAMES.slice(at, at + CERTIFICATES_AT_ONCE).map(issue));
}

function routes(backendPort: number): Files {
  const target = `origin: ${originName(0)}\nport: ${backendPort}\n`;
  const dressed = `paths:
  - prefix: /api
    stripPrefix: true
    allow: [127.0.0.0/8]
limits:
  maxBody: 20m
  requestsPerSecond: 100000
  burst: 10000
  connections: 1000
`;
  const files = NAMES.map((hostname, index) => {
    const text = `hostname: ${hostname}\n${target}${hostname === DRESSED_NAME ? dressed : ''}`;
    return [routePath(index, FLEET.teams), text] as const;
  });
  return Object.fromEntries(files);
}
