// The real nginx of the one edge: renders what the edge was told, and puts trees in force as an agent does, guard and test first.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { WorkerAccount } from '../../agent/adapters/accounts.ts';
import { createNginx } from '../../agent/adapters/nginx.ts';
import { releasesDir } from '../../agent/adapters/releases-dir.ts';
import { loadTemplates } from '../../agent/adapters/templates.ts';
import { guardTree } from '../../agent/core/guard.ts';
import { nginxPaths, SYSTEM_CA_FILE } from '../../agent/core/nginx-paths.ts';
import { renderNginx } from '../../agent/core/render-nginx.ts';
import type { NginxSettings } from '../../agent/core/settings-view.ts';
import type { Told } from './told.ts';
import { type Tree, withReleaseId } from './tree.ts';

const NGINX = '/usr/sbin/nginx';

export type TreeVerdict = { ok: true } | { ok: false; stage: 'guard' | 'test' | 'reload'; detail: string };

export interface EdgeServer {
  /** @throws KokoaError unsafe_value */
  render(told: Told): Tree;
  /** Resolves when nginx serves the tree and nothing older takes new connections, or with what refused it. */
  enforce(tree: Tree): Promise<TreeVerdict>;
  /** In force now; empty before the first. */
  tree(): Tree;
  /** Ends this nginx, found by its state directory. */
  stop(): Promise<void>;
}

export interface EdgeServerOptions {
  stateDir: string;
  listen: NginxSettings['listen'];
  /** Absent when this process is not root. */
  worker: WorkerAccount | undefined;
}

/** Starts nothing yet. */
export async function openEdgeServer({ stateDir, listen, worker }: EdgeServerOptions): Promise<EdgeServer> {
  const web = createNginx({ binary: NGINX, stateDir, ...(worker && { gid: worker.gid }) });
  const releases = releasesDir(stateDir);
  const [templates, features] = await Promise.all([loadTemplates(), web.features()]);
  const settings: NginxSettings = {
    ...{ stateDir, listen, releaseId: 'rendered', workerProcesses: 1, workerConnections: 1024 },
    ...(worker && { user: { account: worker.account, group: worker.group } }),
    ...(existsSync(SYSTEM_CA_FILE) && { systemCaFile: SYSTEM_CA_FILE }),
  };
  let count = 0;
  let current: Tree = new Map();

  return {
    render: ({ edge, chunks }) => renderNginx({ config: edge, chunks, features, templates, settings }),

    async enforce(given) {
      count += 1;
      const id = `r${count}`;
      const tree = withReleaseId(given, id);
      const guarded = guardTree(tree);
      if (!guarded.ok) return { ok: false, stage: 'guard', detail: `${guarded.code}: ${guarded.detail}` };
      const tested = await web.test(await releases.write(id, tree));
      if (!tested.ok) return { ok: false, stage: 'test', detail: tested.detail };
      await releases.swap(id);
      try {
        await web.reload();
      } catch (error) {
        return { ok: false, stage: 'reload', detail: error instanceof Error ? error.message : String(error) };
      }
      current = tree;
      return { ok: true };
    },

    tree: () => current,
    async stop() {
      await hurry(nginxPaths(stateDir).pid);
      await web.stop();
    },
  };
}

/** No visitor of a test is waited for, such as a session of datagrams, which nobody can end. */
async function hurry(pidFile: string): Promise<void> {
  try {
    process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGTERM');
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
