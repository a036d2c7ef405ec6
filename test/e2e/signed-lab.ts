// The lab without a control plane: an edge and two origins whose bundles are signed here, the same service on both origins, and a client.
import { expect } from 'vitest';
import { PUBLIC } from '../../lab/addresses.ts';
import { type Client, openClient } from '../../lab/client.ts';
import { buildNetwork, type Network } from '../../lab/network.ts';
import { createPki } from '../../lab/pki.ts';
import type { ProbeTarget } from '../../lab/probe-protocol.ts';
import type { Proc } from '../../lab/proc.ts';
import { createRun } from '../../lab/run.ts';
import { type SignedNodes, type SignedNodesOptions, type SignedRoutes, startSignedNodes } from './signed-nodes.ts';

export const ORIGINS = ['home', 'office'] as const;
export type OriginName = (typeof ORIGINS)[number];

export interface SignedLabOptions extends SignedNodesOptions {
  /** A program for Node that is given the name of its origin, answers with it in JSON, and says `listening`. */
  service: string;
  /** How long a visitor waits, and anybody for the answer of another origin. */
  answerMs: number;
}

export interface SignedLab {
  network: Network;
  client: Client;
  nodes: SignedNodes;
  services: Record<OriginName, Proc>;
  visit(hostname: string, path?: string): ProbeTarget;
  /** Waits until visitors of the hostname are answered by this origin. */
  answeredBy(name: OriginName, hostname: string, timeoutMs?: number): Promise<void>;
  /** Answers what was left behind. */
  end(): Promise<string[]>;
}

export async function openSignedLab(
  routes: SignedRoutes,
  { service, answerMs, ...options }: SignedLabOptions,
): Promise<SignedLab> {
  const run = createRun();
  try {
    const [network, pki] = await Promise.all([buildNetwork(run), createPki(run)]);
    const nodes = await startSignedNodes(network, pki, routes, options);
    const services = {} as Record<OriginName, Proc>;
    for (const name of ORIGINS) {
      services[name] = nodes.hostOf(name).start('service', process.execPath, ['-e', service, name]);
      await services[name].ready(/listening/);
    }
    const client = await openClient(network.hosts.client);
    const visit: SignedLab['visit'] = (hostname, path = '/') => ({
      ...{ hostname, path, address: PUBLIC['edge-1'].ipv4, ca: pki.caPem, timeoutMs: answerMs },
    });
    return {
      ...{ network, client, nodes, services, visit },
      async answeredBy(name, hostname, timeoutMs = answerMs) {
        const expected = { status: 200, bodyIncludes: `"${name}"` };
        const found = await client.until(visit(hostname), expected, { timeoutMs, everyMs: 50 });
        expect(found, `${hostname} by ${name}`).toMatchObject({ kind: 'matched' });
      },
      async end() {
        await client.close();
        return run.end();
      },
    };
  } catch (error) {
    await run.end();
    throw error;
  }
}
