// The whole product in the lab: a git server, a CA, the reconciler behind TLS, two edges, two origins at home, and a visitor. It is
// started the way an operator would start it: by the two command lines, with the example data of this repository.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionKeys, loadKeys } from '../reconciler/adapters/key-files.ts';
import { ACME_DIRECTORY, NAMES, PORTS, PUBLIC } from './addresses.ts';
import { buildAgent } from './agent-build.ts';
import type { AgentHost } from './agent-host.ts';
import { openClient } from './client.ts';
import { type Dns, startDns } from './dns.ts';
import { exampleData } from './example-data.ts';
import { createDeveloper } from './git-developer.ts';
import { type GitServer, startGitServer } from './git-server.ts';
import { type Github, startGithub } from './github.ts';
import { startReconciler } from './kokoa-command.ts';
import { createAgents, createMachine, tokensOf, withoutLateEdge } from './machines.ts';
import type { Host } from './namespace.ts';
import { buildNetwork, type Network } from './network.ts';
import { startOrigin } from './origin.ts';
import { type Pebble, startPebble } from './pebble.ts';
import { type CertificateFiles, createPki, type Pki } from './pki.ts';
import { createPullRequests } from './pull-requests.ts';
import type { Run } from './run.ts';
import { type Door, ORIGINS, POLL_SECONDS, SLOTS, WEBHOOK_SECRET, type World } from './world.ts';

const WEBHOOK_URL = `https://${NAMES.control}:${PORTS.control}/webhooks/github`;

/** The full lab: every machine in a network of its own. */
export interface Fleet extends World {
  network: Network;
  dns: Dns;
  pebble: Pebble;
  git: GitServer;
  controlUrl: string;
  /** Where the reconciler finds secrets. */
  secretsDir: string;
  /** Makes a hostname resolve to every edge. */
  resolve(hostname: string): Promise<void>;
  /** One more machine, with a token that git does not know yet. Nothing is started. */
  createMachine(slot: string, role: 'edge' | 'origin', host: Host, generation?: number): Promise<AgentHost>;
}

export function isFull(world: World): world is Fleet {
  return 'network' in world;
}

/** Brings everything up to the point where agents can join. About 3 s. */
export async function startFleet(run: Run): Promise<Fleet> {
  const [network, pki, program] = await Promise.all([buildNetwork(run), createPki(run), buildAgent(run)]);
  const dns = await startDns(network);
  const keysDir = join(run.directory, 'keys');
  const secretsDir = join(run.directory, 'secrets');
  await createProductionKeys({ dir: keysDir, rootDir: join(run.directory, 'offline-root'), now: new Date() });
  const { fingerprint } = await loadKeys(keysDir);
  const controlUrl = `https://${NAMES.control}:${PORTS.control}`;
  const agentOptions = {
    ...{ program, controlUrl, fingerprint },
    joinOptions: ({ wireguardInterface }: Host) => [
      ...['--ca', pki.caFile, '--acme-ca', pki.caFile, '--interface', wireguardInterface],
    ],
  };
  const agents = await createAgents((slot) => network.hosts[SLOTS[slot].host], agentOptions);
  const files = exampleData({ controlUrl, acmeServer: ACME_DIRECTORY, tokens: tokensOf(agents) });
  const resolve = (hostname: string) => dns.setAddresses(hostname, [PUBLIC['edge-1'].ipv4, PUBLIC['edge-2'].ipv4]);
  const [pebble, client, control] = await Promise.all([
    startPebble(network, pki),
    openClient(network.hosts.client),
    startControl(run, network, pki, { keysDir, secretsDir }, files),
    ...ORIGINS.map((name) => startOrigin(network.hosts[SLOTS[name].host], { name, port: SLOTS[name].port })),
    ...['app.hoge.com', 'wiki.fuga.com'].map(resolve),
  ]);
  run.onEnd('client', () => client.close());
  let root: Promise<string> | undefined;
  return {
    ...{
      run,
      network,
      pki,
      dns,
      pebble,
      client,
      fingerprint,
      keysDir,
      secretsDir,
      controlUrl,
      agents,
      files,
      resolve,
      ...control,
    },
    operator: network.hosts.git,
    doors: { 'tokyo-1': doorOf('edge-1'), 'osaka-1': doorOf('edge-2') },
    visitorAddress: PUBLIC.client.ipv4,
    tunnelAddresses: { home: '10.100.1.1', office: '10.100.2.1' },
    control: { hostname: NAMES.control, address: PUBLIC.control.ipv4, port: PORTS.control, ca: pki.caPem },
    publicRoot: () => (root ??= pebble.issuingRoot()),
    prepareHost: resolve,
    async startService(origin, name, port) {
      await startOrigin(network.hosts[SLOTS[origin].host], { name, port });
    },
    powerOff: (edge) => agents[edge].host.stopAll(),
    createMachine: (slot, role, host, generation) => createMachine(slot, role, host, agentOptions, generation),
  };
}

/** What the reconciler is given. */
interface Folders {
  keysDir: string;
  secretsDir: string;
}

type Control = Pick<
  Fleet,
  'git' | 'developer' | 'github' | 'pullRequests' | 'loseWebhooks' | 'reconciler' | 'startReconciler'
>;

/** The git server with its first commit, and the reconciler that follows it. */
async function startControl(
  run: Run,
  network: Network,
  pki: Pki,
  folders: Folders,
  files: Readonly<Record<string, string>>,
): Promise<Control> {
  const certificate = await pki.certificate([NAMES.git], [PUBLIC.git.ipv4]);
  const git = await startGit(network, pki, certificate);
  const clone = { host: network.hosts.git, url: git.url, caFile: pki.caFile };
  const commit = async () => {
    const developer = await createDeveloper(clone);
    await developer.commit(withoutLateEdge(files), 'the example data of the repository');
    return developer;
  };
  const [developer, github] = await Promise.all([commit(), startGithubBeside(git, network, pki, certificate)]);
  const pullRequests = await createPullRequests(clone, github, developer);
  const args = [...(await serveOptions(network, pki, git, folders)), ...github.serveOptions];
  const serve = { args, port: PORTS.control, caFile: pki.caFile };
  const start = () => startReconciler(run, network.hosts.control, serve);
  let reconciler = await start();
  return {
    ...{ git, developer, github, pullRequests },
    async loseWebhooks(lose) {
      git.loseWebhooks(lose);
      await github.loseWebhooks(lose);
    },
    reconciler: () => reconciler,
    async startReconciler() {
      reconciler = await start();
    },
  };
}

function doorOf(host: 'edge-1' | 'edge-2'): Door {
  return { address: PUBLIC[host].ipv4, httpPort: 80, httpsPort: 443 };
}

async function startGit(network: Network, pki: Pki, certificate: CertificateFiles): Promise<GitServer> {
  return startGitServer({
    host: network.hosts.git,
    address: PUBLIC.git.ipv4,
    port: PORTS.git,
    hostname: NAMES.git,
    certificate,
    webhook: { url: WEBHOOK_URL, secret: WEBHOOK_SECRET, caFile: pki.caFile },
  });
}

function startGithubBeside(
  { repository, names }: GitServer,
  network: Network,
  { caFile }: Pki,
  certificate: CertificateFiles,
): Promise<Github> {
  return startGithub({
    ...{ host: network.hosts.git, repository, names, caFile },
    ...{ address: PUBLIC.git.ipv4, port: PORTS.github, tls: { ...certificate, hostname: NAMES.git } },
    webhook: { url: WEBHOOK_URL, secret: WEBHOOK_SECRET },
  });
}

/** What `kokoa serve` is told. */
async function serveOptions(
  network: Network,
  pki: Pki,
  git: GitServer,
  { keysDir, secretsDir }: Folders,
): Promise<string[]> {
  mkdirSync(secretsDir, { recursive: true });
  const { directory } = network.hosts.control;
  mkdirSync(directory, { recursive: true });
  const secretFile = join(directory, 'webhook-secret');
  writeFileSync(secretFile, WEBHOOK_SECRET, { mode: 0o600 });
  const { certFile, keyFile } = await pki.certificate([NAMES.control], [PUBLIC.control.ipv4]);
  return [
    ...['--repository', git.url, '--git-ca', pki.caFile, '--data', join(directory, 'data'), '--keys', keysDir],
    ...['--listen', `${PUBLIC.control.ipv4}:${PORTS.control}`, '--tls-cert', certFile, '--tls-key', keyFile],
    ...['--secrets', secretsDir, '--webhook-secret-file', secretFile, '--poll-seconds', String(POLL_SECONDS)],
  ];
}
