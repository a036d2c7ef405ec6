// The lab without root: every machine on loopback, with unprivileged nginx on high ports, no tunnel, and certificates from the lab's
// own CA that are imported by hand. The reconciler serves plain HTTP with development keys and follows a repository on the same disk.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KokoaError } from '../bundle/error.ts';
import { createDevelopmentKeys, createProductionKeys, loadKeys } from '../reconciler/adapters/key-files.ts';
import { buildAgent } from './agent-build.ts';
import type { AgentHost } from './agent-host.ts';
import { openClient } from './client.ts';
import { endKnown } from './ending.ts';
import { exampleData, type SlotName } from './example-data.ts';
import { startGithub } from './github.ts';
import { startReconciler } from './kokoa-command.ts';
import { createLoopbackGit } from './loopback-git.ts';
import { freePort, isFree } from './loopback-port.ts';
import { createAgents, tokensOf, withoutLateEdge } from './machines.ts';
import { addLoopbackHost, type Host } from './namespace.ts';
import { startOrigin } from './origin.ts';
import { createPki, type Pki } from './pki.ts';
import type { Proc } from './proc.ts';
import { identify } from './process-table.ts';
import { createPullRequests } from './pull-requests.ts';
import type { Run } from './run.ts';
import {
  type Door,
  EDGES,
  type EdgeName,
  ORIGINS,
  type OriginName,
  POLL_SECONDS,
  SLOTS,
  WEBHOOK_SECRET,
  type World,
} from './world.ts';

/** A port that refuses. */
const NO_CA = 'https://127.0.0.1:1/dir';
const LOOPBACK = '127.0.0.1';
/** Runs are spread over 127.100.0.0/16 to 127.199.0.0/16. */
const NETWORKS = { first: 100, count: 100 };

/** Where a reconciler keeps what it writes. */
export interface ControlFolders {
  data: string;
  keys: string;
}

export interface LoopbackWorld extends World {
  controlUrl: string;
  /** Of the reconciler that comes with the lab. */
  controlFolders: ControlFolders;
  /** @param folders absent: those that come with the lab */
  startReconciler(folders?: ControlFolders): Promise<void>;
}

export interface LoopbackOptions {
  /** Absent: development keys. Else a production set, whose root keys are written here. */
  rootKeysDir?: string;
  /** Absent: nobody is asked for certificates. `caFile`: what edges trust there. */
  acme?: { server: string; caFile: string };
  /** Of the reconciler, beside its own environment. */
  env?: Record<string, string>;
}

/** Brings everything up to the point where agents can join. About 3 s. */
export async function startLoopback(
  run: Run,
  { rootKeysDir, acme, env }: LoopbackOptions = {},
): Promise<LoopbackWorld> {
  const hosts = Object.fromEntries(
    Object.entries(SLOTS).map(([slot, { host }]) => [slot, addLoopbackHost(run, host)]),
  ) as Record<SlotName, Host>;
  const operator = addLoopbackHost(run, 'operator');
  const keysDir = join(run.directory, 'keys');
  if (rootKeysDir === undefined) await createDevelopmentKeys(keysDir, new Date());
  else await createProductionKeys({ dir: keysDir, rootDir: rootKeysDir, now: new Date() });
  const { fingerprint } = await loadKeys(keysDir);
  const [pki, program, network, port] = await Promise.all([
    ...([createPki(run), buildAgent(run), freeNetwork(run), freePort()] as const),
  ]);
  const doors = { 'tokyo-1': await freeDoor(), 'osaka-1': await freeDoor() };
  const tunnelAddresses = { home: `${network}.1.1`, office: `${network}.2.1` };
  const controlUrl = `http://${LOOPBACK}:${port}`;
  const webhook = { url: `${controlUrl}/webhooks/github`, secret: WEBHOOK_SECRET };
  const startService = async (origin: OriginName, name: string, servicePort: number) => {
    await startOrigin(hosts[origin], { name, port: servicePort, address: tunnelAddresses[origin] });
  };
  const startRepository = async () => {
    const git = await createLoopbackGit(operator, { webhook, caFile: pki.caFile });
    const { repository, names } = git;
    const listen = { address: LOOPBACK, port: await freePort() };
    const beside = { host: operator, repository, names, caFile: pki.caFile };
    return { git, github: await startGithub({ ...beside, ...listen, webhook }) };
  };
  const [{ git, github }, client, agents] = await Promise.all([
    startRepository(),
    openClient(addLoopbackHost(run, 'client')),
    createAgents((slot) => hosts[slot], {
      ...{ program, controlUrl, fingerprint },
      joinOptions: (_, slot) => [
        ...['--no-tunnel', ...(acme ? ['--acme-ca', acme.caFile] : [])],
        ...listenOptions(slot in doors ? doors[slot as EdgeName] : undefined),
      ],
    }),
    ...ORIGINS.map((name) => startService(name, name, SLOTS[name].port)),
  ]);
  run.onEnd('client', () => client.close());
  const files = exampleData({
    controlUrl,
    acmeServer: acme?.server ?? NO_CA,
    network: `${network}.`,
    tokens: tokensOf(agents),
  });
  await git.developer.commit(withoutLateEdge(files), 'the example data of the repository');

  const clone = { host: operator, url: git.repository, caFile: pki.caFile };
  const pullRequests = await createPullRequests(clone, github, git.developer);
  const control = addLoopbackHost(run, 'control');
  const controlFolders = { data: join(control.directory, 'data'), keys: keysDir };
  const options = [...serveOptions(control, git.repository, port), ...github.serveOptions];
  let reconciler: Proc | undefined;
  const world: LoopbackWorld = {
    ...{ controlUrl, controlFolders },
    ...{ run, pki, client, operator, fingerprint, keysDir, agents, files, doors, tunnelAddresses, startService },
    ...{ developer: git.developer, github, pullRequests },
    async loseWebhooks(lose) {
      git.loseWebhooks(lose);
      await github.loseWebhooks(lose);
    },
    visitorAddress: LOOPBACK,
    control: { hostname: LOOPBACK, address: LOOPBACK, port, http: true },
    publicRoot: async () => pki.caPem,
    prepareHost: (hostname) => importEverywhere(pki, agents, hostname),
    reconciler: () => reconciler!,
    async startReconciler({ data, keys } = controlFolders) {
      const args = [...options, '--data', data, '--keys', keys];
      reconciler = await startReconciler(run, control, { args, port, caFile: pki.caFile, env });
    },
    powerOff: (edge) => powerOff(agents[edge]),
  };
  await world.startReconciler();
  return world;
}

/** A certificate of the lab's CA, on every edge that has joined. @throws KokoaError lab_exec_failed */
async function importEverywhere(pki: Pki, agents: Record<SlotName, AgentHost>, hostname: string): Promise<void> {
  const { certFile, keyFile } = await pki.certificate([hostname]);
  await Promise.all(
    EDGES.filter((edge) => existsSync(join(agents[edge].stateDir, 'settings.json'))).map(async (edge) => {
      const imported = await agents[edge].command(['certs', 'import', hostname, '--cert', certFile, '--key', keyFile]);
      if (imported.exitCode !== 0) throw new KokoaError('lab_exec_failed', `certs import: ${imported.stderr}`);
    }),
  );
}

/** The agent, and the web server that outlives it. */
async function powerOff(machine: AgentHost): Promise<void> {
  await machine.agent().stop();
  const nginx = identify(machine.nginxPid() ?? 0);
  if (nginx !== undefined) await endKnown([nginx]);
}

/** What `kokoa serve` is told, but for its folders. */
function serveOptions({ directory }: Host, repository: string, port: number): string[] {
  const secretFile = join(directory, 'webhook-secret');
  writeFileSync(secretFile, WEBHOOK_SECRET, { mode: 0o600 });
  return [
    ...['--repository', repository],
    ...['--listen', `${LOOPBACK}:${port}`, '--webhook-secret-file', secretFile, '--poll-seconds', String(POLL_SECONDS)],
  ];
}

function listenOptions(door: Door | undefined): string[] {
  if (door === undefined) return [];
  const { address, httpPort, httpsPort } = door;
  return ['--listen', address, '--http-port', String(httpPort), '--https-port', String(httpsPort)];
}

async function freeDoor(): Promise<Door> {
  return { address: LOOPBACK, httpPort: await freePort(), httpsPort: await freePort() };
}

/** `127.N` in which the services of this run can listen. Begins at another N for every run. */
async function freeNetwork({ prefix }: Run): Promise<string> {
  const start = Number.parseInt(prefix.slice(1), 16);
  for (let step = 0; step < NETWORKS.count; step += 1) {
    const network = `127.${NETWORKS.first + ((start + step) % NETWORKS.count)}`;
    const free = await Promise.all([
      isFree(`${network}.1.1`, SLOTS.home.port),
      isFree(`${network}.2.1`, SLOTS.office.port),
    ]);
    if (free.every((one) => one)) return network;
  }
  throw new KokoaError('lab_no_network', 'found no free network between 127.100.0.0 and 127.199.0.0');
}
