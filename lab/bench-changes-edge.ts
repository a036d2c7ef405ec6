// The edge that takes the changes: the agent in a process of its own with a real nginx, on loopback, told by signed bundles.
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { workerAccount } from '../agent/adapters/accounts.ts';
import { createCertsDir } from '../agent/adapters/certs-dir.ts';
import { YOUNG_HEAP_OPTION } from '../agent/adapters/heap.ts';
import { createNginx } from '../agent/adapters/nginx.ts';
import { findMaster, workersOf } from '../agent/adapters/nginx-processes.ts';
import { nginxPaths } from '../agent/core/nginx-paths.ts';
import type { BundleResponse } from '../bundle/api.ts';
import type { AgentAnswer } from './bench-changes-agent.ts';
import type { Site } from './bench-changes-site.ts';
import type { Census, Subject } from './bench-changes-subject.ts';
import { familyOf, openFilesOf, proportionalBytes } from './bench-edge-usage.ts';
import { freePort } from './loopback-port.ts';
import { addLoopbackHost } from './namespace.ts';
import type { CertificateFiles } from './pki.ts';
import type { Run } from './run.ts';

const PROGRAM = fileURLToPath(new URL('bench-changes-agent.ts', import.meta.url));
const ANSWER_TIMEOUT_MS = 120_000;

let edges = 0;

export interface ChangingEdge extends Subject {
  readonly version: string;
  /** Master and workers, also those that leave. */
  processes(): Promise<number[]>;
}

/** Starts it with the whole site in force. `nginx`: path of the program. The end of the run stops both. */
export async function startChangingEdge(
  run: Run,
  nginx: string,
  site: Site,
  certificates: ReadonlyMap<string, CertificateFiles>,
): Promise<ChangingEdge> {
  const host = addLoopbackHost(run, `changing-edge-${edges++}`);
  const stateDir = join(host.directory, 'state');
  const web = createNginx({ binary: nginx, stateDir });
  run.onEnd('nginx of the changing edge', () => web.stop());
  const { certificateCache, version } = await web.features();
  const [port, httpPort] = [await freePort(), await freePort()];
  const agent = openAgent(run, host.directory, [
    ...['--state', stateDir, '--nginx', nginx, '--fingerprint', site.fingerprint],
    ...['--port', String(port), '--http-port', String(httpPort)],
  ]);
  await agent.ready;
  await importAll(stateDir, certificates);
  let last = await agent.take(site.whole());
  let next: ReturnType<Site['next']> | undefined;

  const master = async () => {
    const found = await findMaster(nginxPaths(stateDir));
    if (!found) throw new Error('no nginx runs');
    return found;
  };

  return {
    ...{ title: `edge, nginx ${version}`, port, version, keepsIdle: certificateCache },

    prepare() {
      next = site.next();
      return next.move;
    },
    async apply() {
      if (!next) throw new Error('nothing was prepared');
      last = await agent.take(next.bundle);
      const { untilReloaded, reload, whole } = last;
      return { untilReloaded, reload, whole };
    },

    async end() {
      await agent.end();
      await web.stop();
    },
    processes: async () => familyOf((await master()).pid),

    async census(): Promise<Census> {
      const found = await master();
      const family = familyOf(found.pid);
      const workers = await workersOf(found);
      const oldWorkers = workers.filter(({ leaving }) => leaving).length;
      const onDisk = readdirSync(stateDir, { recursive: true, withFileTypes: true });
      return {
        ...{ memory: proportionalBytes(family), agent: last.rss, agentFiles: last.openFiles },
        ...{ workers: workers.length - oldWorkers, oldWorkers, openFiles: openFilesOf(family) },
        files: onDisk.filter((entry) => !entry.isDirectory()).length,
        releases: readdirSync(join(stateDir, 'releases')).length,
      };
    },
  };
}

interface AgentProcess {
  readonly ready: Promise<unknown>;
  /** @throws Error when it was not applied */
  take(bundle: BundleResponse): Promise<AgentAnswer>;
  end(): Promise<void>;
}

function openAgent(run: Run, directory: string, args: readonly string[]): AgentProcess {
  const host = addLoopbackHost(run, 'agent');
  const child = host.open(process.execPath, [YOUNG_HEAP_OPTION, PROGRAM, ...args], { cwd: directory });
  const end = async () => {
    child.stdin.end();
    await child;
  };
  run.onEnd('the changing agent', end);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`the agent says nothing for ${ANSWER_TIMEOUT_MS} ms`)),
        ANSWER_TIMEOUT_MS,
      );
    });
    const { value, done } = await Promise.race([lines.next(), late]).finally(() => clearTimeout(timer));
    if (done) throw new Error('the agent has ended');
    return value;
  };
  child.stdin.on('error', () => undefined);
  return {
    ready: line(),
    end,
    async take(bundle) {
      child.stdin.write(`${JSON.stringify(bundle)}\n`);
      const answer = JSON.parse(await line()) as AgentAnswer;
      if (answer.kind !== 'applied' || answer.detail !== '') throw new Error(`${answer.kind}: ${answer.detail}`);
      return answer;
    },
  };
}

/** As `kokoa-agent certs import` would. */
async function importAll(stateDir: string, certificates: ReadonlyMap<string, CertificateFiles>): Promise<void> {
  const worker = process.getuid?.() === 0 ? await workerAccount() : undefined;
  const store = createCertsDir({ dir: join(stateDir, 'certs'), ...(worker && { gid: worker.gid }) });
  for (const [hostname, { certFile, keyFile }] of certificates) {
    const [fullchain, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    await store.write(hostname, { fullchain, key }, 'imported');
  }
}
