// nginx behind the WebServer port. Law: what runs is never asked to do what the same binary has not tested, a reload has happened
// only when the new release answers and no old worker accepts, and nothing but this state directory's own processes is signalled.
import { existsSync } from 'node:fs';
import { chmod, chown, open, readlink, realpath, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type NginxPaths, nginxPaths, STREAM_MODULE } from '../core/nginx-paths.ts';
import type { WebServer, WebServerFeatures } from '../ports/web-server.ts';
import { makeDirectory, orUnwritable } from './durable-write.ts';
import { logTail, trimLog } from './nginx-log.ts';
import { endLightest, type LastReload, NO_RELOAD, PATIENCE_MS, untilRoom } from './nginx-old-workers.ts';
import { findAll, findMaster, lookAgain, type NginxProcess, signal, workersOf } from './nginx-processes.ts';
import { DETAIL_CHARACTERS_MAX, featuresOf, nginxArguments, nginxFailed, runNginx, saidBy } from './nginx-program.ts';

const RELOAD_TIMEOUT_MS = 20_000;
/** How long old workers may go on accepting after the new release answered. */
const HANDOVER_TIMEOUT_MS = 5_000;
const ORPHANS_TIMEOUT_MS = 2_000;
const STOP_TIMEOUT_MS = 3_000;
const PROBE_TIMEOUT_MS = 1_000;
const LOOK_EVERY_MS = 10;
const RELEASE_CHARACTERS_MAX = 128;
const SOCKETS_MODE = 0o710;
const LOG_MODE = 0o600;

export interface NginxOptions {
  /** Path of the nginx program. */
  binary: string;
  /** Absolute; the tree in it was rendered for this directory. */
  stateDir: string;
  /** Group of the workers. Set only as root. */
  gid?: number;
  /** How long a burst of changes waits for old workers. Default: 10 s. */
  patienceMs?: number;
}

/** @throws KokoaError state_dir_unusable */
export function createNginx(options: NginxOptions): WebServer {
  const paths = nginxPaths(options.stateDir);
  const history = { last: NO_RELOAD };
  return {
    features: () => readFeatures(options, paths),

    async test(release) {
      await makeFolders(options, paths);
      const result = await runNginx(await programOf(options, paths), [
        '-t',
        '-q',
        ...nginxArguments(options.stateDir, `${release}/nginx.conf`),
      ]);
      return { ok: result.exitCode === 0, detail: saidBy(result) };
    },

    async reload() {
      await trimLog(paths.log);
      const master = await findMaster(await realPaths(options));
      if (master) await reloadMaster(master, options, paths, history);
      else await start(options, paths);
    },

    serving: () => askRelease(paths.probeSocket),

    async running() {
      await trimLog(paths.log);
      return (await findMaster(await realPaths(options))) !== undefined;
    },

    stop: () => stop(options),
  };
}

/** Of the program that runs, which an upgrade may have replaced on disk; of the one on disk when none runs. */
async function readFeatures(options: NginxOptions, paths: NginxPaths): Promise<WebServerFeatures> {
  const result = await runNginx(await programOf(options, paths), ['-V']);
  const features = featuresOf(saidBy(result));
  if (!features)
    throw nginxFailed(
      `${options.binary} is no nginx of version 1.22 or newer`,
      saidBy(result),
      'install the Debian package nginx-light',
    );
  return features.stream === 'module' && !existsSync(STREAM_MODULE) ? { ...features, stream: 'none' } : features;
}

async function reloadMaster(
  master: NginxProcess,
  options: NginxOptions,
  paths: NginxPaths,
  history: { last: LastReload },
): Promise<void> {
  const wanted = await currentRelease(options);
  await untilRoom(master, wanted, history.last, options.patienceMs ?? PATIENCE_MS);
  const before = (await workersOf(master)).filter((worker) => !worker.leaving);
  history.last = { at: performance.now(), left: await askRelease(paths.probeSocket) };
  if (!(await signal(master, 'SIGHUP'))) return start(options, paths);

  const answers = await until(RELOAD_TIMEOUT_MS, async () => (await askRelease(paths.probeSocket)) === wanted);
  if (!answers)
    throw nginxFailed(
      `nginx does not serve release ${wanted} after a reload`,
      await logTail(paths.log, DETAIL_CHARACTERS_MAX),
    );
  // New workers accept beside the old ones for a moment; until those have closed their ears, a visitor may meet the old release.
  await until(HANDOVER_TIMEOUT_MS, () => noneAccepts(before));
  await endLightest(master, before);
}

/**
 * nginx makes sockets that everybody may open, so the folder of the inner ones keeps others out; and visitors' requests stand in its
 * log, which it would make readable for all.
 */
function makeFolders(options: NginxOptions, paths: NginxPaths): Promise<void> {
  return orUnwritable(paths.run, () => makeFoldersAndLog(options, paths));
}

async function makeFoldersAndLog({ gid }: NginxOptions, paths: NginxPaths): Promise<void> {
  await makeDirectory(paths.run, 0o755);
  await chmod(paths.run, 0o755);
  await makeDirectory(paths.sockets, SOCKETS_MODE);
  await chmod(paths.sockets, SOCKETS_MODE);
  if (gid !== undefined) await chown(paths.sockets, process.getuid?.() ?? 0, gid);
  const log = await open(paths.log, 'a', LOG_MODE);
  await log.chmod(LOG_MODE).finally(() => log.close());
}

async function start(options: NginxOptions, paths: NginxPaths): Promise<void> {
  const wanted = await currentRelease(options);
  await makeFolders(options, paths);
  await dismissOrphans(options);
  // Left by a master that was killed; nginx takes an existing socket for one in use.
  for (const socket of [paths.probeSocket, paths.httpsSocket, paths.plainSocket, paths.closedSocket])
    await rm(socket, { force: true });
  await rm(paths.pid, { force: true });
  // nginx makes a daemon of itself once it holds its ports, in a session of its own: it outlives the agent.
  const result = await runNginx(options.binary, nginxArguments(options.stateDir, paths.conf));
  if (result.exitCode !== 0)
    throw nginxFailed('nginx did not start', saidBy(result), 'see whether another program holds its ports');
  const answers = await until(RELOAD_TIMEOUT_MS, async () => (await askRelease(paths.probeSocket)) === wanted);
  if (!answers)
    throw nginxFailed(
      `nginx started and does not serve release ${wanted}`,
      await logTail(paths.log, DETAIL_CHARACTERS_MAX),
    );
}

/** Workers whose master was killed serve on and hold the ports: they finish what they have and accept nothing more. */
async function dismissOrphans(options: NginxOptions): Promise<void> {
  const found = await findAll(await realPaths(options));
  for (const process of found) await signal(process, 'SIGQUIT');
  const workers = found.filter(({ role }) => role === 'worker');
  await until(ORPHANS_TIMEOUT_MS, () => noneAccepts(workers));
}

async function noneAccepts(workers: readonly NginxProcess[]): Promise<boolean> {
  const now = await Promise.all(workers.map(lookAgain));
  return now.every((worker) => worker === undefined || worker.leaving);
}

/** Lets requests finish for a moment, then ends every process. */
async function stop(options: NginxOptions): Promise<void> {
  for (const name of ['SIGQUIT', 'SIGTERM', 'SIGKILL'] as const) {
    const found = await findAll(await realPaths(options));
    for (const process of found) await signal(process, name);
    await until(STOP_TIMEOUT_MS, async () => (await Promise.all(found.map(lookAgain))).every((process) => !process));
    if ((await findAll(await realPaths(options))).length === 0) return;
  }
  throw nginxFailed('nginx does not end', '', 'it hangs in the kernel; reboot');
}

/** What the probe socket says; undefined when nobody answers. */
function askRelease(socketPath: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(
      { socketPath, path: '/release', headers: { host: 'probe' }, agent: false, timeout: PROBE_TIMEOUT_MS },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text = (text + part).slice(0, RELEASE_CHARACTERS_MAX);
        });
        response.on('end', () => resolve(response.statusCode === 200 ? text : undefined));
        response.on('error', () => resolve(undefined));
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

async function currentRelease({ stateDir }: NginxOptions): Promise<string> {
  const target = await readlink(`${stateDir}/current`).catch(() => undefined);
  if (target === undefined) throw nginxFailed('there is no release to serve', `${stateDir}/current is no symlink`);
  return basename(target);
}

/** The running master's own program, also when a package upgrade deleted it: what it cannot read must not reach it. */
async function programOf(options: NginxOptions, paths: NginxPaths): Promise<string> {
  const master = await findMaster(await realPaths(options, paths));
  return master ? `/proc/${master.pid}/exe` : options.binary;
}

/** /proc shows paths without symlinks. */
async function realPaths({ stateDir }: NginxOptions, paths = nginxPaths(stateDir)): Promise<NginxPaths> {
  const real = await realpath(stateDir).catch(() => stateDir);
  return { ...paths, log: `${real}/run/${basename(paths.log)}` };
}

/** Looks every few ms until it holds; false when time is up. */
async function until(timeoutMs: number, holds: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() >= deadline) return false;
    await delay(LOOK_EVERY_MS);
  }
  return true;
}
