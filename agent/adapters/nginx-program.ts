// Runs the nginx program for a moment: to ask, to test, to start. Law: argument arrays, a bare environment, bounded time and output.
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';
import type { WebServerFeatures } from '../ports/web-server.ts';

const PROGRAM_TIMEOUT_MS = 60_000;
const OUTPUT_CHARACTERS_MAX = 1024 * 1024;
export const DETAIL_CHARACTERS_MAX = 2_000;
/** Longer than nothing, because nginx writes its role over it. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

export function nginxArguments(stateDir: string, conf: string): string[] {
  return ['-e', 'stderr', '-p', stateDir, '-c', conf];
}

export function runNginx(file: string, args: readonly string[]) {
  return execa(file, args, {
    reject: false,
    env: ENVIRONMENT,
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'ignore',
    timeout: PROGRAM_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_CHARACTERS_MAX,
  });
}

export function saidBy(result: { stderr?: unknown; shortMessage?: string }): string {
  const said = typeof result.stderr === 'string' && result.stderr !== '' ? result.stderr : (result.shortMessage ?? '');
  return said.replace(/[^\x20-\x7e\n]/g, '?').slice(0, DETAIL_CHARACTERS_MAX);
}

/** From what `nginx -V` prints; undefined below 1.22. */
export function featuresOf(printed: string): WebServerFeatures | undefined {
  const found = /nginx version: [^/\s]+\/(\d+)\.(\d+)\.(\d+)/.exec(printed);
  if (!found) return undefined;
  const [major, minor, patch] = found.slice(1).map(Number) as [number, number, number];
  const number = (major * 1000 + minor) * 1000 + patch;
  if (number < 1_022_000) return undefined;
  return {
    version: `${major}.${minor}.${patch}`,
    http2Directive: number >= 1_025_001,
    certificateCache: number >= 1_027_004,
    stream: streamOf(printed),
    http3: number >= 1_025_000 && /--with-http_v3_module(?:\s|$)/.test(printed),
  };
}

/** A module is said to be there when it can be; whether its file is, the caller sees. */
function streamOf(printed: string): WebServerFeatures['stream'] {
  if (/--with-stream(?:\s|$)/.test(printed)) return 'built-in';
  return /--with-stream=dynamic(?:\s|$)/.test(printed) ? 'module' : 'none';
}

export function nginxFailed(what: string, detail: string, hint?: string): KokoaError {
  return new KokoaError(
    'web_server_failed',
    detail === '' ? what : `${what}: ${detail}`,
    hint === undefined ? {} : { hint },
  );
}
