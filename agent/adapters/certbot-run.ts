// One run of certbot in a folder of its own. Law: certbot outlives the agent, and an agent that comes back takes over the
// run it finds, so that a restart never costs a second order.
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KokoaError } from '../../bundle/error.ts';
import type { CertificatePair } from '../ports/certificate-store.ts';
import { alive, type DetachedProcess, findOwn, startDetached, stopDetached } from './detached.ts';
import { makeDirectory, readBounded } from './durable-write.ts';

const LOOK_EVERY_MS = 25;
const OUTPUT_TAIL_BYTES = 32 * 1024;
const PEM_CHARACTERS_MAX = 64 * 1024;

export interface CertbotProgram {
  binary: string;
  environment: Record<string, string>;
}

export interface CertbotRun {
  /** Config, work and logs directory in one; certbot locks it. */
  folder: string;
  /** `certonly`, `register` and their arguments, each one an argument. */
  args: readonly string[];
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export type CertbotEnding = 'ended' | 'timed_out' | 'aborted';

/**
 * Starts certbot, or finds the one that already works in this folder, and waits for its end; on abort it goes on alone.
 * @throws KokoaError certbot_failed when there is no certbot to run; the folder is removed
 */
export async function runCertbot(program: CertbotProgram, run: CertbotRun): Promise<CertbotEnding> {
  try {
    return await waitFor((await runningIn(run.folder)) ?? (await start(program, run)), run);
  } catch (error) {
    await rm(run.folder, { recursive: true, force: true });
    const hint = error instanceof KokoaError ? error.hint : undefined;
    throw new KokoaError('certbot_failed', `cannot run certbot: ${(error as Error).message}`, {
      ...(hint && { hint }),
      cause: error,
    });
  }
}

/** The certbot that works in this folder now. */
export async function runningIn(folder: string): Promise<DetachedProcess | undefined> {
  const [found] = await findOwn((argv) => argv.includes(configArgument(folder)));
  return found;
}

async function start({ binary, environment }: CertbotProgram, { folder, args }: CertbotRun): Promise<DetachedProcess> {
  await makeDirectory(folder);
  return startDetached({
    command: [
      binary,
      ...args,
      '--non-interactive',
      '--agree-tos',
      '--no-directory-hooks',
      '--max-log-backups=0',
      configArgument(folder),
      `--work-dir=${join(folder, 'work')}`,
      `--logs-dir=${join(folder, 'logs')}`,
    ],
    logFile: join(folder, 'output'),
    // A person's own configuration of certbot is not ours.
    environment: { HOME: folder, XDG_CONFIG_HOME: folder, ...environment },
  });
}

async function waitFor(target: DetachedProcess, { timeoutMs, signal }: CertbotRun): Promise<CertbotEnding> {
  const deadline = performance.now() + timeoutMs;
  while (await alive(target)) {
    if (signal?.aborted) return 'aborted';
    if (performance.now() > deadline) {
      await stopDetached(target);
      return 'timed_out';
    }
    await delay(LOOK_EVERY_MS);
  }
  return 'ended';
}

/** What certbot printed and logged, the last of it. */
export async function lastWords(folder: string): Promise<{ output: string; log: string }> {
  return {
    output: await tail(join(folder, 'output')),
    log: await tail(join(folder, 'logs', 'letsencrypt.log')),
  };
}

/** The pair that certbot left in `live/NAME`, when it is complete and of a size that a certificate may have: the CA decides how long it is. */
export async function readLive(folder: string, name: string): Promise<CertificatePair | undefined> {
  try {
    const fullchain = await readBounded(join(folder, 'live', name, 'fullchain.pem'), PEM_CHARACTERS_MAX);
    const key = await readBounded(join(folder, 'live', name, 'privkey.pem'), PEM_CHARACTERS_MAX);
    if (fullchain === undefined || key === undefined) return undefined;
    const complete = fullchain.trimEnd().endsWith('-----') && key.trimEnd().endsWith('-----');
    return complete && fullchain.length + key.length <= PEM_CHARACTERS_MAX ? { fullchain, key } : undefined;
  } catch {
    return undefined;
  }
}

function configArgument(folder: string): string {
  return `--config-dir=${folder}`;
}

async function tail(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const start = Math.max(0, size - OUTPUT_TAIL_BYTES);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(OUTPUT_TAIL_BYTES), 0, OUTPUT_TAIL_BYTES, start);
      return buffer.subarray(0, bytesRead).toString('utf8');
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
