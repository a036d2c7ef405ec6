// The wiring of the reconciler: options become adapters, adapters meet in the loop and the HTTP server. Nothing is decided here.
import { join } from 'node:path';
import { openGitSource } from './adapters/git.ts';
import { loadKeys } from './adapters/key-files.ts';
import { createLog } from './adapters/log.ts';
import { createMetrics } from './adapters/metrics.ts';
import { createSecretSealing } from './adapters/secret-age.ts';
import { openSealingKey } from './adapters/secret-identity.ts';
import { createSecretPlaces, type SecretPlacesOptions } from './adapters/secret-places.ts';
import { openSqliteStore } from './adapters/store-sqlite.ts';
import { judgeToken } from './core/token.ts';
import { openFleetReports } from './http/fleet-reports.ts';
import { createServed } from './http/served.ts';
import { createHttpApp, listen } from './http/server.ts';
import { createLoop } from './loop.ts';
import { newsSinks } from './news.ts';
import { createSecrets } from './secrets.ts';

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
  /** Where operators put secrets. */
  secrets: SecretPlacesOptions;
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
  const store = await openSqliteStore(join(options.dataDir, 'store'));
  const opened: { close(): Promise<void> }[] = [store];
  const closeAll = async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  };
  try {
    const source = await openGitSource({
      url: options.repository,
      branch: options.branch,
      mirrorDir: join(options.dataDir, 'mirror'),
      log,
      ...(options.gitCaFile && { caFile: options.gitCaFile }),
      ...(options.gitAuthorization && { authorization: options.gitAuthorization }),
    });
    opened.push(source);
    const metrics = createMetrics();
    const served = createServed(store);
    served.update({ roots: keys.roots });
    const clock = () => new Date();
    const signing = { keys: keys.online };
    const secrets = createSecrets({ places: createSecretPlaces(options.secrets), sealing, store });
    const loop = createLoop({
      source,
      store,
      secrets,
      signing,
      now: clock,
      pollMs: options.pollMs,
      ...newsSinks({ served, metrics, log, secrets, sealingRecipient: sealing.recipient }),
    });
    // Whoever is let in is known before the first request is.
    await loop.restore();
    const app = createHttpApp({
      ...{ store, served, clock, log, metrics },
      reports: await openFleetReports(store, Date.now()),
      judge: (token) => judgeToken(token, served.access, clock()),
      branch: options.branch,
      webhookSecret: options.webhookSecret,
      behindProxy: options.behindProxy,
      sealingRecipient: sealing.recipient,
      onPush: () => loop.dirty('push'),
      onEnrolment: () => loop.dirty('announcement'),
    });
    const { development, fingerprint } = keys;
    const { tls, behindProxy } = options;
    const server = await listen(app, { ...options.listen, ...(tls && { tls }), behindProxy, development, log });
    const stopping = new AbortController();
    const running = loop.run(stopping.signal);
    const stop = once(async () => {
      stopping.abort();
      served.close();
      await server.close();
      await within(STOP_MS_MAX, running);
      await closeAll();
    });
    return { url: server.url, fingerprint, development, stop, ended: endOf(running, stopping.signal, stop) };
  } catch (error) {
    await closeAll();
    throw error;
  }
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
