// The whole product in the lab: a git server, a CA, the reconciler behind TLS, two edges, two origins at home, and a visitor. It is
// started the way an operator would start it: by the two command lines, with the example data of this repository.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionKeys, loadKeys } from '../reconciler/adapters/key-files.ts';
import { mintToken } from '../reconciler/adapters/token-mint.ts';
import { ACME_DIRECTORY, NAMES, PORTS, PUBLIC } from './addresses.ts';
import { buildAgent } from './agent-build.ts';
import { type AgentHost, type AgentHostOptions, createAgentHost } from './agent-host.ts';
import { type Client, openClient } from './client.ts';
import { type Dns, startDns } from './dns.ts';
import { exampleData, type SlotName } from './example-data.ts';
import { createDeveloper, type Developer } from './git-developer.ts';
import { type GitServer, startGitServer } from './git-server.ts';
import { startReconciler } from './kokoa-command.ts';
import type { Host } from './namespace.ts';
import { buildNetwork, type Network } from './network.ts';
import { startOrigin } from './origin.ts';
import { type Pebble, startPebble } from './pebble.ts';
import { createPki, type Pki } from './pki.ts';
import type { ProbeTarget } from './probe-protocol.ts';
import type { Proc } from './proc.ts';
import type { Run } from './run.ts';

export const WEBHOOK_SECRET = 'a secret of the lab';
/** The guarantee when a webhook is lost. Short, so that the demo shows it soon; the default is a minute. */
export const POLL_SECONDS = 3;

/** Slot → the host it runs on, and the port its service uses. */
export const SLOTS = {
  'tokyo-1': { host: 'edge-1' },
  'osaka-1': { host: 'edge-2' },
  home: { host: 'origin-1', port: 8080 },
  office: { host: 'origin-2', port: 8000 },
} as const;
export const EDGES = ['tokyo-1', 'osaka-1'] as const satisfies readonly SlotName[];
export const ORIGINS = ['home', 'office'] as const satisfies readonly SlotName[];
export type EdgeName = (typeof EDGES)[number];
export type OriginName = (typeof ORIGINS)[number];
/** Its file comes to main only after its machine has asked to join. */
export const LATE_EDGE = 'osaka-1' satisfies EdgeName;

/** What every lab offers, with tunnels or on loopback. */
export interface World {
  run: Run;
  pki: Pki;
  developer: Developer;
  client: Client;
  /** Where the operator's commands run. */
  operator: Host;
  /** Of the control plane: what nodes pin. */
  fingerprint: string;
  keysDir: string;
  agents: Record<SlotName, AgentHost>;
  /** The files that git begins with, and the late edge's. */
  files: Readonly<Record<string, string>>;
  /** Where visitors reach the edges, and the address that the edges see of them. */
  doors: Record<EdgeName, { address: string; httpPort: number; httpsPort: number }>;
  visitorAddress: string;
  /** Where routes lead. */
  tunnelAddresses: Record<OriginName, string>;
  /** How a client reaches the control plane. */
  control: Omit<ProbeTarget, 'path'>;
  /** PEM of the root that the certificates of hostnames chain to. */
  publicRoot(): Promise<string>;
  /** What the owner of a hostname does before its route is merged. */
  prepareHost(hostname: string): Promise<void>;
  /** One more service beside an origin's own. */
  startService(origin: OriginName, name: string, port: number): Promise<void>;
  /** From now on webhooks are lost, or arrive again. */
  loseWebhooks(lose: boolean): void;
  reconciler(): Proc;
  startReconciler(): Promise<void>;
  /** Ends everything on the machine of an edge, as pulling its plug does. */
  powerOff(edge: EdgeName): Promise<void>;
}

/** The full lab: every machine in a network of its own. */
export interface Fleet extends World {
  network: Network;
  dns: Dns;
  pebble: Pebble;
  git: GitServer;
  controlUrl: string;
  /** Makes a hostname resolve to every edge. */
  resolve(hostname: string): Promise<void>;
}

/** Brings everything up to the point where agents can join. About 3 s. */
export async function startFleet(run: Run): Promise<Fleet> {
  const [network, pki, program] = await Promise.all([buildNetwork(run), createPki(run), buildAgent(run)]);
  const dns = await startDns(network);
  const [pebble, git] = await Promise.all([startPebble(network, pki), startGit(network, pki)]);
  const keysDir = join(run.directory, 'keys');
  await createProductionKeys({ dir: keysDir, rootDir: join(run.directory, 'offline-root'), now: new Date() });
  const { fingerprint } = await loadKeys(keysDir);
  const controlUrl = `https://${NAMES.control}:${PORTS.control}`;

  const agents = await createAgents((slot) => network.hosts[SLOTS[slot].host], {
    ...{ program, controlUrl, fingerprint },
    joinOptions: ({ wireguardInterface }) => [
      ...['--ca', pki.caFile, '--acme-ca', pebble.caFile, '--interface', wireguardInterface],
    ],
  });
  const files = exampleData({ controlUrl, acmeServer: ACME_DIRECTORY, tokens: tokensOf(agents) });
  const [developer, client] = await Promise.all([
    createDeveloper({ host: network.hosts.git, url: git.url, caFile: pki.caFile }),
    openClient(network.hosts.client),
    ...ORIGINS.map((name) => startOrigin(network.hosts[SLOTS[name].host], { name, port: SLOTS[name].port })),
  ]);
  run.onEnd('client', () => client.close());
  await developer.commit(withoutLateEdge(files), 'the example data of the repository');

  const serve = await serveOptions(network, pki, git, keysDir);
  let reconciler: Proc | undefined;
  let root: Promise<string> | undefined;
  const resolve = (hostname: string) => dns.setAddresses(hostname, [PUBLIC['edge-1'].ipv4, PUBLIC['edge-2'].ipv4]);
  const fleet: Fleet = {
    ...{ run, network, pki, dns, pebble, git, developer, client, fingerprint, keysDir, controlUrl, agents, files },
    operator: network.hosts.git,
    doors: { 'tokyo-1': doorOf('edge-1'), 'osaka-1': doorOf('edge-2') },
    visitorAddress: PUBLIC.client.ipv4,
    tunnelAddresses: { home: '10.100.1.1', office: '10.100.2.1' },
    control: { hostname: NAMES.control, address: PUBLIC.control.ipv4, port: PORTS.control, ca: pki.caPem },
    publicRoot: () => (root ??= pebble.issuingRoot()),
    resolve,
    prepareHost: resolve,
    async startService(origin, name, port) {
      await startOrigin(network.hosts[SLOTS[origin].host], { name, port });
    },
    loseWebhooks: (lose) => git.loseWebhooks(lose),
    reconciler: () => reconciler!,
    async startReconciler() {
      reconciler = await startReconciler(run, network.hosts.control, serve, PORTS.control);
    },
    powerOff: (edge) => agents[edge].host.stopAll(),
  };
  await Promise.all([fleet.startReconciler(), ...['app.hoge.com', 'wiki.fuga.com'].map(resolve)]);
  return fleet;
}

type CommonAgentOptions = Pick<AgentHostOptions, 'program' | 'controlUrl' | 'fingerprint'> & {
  joinOptions(host: Host, slot: SlotName): readonly string[];
};

/** One machine per slot, each with a token of its own. Nothing is started. */
export async function createAgents(
  hostOf: (slot: SlotName) => Host,
  { joinOptions, ...common }: CommonAgentOptions,
): Promise<Record<SlotName, AgentHost>> {
  const slots = [...EDGES, ...ORIGINS];
  const made = slots.map(async (slot) => {
    const host = hostOf(slot);
    const { token, sha256 } = await mintToken({ node: slot, generation: 1 });
    const options = { ...common, slot, token, tokenSha256: sha256, joinOptions: joinOptions(host, slot) };
    return [slot, createAgentHost(host, options)] as const;
  });
  return Object.fromEntries(await Promise.all(made)) as Record<SlotName, AgentHost>;
}

export function tokensOf(agents: Record<SlotName, AgentHost>): Record<SlotName, string> {
  const entries = Object.entries(agents).map(([slot, { tokenSha256 }]) => [slot, tokenSha256]);
  return Object.fromEntries(entries) as Record<SlotName, string>;
}

export function withoutLateEdge(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter(([path]) => path !== `edges/${LATE_EDGE}.yaml`));
}

function doorOf(host: 'edge-1' | 'edge-2') {
  return { address: PUBLIC[host].ipv4, httpPort: 80, httpsPort: 443 };
}

async function startGit(network: Network, pki: Pki): Promise<GitServer> {
  const url = `https://${NAMES.control}:${PORTS.control}/webhooks/github`;
  return startGitServer({
    host: network.hosts.git,
    address: PUBLIC.git.ipv4,
    port: PORTS.git,
    hostname: NAMES.git,
    certificate: await pki.certificate([NAMES.git], [PUBLIC.git.ipv4]),
    webhook: { url, secret: WEBHOOK_SECRET, caFile: pki.caFile },
  });
}

/** What `kokoa serve` is told. */
async function serveOptions(network: Network, pki: Pki, git: GitServer, keysDir: string): Promise<string[]> {
  const { directory } = network.hosts.control;
  mkdirSync(directory, { recursive: true });
  const secretFile = join(directory, 'webhook-secret');
  writeFileSync(secretFile, WEBHOOK_SECRET, { mode: 0o600 });
  const { certFile, keyFile } = await pki.certificate([NAMES.control], [PUBLIC.control.ipv4]);
  return [
    ...['--repository', git.url, '--git-ca', pki.caFile, '--data', join(directory, 'data'), '--keys', keysDir],
    ...['--listen', `${PUBLIC.control.ipv4}:${PORTS.control}`, '--tls-cert', certFile, '--tls-key', keyFile],
    ...['--webhook-secret-file', secretFile, '--poll-seconds', String(POLL_SECONDS)],
  ];
}
