// An edge and two origins behind NAT, on hosts of the lab, whose bundles are signed here: each has its last known good configuration before its
// agent starts, so that no control plane is needed.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workerAccount } from '../../agent/adapters/accounts.ts';
import { createCertsDir } from '../../agent/adapters/certs-dir.ts';
import { openNodeKeys, saveToken } from '../../agent/adapters/node-keys.ts';
import { writeSettings } from '../../agent/adapters/settings-file.ts';
import { trustedDir } from '../../agent/adapters/trusted-dir.ts';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import type { AskedOrigin, Chunk, EdgeConfig, NodeConfig, Peer, WireRoute } from '../../bundle/config.ts';
import { edgeConfig, installation, responseOf } from '../../bundle/installation.fixture.ts';
import { signNode } from '../../bundle/sign.ts';
import { PUBLIC } from '../../lab/addresses.ts';
import type { Host } from '../../lab/namespace.ts';
import type { Network } from '../../lab/network.ts';
import type { Pki } from '../../lab/pki.ts';
import type { Proc } from '../../lab/proc.ts';

const AGENT = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));

export const NODES = {
  'tokyo-1': { host: 'edge-1', address: '10.100.0.1' },
  home: { host: 'origin-1', address: '10.100.1.1' },
  office: { host: 'origin-2', address: '10.100.2.1' },
} as const;
export type NodeName = keyof typeof NODES;

/** What the edge serves: a hostname, and what of its route is not the usual. */
export type SignedRoutes = Readonly<Record<string, Pick<WireRoute, 'backends' | 'check'>>>;

export interface SignedNodes {
  agents: Record<NodeName, Proc>;
  hostOf(name: NodeName): Host;
  stateDir(name: NodeName): string;
  /** Starts it as it was started first. */
  start(name: NodeName): void;
}

export interface SignedNodesOptions {
  /** What edges ask of each origin. */
  asked?: AskedOrigin;
  /** Of every agent. */
  env?: Readonly<Record<string, string>>;
}

/** Origins open 8080 and 8081. */
export async function startSignedNodes(
  network: Network,
  pki: Pki,
  routes: SignedRoutes,
  { asked, env = {} }: SignedNodesOptions = {},
): Promise<SignedNodes> {
  const hostOf = (name: NodeName): Host => network.hosts[NODES[name].host];
  const stateDir = (name: NodeName) => join(hostOf(name).directory, 'state');
  const names = Object.keys(NODES) as NodeName[];
  const peers = {} as Record<NodeName, Peer>;
  for (const name of names) {
    mkdirSync(stateDir(name), { recursive: true });
    const keys = await openNodeKeys(stateDir(name));
    peers[name] = { node: name, publicKey: keys.publicPart().wireguardPublicKey, address: NODES[name].address };
  }
  await keepBundles(peers, chunkOf(routes), { hostOf, stateDir, asked });
  await keepCertificates(Object.keys(routes), pki, stateDir('tokyo-1'));
  const agents = {} as Record<NodeName, Proc>;
  const start = (name: NodeName) => {
    agents[name] = hostOf(name).start('agent', process.execPath, [AGENT, '--state', stateDir(name), 'run'], { env });
  };
  for (const name of names) start(name);
  return { agents, hostOf, stateDir, start };
}

function chunkOf(routes: SignedRoutes): string {
  const chunk: Chunk = {
    routes: Object.entries(routes)
      .map(([hostname, route]) => ({ hostname, limits: { maxBodyBytes: 1024 }, ...route }))
      .sort((a, b) => (a.hostname < b.hostname ? -1 : 1)),
  };
  return canonicalJson(chunk);
}

async function keepBundles(
  peers: Record<NodeName, Peer>,
  chunk: string,
  { hostOf, stateDir, asked }: Pick<SignedNodes, 'hostOf' | 'stateDir'> & { asked: AskedOrigin | undefined },
): Promise<void> {
  const made = installation();
  for (const name of Object.keys(peers) as NodeName[]) {
    const config = configOf(name, peers, chunk, asked);
    const signed = signNode({
      ...{ node: name, config, commit: 'c'.repeat(40), version: Date.now(), now: new Date(), keys: made.keys },
      lifetimes: {},
    });
    const trusted = trustedDir({ directory: stateDir(name), node: name, fingerprint: made.fingerprint });
    const chunks: Record<string, string> = name === 'tokyo-1' ? { [sha256Hex(chunk)]: chunk } : {};
    const accepted = await trusted.accept(responseOf(signed, made.roots, 0, chunks), Date.now());
    if (accepted.kind !== 'accepted') throw new Error(`${name} refuses its bundle: ${JSON.stringify(accepted)}`);
    await trusted.markGood(signed.configHash);
    await writeSettings(stateDir(name), {
      ...{ node: name, urls: config.controlPlane.urls, fingerprint: made.fingerprint, allow: '8080-8081' },
      interfaceName: hostOf(name).wireguardInterface,
      listen: { addresses: ['0.0.0.0'], httpPort: 80, httpsPort: 443 },
      address: {},
    });
    await saveToken(stateDir(name), 'no-token');
  }
}

async function keepCertificates(hostnames: readonly string[], pki: Pki, stateDir: string): Promise<void> {
  const certs = createCertsDir({ dir: join(stateDir, 'certs'), gid: (await workerAccount()).gid });
  for (const hostname of hostnames) {
    const { certFile, keyFile } = await pki.certificate([hostname]);
    const pair = { fullchain: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    await certs.write(hostname, pair, 'imported');
  }
}

function configOf(
  name: NodeName,
  peers: Record<NodeName, Peer>,
  chunk: string,
  asked: AskedOrigin | undefined,
): NodeConfig {
  const base: EdgeConfig = { ...edgeConfig(name, [chunk]), controlPlane: { urls: ['http://127.0.0.1:1'] } };
  const { address } = NODES[name];
  if (name === 'tokyo-1') return { ...base, wireguard: { address, port: 51_820, peers: [peers.home, peers.office] } };
  const { edge: _, ...rest } = base;
  const edge = { ...peers['tokyo-1'], endpoint: `${PUBLIC['edge-1'].ipv4}:51820` };
  const origin = { ports: [8080, 8081], ...(asked && { asked }) };
  return { ...rest, role: 'origin', wireguard: { address, peers: [edge] }, origin };
}
