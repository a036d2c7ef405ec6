// The edge as an agent runs it: render, guard, test, swap and reload by the agent's own code, with the time of every step.
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type WorkerAccount, workerAccount } from '../agent/adapters/accounts.ts';
import { createNginx } from '../agent/adapters/nginx.ts';
import { releasesDir } from '../agent/adapters/releases-dir.ts';
import { loadTemplates } from '../agent/adapters/templates.ts';
import { guardTree } from '../agent/core/guard.ts';
import { nginxPaths, SYSTEM_CA_FILE } from '../agent/core/nginx-paths.ts';
import { renderNginx } from '../agent/core/render-nginx.ts';
import type { NginxSettings } from '../agent/core/settings-view.ts';
import type { WebServerFeatures } from '../agent/ports/web-server.ts';
import type { Told } from './bench-edge-told.ts';
import { familyOf } from './bench-edge-usage.ts';
import type { Run } from './run.ts';

/** What an agent gives every edge. */
export const WORKERS = { processes: 2, connections: 8192 } as const;

const LEAVING_MS = 5_000;
const LOOK_EVERY_MS = 20;

/** ms of every step. */
export interface PublishTimes {
  render: number;
  guard: number;
  test: number;
  reload: number;
}

export interface EdgeServer {
  readonly stateDir: string;
  readonly features: WebServerFeatures;
  /** Group of the workers, which read certificates and users; undefined when this process is not root. */
  readonly gid: number | undefined;
  /** Puts it in force as a new release. The first one starts nginx. @throws Error with what guard or nginx refused */
  publish(told: Pick<Told, 'config' | 'chunks'>): Promise<PublishTimes>;
  /** Master and workers, also those that leave. */
  processes(): number[];
  /** Resolves when no worker of an earlier release is left. @throws Error when one is after 5 s */
  settled(): Promise<void>;
  /** How many `server{}` the newest tree has. */
  servers(): number;
}

/** Starts nothing yet; the end of the run stops nginx. `nginx`: path of the program. */
export async function openEdgeServer(
  run: Run,
  name: string,
  nginx: string,
  listen: NginxSettings['listen'],
): Promise<EdgeServer> {
  const stateDir = join(run.directory, name);
  await mkdir(join(stateDir, 'run'), { recursive: true, mode: 0o755 });
  const web = createNginx({ binary: nginx, stateDir });
  run.onEnd(name, () => web.stop());
  const releases = releasesDir(stateDir);
  const [templates, features, worker] = await Promise.all([loadTemplates(), web.features(), workerIfRoot()]);
  const settings = {
    ...{ stateDir, listen, workerProcesses: WORKERS.processes, workerConnections: WORKERS.connections },
    ...(worker && { user: { account: worker.account, group: worker.group } }),
    ...(existsSync(SYSTEM_CA_FILE) && { systemCaFile: SYSTEM_CA_FILE }),
  };
  let count = 0;
  let servers = 0;

  return {
    ...{ stateDir, features, gid: worker?.gid },

    async publish({ config, chunks }) {
      count += 1;
      const releaseId = `r${count}`;
      const rendered = timed(() =>
        renderNginx({ config, chunks, features, templates, settings: { ...settings, releaseId } }),
      );
      const guarded = timed(() => guardTree(rendered.result));
      if (!guarded.result.ok) throw new Error(`the guard refuses the tree: ${guarded.result.detail}`);
      const release = await releases.write(releaseId, rendered.result);
      const tested = await timedAsync(() => web.test(release));
      if (!tested.result.ok) throw new Error(`nginx refuses the tree: ${tested.result.detail}`);
      await releases.swap(releaseId);
      const reloaded = await timedAsync(() => web.reload());
      servers = [...rendered.result.values()].reduce((sum, text) => sum + countServers(text), 0);
      return { render: rendered.ms, guard: guarded.ms, test: tested.ms, reload: reloaded.ms };
    },

    processes: () => familyOf(masterOf(stateDir)),
    async settled() {
      const deadline = performance.now() + LEAVING_MS;
      while (familyOf(masterOf(stateDir)).length > 1 + WORKERS.processes) {
        if (performance.now() > deadline) throw new Error(`old workers are left after ${LEAVING_MS} ms`);
        await delay(LOOK_EVERY_MS);
      }
    },
    servers: () => servers,
  };
}

/** As the agent: only root can give files and processes to another account. */
async function workerIfRoot(): Promise<WorkerAccount | undefined> {
  return process.getuid?.() === 0 ? workerAccount() : undefined;
}

function masterOf(stateDir: string): number {
  return Number(readFileSync(nginxPaths(stateDir).pid, 'utf8').trim());
}

function countServers(text: string): number {
  return text.match(/^ *server \{$/gm)?.length ?? 0;
}

function timed<T>(work: () => T): { result: T; ms: number } {
  const start = performance.now();
  const result = work();
  return { result, ms: performance.now() - start };
}

async function timedAsync<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const start = performance.now();
  const result = await work();
  return { result, ms: performance.now() - start };
}
