// One edge without reconciler and agent processes: the text of routes goes through loader, rules, compiler, guard and renderer of the
// product into a real nginx on loopback. One per test file; a publish takes a fraction of a second.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type WorkerAccount, workerAccount } from '../../agent/adapters/accounts.ts';
import { guardConfig } from '../../agent/core/guard.ts';
import { nginxPaths } from '../../agent/core/nginx-paths.ts';
import { createPki, type Pki } from '../../lab/pki.ts';
import { createRun, type Run } from '../../lab/run.ts';
import type { Problem } from '../../reconciler/core/problem.ts';
import { createEdgeCertificates } from './edge-certificates.ts';
import { createEdgeSecrets, type Secrets } from './edge-secrets.ts';
import { openEdgeServer, type TreeVerdict } from './edge-server.ts';
import { announcements, fleetFiles, type OriginAddresses, originAddresses } from './fleet-data.ts';
import { createForwards } from './forwards.ts';
import { claimPlace } from './loopback-place.ts';
import { type Files, problemsOf, type Told, toldBy } from './told.ts';
import type { Tree } from './tree.ts';

/** What is not in the files. */
export interface Also {
  /** Default: the time of day. */
  now?: Date;
  secrets?: Secrets;
}

export interface OneEdge {
  /** Where visitors connect to; nginx listens on `::1` too. */
  readonly address: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** The authority of the edge's certificates, PEM; it issues others for https origins. */
  readonly pki: Pki;
  /** The first two numbers of every address of this fleet, such as `127.90`. */
  readonly prefix: string;
  /** Origin → its tunnel address, where a test lets its service listen. */
  readonly origins: OriginAddresses;
  /**
   * Makes `files` (path → YAML) all the routes there are; other files of the fleet may be replaced or added. Resolves when nginx serves
   * them and nothing else. @throws Error with what validation, an agent's reader, the guard, the renderer or nginx refused
   */
  publish(files: Files, also?: Also): Promise<Told>;
  /** What `kokoa validate` would say of these routes. */
  problems(files: Files): Problem[];
  /** The rendered files in force, path → text. */
  tree(): Tree;
  /**
   * Puts any tree in force, such as one of `tree()` less a directive. Whatever becomes of it, the next publish starts afresh.
   * A tree without the answer of the probe socket is waited for in vain, 20 s.
   */
  publishTree(files: Tree): Promise<TreeVerdict>;
  /** Stops nginx and removes everything. Idempotent. */
  end(): Promise<void>;
}

/** Ready to publish; nginx starts with the first tree. About 0.1 s. */
export async function startOneEdge(): Promise<OneEdge> {
  const run = createRun();
  try {
    return await openEdge(run);
  } catch (error) {
    await run.end();
    throw error;
  }
}

async function openEdge(run: Run): Promise<OneEdge> {
  const { prefix, ports, release } = await claimPlace(listenAddresses);
  run.onEnd('network', release);
  const stateDir = join(run.directory, 'edge');
  await mkdir(join(stateDir, 'run'), { recursive: true, mode: 0o755 });
  const worker = await workerIfRoot();
  const listen = { addresses: listenAddresses(prefix), httpPort: ports.http, httpsPort: ports.https };
  const server = await openEdgeServer({ stateDir, listen, worker });
  run.onEnd('nginx', server.stop);
  const forwards = createForwards();
  run.onEnd('forwards', forwards.close);
  const pki = await createPki(run);
  const certificates = createEdgeCertificates(pki, join(stateDir, 'certs'), worker?.gid);
  const secrets = await createEdgeSecrets(nginxPaths(stateDir).users, worker?.gid);
  const enrolments = announcements(secrets.recipient);
  const complete = (files: Files): Files => ({ ...fleetFiles(prefix), ...files });

  return {
    ...{ address: edgeAddress(prefix), httpPort: ports.http, httpsPort: ports.https },
    ...{ pki, prefix, origins: originAddresses(prefix) },

    async publish(files, also = {}) {
      const sealed = await secrets.seal(also.secrets ?? {});
      const told = toldBy(complete(files), { enrolments, sealed, now: also.now ?? new Date() });
      guard(told);
      await forwards.make(told.origins);
      await secrets.open(told.chunks);
      await certificates.ensure(certifiedNames(told));
      const verdict = await server.enforce(server.render(told));
      if (!verdict.ok) throw new Error(`${verdict.stage}: ${verdict.detail}`);
      return told;
    },

    problems: (files) => problemsOf(complete(files)),
    tree: server.tree,
    publishTree: server.enforce,

    async end() {
      const failures = await run.end();
      if (failures.length > 0) throw new Error(`the edge did not end: ${failures.join('; ')}`);
    },
  };
}

/** Every node judges its own config. */
function guard({ edge, chunks, origins }: Told): void {
  for (const config of [edge, ...origins]) {
    const verdict = guardConfig(config, config === edge ? chunks : [], undefined, { allowLoopback: true });
    if (!verdict.ok) throw new Error(`the guard of ${config.node} refuses: ${verdict.code}: ${verdict.detail}`);
  }
}

/** What passes through shows the certificate of its own service. */
function certifiedNames({ chunks }: Told): string[] {
  const routes = chunks.flatMap((chunk) => chunk.routes);
  return routes.filter(({ protocol }) => protocol !== 'tls').map(({ hostname }) => hostname);
}

function edgeAddress(prefix: string): string {
  return `${prefix}.0.1`;
}

function listenAddresses(prefix: string): string[] {
  return [edgeAddress(prefix), '::1'];
}

/** As the agent: only root can give files and processes to another account. */
async function workerIfRoot(): Promise<WorkerAccount | undefined> {
  return process.getuid?.() === 0 ? workerAccount() : undefined;
}
