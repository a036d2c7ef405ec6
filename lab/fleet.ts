// The whole product in the lab: a git server, a CA, the reconciler behind TLS, two edges, two origins at home, and a visitor. It is
// started the way an operator would start it: by the two command lines, with the example data of this repository.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProductionKeys, loadKeys } from '../reconciler/adapters/key-files.ts';
import { mintToken } from '../reconciler/adapters/token-mint.ts';
import { ACME_DIRECTORY, NAMES, PORTS, PUBLIC } from './addresses.ts';
import { type Client, openClient } from './client.ts';
import { type Dns, startDns } from './dns.ts';
import { createDeveloper, type Developer } from './git-developer.ts';
import { type GitServer, startGitServer } from './git-server.ts';
import { buildNetwork, type Network } from './network.ts';
import { createAgentHost, type AgentHost } from './agent-host.ts';
import { startOrigin } from './origin.ts';
import { type Pebble, startPebble } from './pebble.ts';
import { createPki, type Pki } from './pki.ts';
import type { Proc } from './proc.ts';
import type { Run } from './run.ts';

const TOP = fileURLToPath(new URL('..', import.meta.url));
const KOKOA = join(TOP, 'reconciler', 'main.ts');
const WEBHOOK_SECRET = 'a secret of the lab';
/** The guarantee when a webhook is lost. Short, so that the demo shows it soon; the default is a minute. */
const POLL_SECONDS = 3;

/** Slot → where it runs, and the port its service uses. */
export const SLOTS = {
  'tokyo-1': { host: 'edge-1' },
  'osaka-1': { host: 'edge-2' },
  home: { host: 'origin-1', port: 8080 },
  office: { host: 'origin-2', port: 8000 },
} as const;
export type SlotName = keyof typeof SLOTS;
export const EDGES = ['tokyo-1', 'osaka-1'] as const satisfies readonly SlotName[];
export const ORIGINS = ['home', 'office'] as const satisfies readonly SlotName[];

export interface Fleet {
  run: Run;
  network: Network;
  pki: Pki;
  dns: Dns;
  pebble: Pebble;
  git: GitServer;
  developer: Developer;
  client: Client;
  /** Of the control plane: what nodes pin. */
  fingerprint: string;
  keysDir: string;
  controlUrl: string;
  agents: Record<SlotName, AgentHost>;
  reconciler(): Proc;
  startReconciler(): Promise<void>;
  /** Makes a hostname resolve to every edge, as its owner would. */
  resolve(hostname: string): Promise<void>;
}

/** Brings everything up to the point where agents can join. About 3 s. */
export async function startFleet(run: Run): Promise<Fleet> {
  const network = await buildNetwork(run);
  const [pki, dns] = await Promise.all([createPki(run), startDns(network)]);
  const [pebble, git] = await Promise.all([startPebble(network, pki), startGit(network, pki)]);
  const developer = await createDeveloper({ host: network.hosts.git, url: git.url, caFile: pki.caFile });
  const keysDir = join(run.directory, 'keys');
  await createProductionKeys({ dir: keysDir, rootDir: join(run.directory, 'offline-root'), now: new Date() });
  const { fingerprint } = await loadKeys(keysDir);
  const controlUrl = `https://${NAMES.control}:${PORTS.control}`;

  const agents = Object.fromEntries(
    await Promise.all(
      Object.entries(SLOTS).map(async ([slot, { host }]) => {
        const { token, sha256 } = await mintToken({ node: slot, generation: 1 });
        const options = { slot, token, tokenSha256: sha256, controlUrl, fingerprint, caFile: pki.caFile, acmeCaFile: pebble.caFile };
        return [slot, createAgentHost(network.hosts[host], options)] as const;
      }),
    ),
  ) as Record<SlotName, AgentHost>;
  await developer.commit(exampleData(agents), 'the example data of the repository');
  await Promise.all(ORIGINS.map((name) => startOrigin(network.hosts[SLOTS[name].host], { name, port: SLOTS[name].port })));

  const serve = await reconcilerCommand(network, pki, git, keysDir);
  let reconciler: Proc | undefined;
  const fleet: Fleet = {
    ...{ run, network, pki, dns, pebble, git, developer, fingerprint, keysDir, controlUrl, agents },
    client: await openClient(network.hosts.client),
    reconciler: () => reconciler!,
    async startReconciler() {
      reconciler = network.hosts.control.start('reconciler', process.execPath, serve);
      await reconciler.listening(PORTS.control);
    },
    resolve: (hostname) => dns.setAddresses(hostname, [PUBLIC['edge-1'].ipv4, PUBLIC['edge-2'].ipv4]),
  };
  run.onEnd('client', () => fleet.client.close());
  await Promise.all(['app.hoge.com', 'wiki.fuga.com'].map(fleet.resolve));
  await fleet.startReconciler();
  return fleet;
}

function startGit(network: Network, pki: Pki): Promise<GitServer> {
  return pki.certificate([NAMES.git], [PUBLIC.git.ipv4]).then((certificate) =>
    startGitServer({
      host: network.hosts.git,
      address: PUBLIC.git.ipv4,
      port: PORTS.git,
      hostname: NAMES.git,
      certificate,
      webhook: {
        url: `https://${NAMES.control}:${PORTS.control}/webhooks/github`,
        secret: WEBHOOK_SECRET,
        caFile: pki.caFile,
      },
    }),
  );
}

async function reconcilerCommand(network: Network, pki: Pki, git: GitServer, keysDir: string): Promise<string[]> {
  const directory = network.hosts.control.directory;
  mkdirSync(directory, { recursive: true });
  const secretFile = join(directory, 'webhook-secret');
  writeFileSync(secretFile, WEBHOOK_SECRET, { mode: 0o600 });
  const { certFile, keyFile } = await pki.certificate([NAMES.control], [PUBLIC.control.ipv4]);
  return [
    ...[KOKOA, 'serve', '--repository', git.url, '--git-ca', pki.caFile, '--data', join(directory, 'data'), '--keys', keysDir],
    ...['--listen', `${PUBLIC.control.ipv4}:${PORTS.control}`, '--tls-cert', certFile, '--tls-key', keyFile],
    ...['--webhook-secret-file', secretFile, '--poll-seconds', String(POLL_SECONDS)],
  ];
}

/** The repository's own example data, with the lab's control plane, CA and tokens. */
function exampleData(agents: Record<SlotName, AgentHost>): Record<string, string> {
  const read = (path: string) => readFileSync(join(TOP, path), 'utf8');
  const files: Record<string, string> = {
    'kokoa.yaml': read('kokoa.yaml')
      .replace(/https:\/\/control\.hoge\.com:8443/, `https://${NAMES.control}:${PORTS.control}`)
      .replace(/^ {2}server: .*$/m, `  server: ${ACME_DIRECTORY}`),
    'routes/hoge/app.hoge.com.yaml': read('routes/hoge/app.hoge.com.yaml'),
    'routes/fuga/wiki.fuga.com.yaml': read('routes/fuga/wiki.fuga.com.yaml'),
  };
  for (const name of [...EDGES, ...ORIGINS]) {
    const folder = (EDGES as readonly string[]).includes(name) ? 'edges' : 'origins';
    const path = `${folder}/${name}.yaml`;
    files[path] = read(path).replace(/^token: .*$/m, `token: sha256:${agents[name].tokenSha256}`);
  }
  return files;
}
