// The agent of the benchmark, in a process of its own, so that its memory is its own: takes bundles from standard input, one a line, all the way
// with the agent's own story and adapters, and answers each with how it went, how long it took, and what the process holds.
//   node bench-changes-agent.ts --state DIRECTORY --nginx PROGRAM --port PORT --http-port PORT --fingerprint HEX
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { workerAccount } from '../agent/adapters/accounts.ts';
import { isFreePort } from '../agent/adapters/free-ports.ts';
import { keepHeapSmall } from '../agent/adapters/heap.ts';
import { knock } from '../agent/adapters/knock.ts';
import { createNginx } from '../agent/adapters/nginx.ts';
import { createOwnWebServer } from '../agent/adapters/own-web-server.ts';
import { releasesDir } from '../agent/adapters/releases-dir.ts';
import { loadTemplates } from '../agent/adapters/templates.ts';
import { trustedDir } from '../agent/adapters/trusted-dir.ts';
import { converge } from '../agent/converge.ts';
import type { Machine } from '../agent/converge-machine.ts';
import { nginxPaths, releaseFolder, SYSTEM_CA_FILE } from '../agent/core/nginx-paths.ts';
import { createMachine } from '../agent/machine.ts';
import type { VerifiedBundle } from '../agent/ports/state.ts';
import type { WebServer } from '../agent/ports/web-server.ts';
import type { BundleResponse } from '../bundle/api.ts';
import { EDGE_NODE } from './bench-edge-fleet.ts';
import { WORKERS } from './bench-edge-server.ts';

export interface AgentAnswer {
  /** As `converge` ends, and why when it was not applied. */
  kind: 'applied' | 'refused' | 'rolled_back';
  detail: string;
  /** From the bundle's arrival to the end of the reload, and the reload alone; ms. */
  untilReloaded: number;
  reload: number;
  /** To the end, probe and last known good included; ms. */
  whole: number;
  /** Bytes. */
  rss: number;
  /** Of the agent's process. */
  openFiles: number;
}

const { values } = parseArgs({
  options: {
    state: { type: 'string', default: '' },
    nginx: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    'http-port': { type: 'string', default: '' },
    fingerprint: { type: 'string', default: '' },
  },
});
const { state: stateDir, nginx: binary, fingerprint } = values;
keepHeapSmall();
const reloads: { start: number; end: number }[] = [];
const machine = await createWholeMachine();
let running: VerifiedBundle | undefined;

// Nobody is left to answer to; nginx is ended by whoever started this.
process.stdout.on('error', () => process.exit(0));
const lines = createInterface({ input: process.stdin });
console.log('ready');
for await (const line of lines) console.log(JSON.stringify(await take(JSON.parse(line) as BundleResponse)));

async function take(bundle: BundleResponse): Promise<AgentAnswer> {
  const start = performance.now();
  reloads.length = 0;
  const outcome = await converge(bundle, running, undefined, machine);
  const end = performance.now();
  if (outcome.kind === 'applied') running = outcome.bundle;
  const [reloaded] = reloads;
  return {
    kind: outcome.kind,
    detail: outcome.kind === 'applied' ? (outcome.unsaved?.detail ?? '') : `${outcome.code}: ${outcome.detail}`,
    untilReloaded: (reloaded?.end ?? end) - start,
    reload: reloaded ? reloaded.end - reloaded.start : 0,
    whole: end - start,
    rss: process.memoryUsage.rss(),
    openFiles: (await readdir('/proc/self/fd')).length,
  };
}

/** As `agent/node.ts` puts it together, without a tunnel, a control plane and a certificate authority. */
async function createWholeMachine(): Promise<Machine> {
  await mkdir(join(stateDir, 'run'), { recursive: true, mode: 0o755 });
  const worker = process.getuid?.() === 0 ? await workerAccount() : undefined;
  const listen = { addresses: ['127.0.0.1'], httpPort: Number(values['http-port']), httpsPort: Number(values.port) };
  return createMachine({
    trusted: trustedDir({ directory: stateDir, node: EDGE_NODE, fingerprint }),
    network: undefined,
    edge: {
      web: timed(createNginx({ binary, stateDir, ...(worker && { gid: worker.gid }) })),
      releases: releasesDir(stateDir),
      answers: async ({ address, port }, timeoutMs) => (await knock(address, port, timeoutMs)) !== 'silent',
      prepareUsers: async () => undefined,
      isFreePort,
      readStreams: (release) =>
        readFile(join(releaseFolder(stateDir, release), 'streams.conf'), 'utf8').catch(() => ''),
      templates: await loadTemplates(),
      settings: {
        ...{ stateDir, listen, workerProcesses: WORKERS.processes, workerConnections: WORKERS.connections },
        ...(worker && { user: { account: worker.account, group: worker.group } }),
        ...(existsSync(SYSTEM_CA_FILE) && { systemCaFile: SYSTEM_CA_FILE }),
      },
    },
    eyes: {
      host: createOwnWebServer({ listen, httpsSocket: nginxPaths(stateDir).httpsSocket }).look,
      controlPlane: async () => true,
      nowSeconds: () => Date.now() / 1_000,
    },
    allowLoopback: true,
    now: Date.now,
  });
}

function timed(web: WebServer): WebServer {
  return {
    ...web,
    async reload() {
      const start = performance.now();
      await web.reload();
      reloads.push({ start, end: performance.now() });
    },
  };
}
