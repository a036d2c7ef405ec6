// The wiring of the reconciler: options become adapters, adapters meet in the loop and the HTTP server. Nothing is decided here.
import { join } from 'node:path';
import { openGitSource } from './adapters/git.ts';
import { loadKeys } from './adapters/key-files.ts';
import { createLog } from './adapters/log.ts';
import { createMetrics } from './adapters/metrics.ts';
import { openSqliteStore } from './adapters/store-sqlite.ts';
import type { Access } from './core/access.ts';
import { countHosts } from './core/plan.ts';
import { slotsOf } from './core/slots.ts';
import { judgeToken } from './core/token.ts';
import { openFleetReports } from './http/fleet-reports.ts';
import { createHttpApp, listen } from './http/server.ts';
import { createServed, type LoopHealth } from './http/served.ts';
import { listingOf } from './listing.ts';
import { createLoop, type LoopReport } from './loop.ts';
import type { Outcome } from './reconcile.ts';

export interface ReconcilerOptions {
  repository: string;
  branch: string;
  dataDir: string;
  keysDir: string;
  listen: { host: string; port: number };
  tls: { certFile: string; keyFile: string } | undefined;
  behindProxy: boolean;
  webhookSecret: string | undefined;
  gitCaFile: string | undefined;
  gitAuthorization: string | undefined;
  pollMs: number;
  logFormat: 'text' | 'json';
}

export interface RunningReconciler {
  url: string;
  fingerprint: string;
  stop(): Promise<void>;
  ended: Promise<void>;
}

/** @throws KokoaError when keys, store, repository or address cannot be used */
export async function startReconciler(options: ReconcilerOptions): Promise<RunningReconciler> {
  const log = createLog({ format: options.logFormat });
  const metrics = createMetrics();
  const keys = await loadKeys(options.keysDir);
  const store = await openSqliteStore(join(options.dataDir, 'store'));
  const source = await openGitSource({
    url: options.repository,
    branch: options.branch,
    mirrorDir: join(options.dataDir, 'mirror'),
    log,
    ...(options.gitCaFile && { caFile: options.gitCaFile }),
    ...(options.gitAuthorization && { authorization: options.gitAuthorization }),
  });
  const served = createServed(store);
  served.update({ roots: keys.roots });
  const reports = await openFleetReports(store, Date.now());

  let access: ReadonlyMap<string, Access> = new Map();
  let shown: LoopReport['standing'] | undefined;
  let steps: Record<string, number> = {};
  const health: LoopHealth = {};

  const loop = createLoop({
    source,
    store,
    signing: { keys: keys.online },
    now: () => new Date(),
    pollMs: options.pollMs,
    timed(step, ms) {
      steps[step] = Math.round(ms * 10) / 10;
      metrics.step(step, ms / 1000);
    },
    serve(report) {
      const { standing } = report;
      const sameFleet = shown?.live.fleetFiles === standing.live.fleetFiles && shown.live.kokoa === standing.live.kokoa;
      if (!shown || !sameFleet) access = report.access;
      shown = standing;
      served.update({
        access,
        pins: pinsOf(standing),
        nodes: report.changed,
        removed: report.removed,
        listing: listingOf(standing.live),
        ready: standing.head !== undefined,
      });
    },
    succeeded(outcome) {
      Object.assign(health, { lastSuccessMs: Date.now(), failure: undefined, held: outcome.standing.hold?.message });
      served.update({ health: { ...health } });
      say(outcome, steps);
      steps = {};
      metrics.reconciled(outcome.kind, 0);
      metrics.published(outcome.standing.head?.sequence ?? 0);
      metrics.held(outcome.standing.hold !== undefined);
      if (outcome.standing.compiled) metrics.hosts(countHosts(outcome.standing.compiled));
    },
    failed(error) {
      const code = (error as { code?: string }).code ?? 'unexpected';
      health.failure = { sinceMs: health.failure?.sinceMs ?? Date.now(), code };
      served.update({ health: { ...health } });
      metrics.reconciled(code, 0);
      log.error({ code, reason: String((error as Error).message ?? error) }, 'a run failed; what is published stays');
    },
  });

  function say({ kind, standing, plan, changed, removed }: Outcome, took: Record<string, number>): void {
    const { commit, hold, quarantined } = standing;
    if (hold) log.warn({ commit, reason: hold.reason, message: hold.message, hint: hold.hint }, 'the newest commit is held back');
    for (const [file, problems] of quarantined) {
      const [first] = problems;
      log.warn({ file, line: first?.line, column: first?.column, rule: first?.rule, reason: first?.message }, 'a route is quarantined');
    }
    if (kind === 'unchanged') return;
    const hosts = plan && { added: plan.hosts.added.length, removed: plan.hosts.removed.length, moved: plan.hosts.moved.length };
    log.info({ commit, kind, hosts, nodes: changed, removed, ms: took }, 'reconciled');
  }

  const app = createHttpApp({
    store,
    served,
    reports,
    judge: (token) => judgeToken(token, access, new Date()),
    branch: options.branch,
    webhookSecret: options.webhookSecret,
    behindProxy: options.behindProxy,
    onPush: () => loop.dirty('push'),
    onEnrolment: () => loop.dirty('announcement'),
    clock: () => new Date(),
    log,
    metrics,
  });
  const server = await listen(app, {
    ...options.listen,
    ...(options.tls && { tls: options.tls }),
    behindProxy: options.behindProxy,
    development: keys.development,
    log,
  });
  const stopping = new AbortController();
  const running = loop.run(stopping.signal);
  const stop = async () => {
    stopping.abort();
    served.close();
    await server.close();
    await running;
    await source.close();
    await store.close();
  };
  const ended = running.catch(async (error) => {
    await stop().catch(() => undefined);
    throw error;
  });
  return { url: server.url, fingerprint: keys.fingerprint, stop, ended };
}

function pinsOf({ live }: LoopReport['standing']) {
  return new Map(slotsOf(live).map(({ node, file }) => [node, { wireguardPublicKey: file.value?.wireguard.publicKey }]));
}
