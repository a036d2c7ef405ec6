// The wiring of the reconciler: options become adapters, adapters meet in the loop and the HTTP server. Nothing is decided here.
import { join } from 'node:path';
import { publicDns } from './adapters/dns-ask.ts';
import { createRfc2136 } from './adapters/dns-rfc2136.ts';
import { zoneAdapters } from './adapters/dns-zone-adapters.ts';
import { openGitSource } from './adapters/git.ts';
import { openGitPulls } from './adapters/git-pulls.ts';
import { loadKeys } from './adapters/key-files.ts';
import { createLog } from './adapters/log.ts';
import { createMetrics } from './adapters/metrics.ts';
import { createSecretSealing } from './adapters/secret-age.ts';
import { openSealingKey } from './adapters/secret-identity.ts';
import { createSecretPlaces, type SecretPlacesOptions } from './adapters/secret-places.ts';
import { openSqliteStore } from './adapters/store-sqlite.ts';
import { certificateRulesOf } from './core/certificate-rules.ts';
import { ownerOf } from './core/dns/owner-text.ts';
import { orderLimitsOf } from './core/order-limits.ts';
import { judgeToken } from './core/token.ts';
import { createZoneAccesses } from './dns/zone-access.ts';
import { challengesIn } from './dns/zone-challenges.ts';
import { createDnsChallenges } from './dns-challenges.ts';
import { dnsProviderOf } from './dns-providers.ts';
import { createEdgeHealth } from './edge-health.ts';
import { openFleetReports } from './http/fleet-reports.ts';
import { reportsInService } from './http/reports-in-git.ts';
import { backendsInService } from './http/seen-backends.ts';
import { createServed } from './http/served.ts';
import { createHttpApp, listen } from './http/server.ts';
import { createLoop } from './loop.ts';
import { newsSinks } from './news.ts';
import { createOperators } from './operators.ts';
import type { Forge } from './ports/forge.ts';
import type { Source } from './ports/source.ts';
import { createSecrets } from './secrets.ts';
import { NOTHING_YET } from './standing.ts';
import { createSpeaking } from './talk/speaking.ts';
import { createVisitors } from './visitors.ts';

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
  /** Where pull requests are; undefined: nothing is said anywhere. */
  forge?: Forge | undefined;
  /** Where operators put secrets. */
  secrets: SecretPlacesOptions;
  /** Where operators put programs that write zones; undefined: nowhere. */
  dnsProgramsDir?: string | undefined;
  logFormat: 'text' | 'json';
  /** Default: standard error. */
  writeLog?: (line: string) => void;
}

export interface RunningReconciler {
  url: string;
  fingerprint: string;
  /** The signing keys are good for trying out only. */
  development: boolean;
  /** Ends everything within a bounded time, also while git hangs. */
  stop(): Promise<void>;
  /** Settles when everything has ended. */
  ended: Promise<void>;
}

/** How long a run under way may take to end. */
const STOP_MS_MAX = 3000;

/** @throws KokoaError when keys, store, repository or address cannot be used */
export async function startReconciler(options: ReconcilerOptions): Promise<RunningReconciler> {
  const log = createLog({ format: options.logFormat, ...(options.writeLog && { write: options.writeLog }) });
  const keys = await loadKeys(options.keysDir);
  const sealing = await createSecretSealing(await openSealingKey(options.dataDir));
  const store = await openSqliteStore(join(options.dataDir, 'store'), {
    damaged: ({ place, problem: reason, todo }) =>
      log.error({ place, reason, todo }, 'a text in the store is damaged; it counts as absent'),
  });
  const opened: { close(): Promise<void> }[] = [store];
  const closeAll = async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  };
  try {
    const repository = {
      ...{ url: options.repository, branch: options.branch, mirrorDir: join(options.dataDir, 'mirror') },
      ...(options.gitCaFile && { caFile: options.gitCaFile }),
      ...(options.gitAuthorization && { authorization: options.gitAuthorization }),
    };
    const source = await openGitSource({ ...repository, log });
    opened.push(source);
    const metrics = createMetrics();
    const served = createServed(store);
    served.update({ roots: keys.roots });
    const clock = () => new Date();
    const signing = { keys: keys.online };
    const places = createSecretPlaces(options.secrets);
    const secrets = createSecrets({ places, sealing, store });
    const reports = await openFleetReports(store, Date.now());
    const { branch, pollMs, forge } = options;
    const pullsDir = join(options.dataDir, 'pulls');
    // A directory for proposals that is of no use keeps nothing from being published.
    const pulls =
      forge &&
      (await openGitPulls({ ...repository, pullsDir }).catch((error: unknown) => {
        log.error({ error }, 'nothing is said on the forge until a restart: pull requests cannot be read');
        return undefined;
      }));
    if (pulls) opened.push(pulls);
    const speaking =
      forge && pulls && createSpeaking({ forge, source, pulls, store, reports, branch, pollMs, clock, log, metrics });
    let standing = NOTHING_YET;
    const operators = createOperators({
      ...{ places, store, reports: reports.reports, metrics: metrics.notices, log },
      reportsInService: () => reportsInService({ reports, served }),
      backendsInService: () => backendsInService({ reports, served }, Date.now()),
      channels: () => standing.live.kokoa && (standing.live.kokoa.value?.notify ?? []),
    });
    const health = createEdgeHealth({
      // A report is signed; whoever has a stolen token can ask, and would make a dead edge pass for alive.
      heard: { lastSeenMs: (node) => reports.report(node)?.lastSeenMs },
      now: () => performance.now(),
      fell(edge) {
        log.warn({ edge }, 'an edge is silent: others of its pool order its certificates');
        operators.silent(edge);
      },
      returned(edge) {
        log.info({ edge }, 'an edge that was silent is heard again, and orders certificates');
        operators.heard(edge);
      },
    });
    const zoneAccess = createZoneAccesses(places, zoneAdapters(options.dnsProgramsDir));
    const visitors = createVisitors({
      ...{ owner: ownerOf(keys.fingerprint), store, heard: reports, silent: health.silent, log, now: Date.now },
      ...{ access: zoneAccess, wrote: metrics.visitors.wrote, told: operators },
    });
    await visitors.restore();
    const news = newsSinks({ served, metrics, log, secrets, heard: reports, sealingRecipient: sealing.recipient });
    const loop = createLoop({
      ...{ source, store, secrets, signing, pollMs, heard: reports, health },
      now: clock,
      ...news,
      ran(outcome, seconds) {
        news.ran(outcome, seconds);
        operators.ran(outcome);
      },
      failed(error, seconds) {
        news.failed(error, seconds);
        operators.failed(error);
      },
      serve(report) {
        news.serve(report);
        standing = report.standing;
        visitors.live(report.standing);
        speaking?.moved(report.standing);
      },
    });
    const challenges = createDnsChallenges({
      zones: () => certificateRulesOf(standing.live.kokoa?.value).zones,
      provider: async (name, zone) =>
        zone.provider === 'rfc2136'
          ? dnsProviderOf(name, zone, places, { rfc2136: createRfc2136 })
          : challengesIn(name, await zoneAccess(name, zone)),
      ...{ publicDns, store, log, now: Date.now },
    });
    // Whoever is let in is known before the first request is.
    await loop.restore();
    const app = createHttpApp({
      ...{ store, served, challenges, reports, health, visitors, clock, log, metrics },
      orderLimits: (server) => orderLimitsOf(standing.live.kokoa?.value, server),
      orderServer: () => standing.live.kokoa?.value?.acme.server,
      judge: (token) => judgeToken(token, served.access, clock()),
      proposals: { forge, store, standing: () => standing, textOf: ({ blob }) => textOf(source, blob) },
      branch,
      webhookSecret: options.webhookSecret,
      behindProxy: options.behindProxy,
      sealingRecipient: sealing.recipient,
      onPush: (commit) => loop.dirty('push', commit),
      onPullRequest: () => speaking?.pullRequest(),
      onReport() {
        loop.reported();
        visitors.seen();
        speaking?.reported();
      },
      onEnrolment: () => loop.dirty('announcement'),
    });
    const { development, fingerprint } = keys;
    const { tls, behindProxy } = options;
    const server = await listen(app, { ...options.listen, ...(tls && { tls }), behindProxy, development, log });
    const stopping = new AbortController();
    const running = loop.run(stopping.signal);
    const talking = speaking?.run(stopping.signal);
    const proving = challenges.run(stopping.signal);
    const beside = [visitors.run(stopping.signal), operators.run(stopping.signal)];
    const stop = once(async () => {
      stopping.abort();
      served.close();
      await server.close();
      await within(STOP_MS_MAX, Promise.all([running, talking, proving, ...beside]));
      await closeAll();
    });
    return { url: server.url, fingerprint, development, stop, ended: endOf(running, stopping.signal, stop) };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function textOf(source: Source, blob: string): Promise<string | undefined> {
  const bytes = await source.contents(blob);
  return bytes && new TextDecoder().decode(bytes);
}

/** Settles with `stop`, which a loop that failed brings about by itself. */
async function endOf(running: Promise<void>, stopping: AbortSignal, stop: () => Promise<void>): Promise<void> {
  const asked = new Promise((resolve) => stopping.addEventListener('abort', resolve, { once: true }));
  try {
    await Promise.race([running, asked]);
  } finally {
    await stop();
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

/** Resolves when `work` has settled, at the latest after `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}
