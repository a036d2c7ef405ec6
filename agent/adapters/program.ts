// Runs one short system program: argument array, no shell, no inherited environment, bounded time and output. What it
// printed stays with the caller (`wg show … dump` prints a private key), so no error made here carries standard output.
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';

export const PROGRAM_TIMEOUT_MS = 10_000;
const OUTPUT_CHARACTERS_MAX = 4 * 1024 * 1024;
const REASON_CHARACTERS_MAX = 300;

/** Service managers and cron often leave the administrator's folders out. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface ProgramResult {
  ok: boolean;
  stdout: string;
  /** Why it failed, one bounded line of standard error; empty when it did not. */
  reason: string;
}

export interface ProgramOptions {
  /** Written to standard input. */
  input?: string;
  timeoutMs?: number;
}

/** The environment that system programs get: a path, and messages in English. */
export function programEnvironment(): Record<string, string> {
  return { PATH: `${process.env.PATH ?? ''}:${SYSTEM_PATH}`, LC_ALL: 'C', WG_COLOR_MODE: 'never' };
}

/**
 * Runs `command[0]` with the rest as arguments and answers how it ended; a failing program is a value.
 * @throws KokoaError program_missing when there is no such program
 */
export async function runProgram(command: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const [file, ...args] = command;
  const result = await execa(file!, args, {
    reject: false,
    env: programEnvironment(),
    extendEnv: false,
    timeout: options.timeoutMs ?? PROGRAM_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_CHARACTERS_MAX,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  if (!result.failed) return { ok: true, stdout: result.stdout, reason: '' };
  if (result.code === 'ENOENT') {
    throw new KokoaError('program_missing', `the program ${file} is not installed`, {
      hint: 'install the Debian packages iproute2, nftables, wireguard-tools and wireguard-go',
    });
  }
  return { ok: false, stdout: result.stdout ?? '', reason: describe(file!, result) };
}

interface Ending {
  timedOut?: boolean;
  isMaxBuffer?: boolean;
  stderr?: string;
  exitCode?: number;
  signal?: string;
}

function describe(file: string, { timedOut, isMaxBuffer, stderr, exitCode, signal }: Ending): string {
  if (timedOut) return `${file} did not end in time`;
  if (isMaxBuffer) return `${file} printed more than ${OUTPUT_CHARACTERS_MAX} characters`;
  const words = (stderr ?? '').replace(/[^\x20-\x7e]+/g, ' ').trim();
  return `${file}: ${words || `ended with ${signal ?? exitCode}`}`.slice(0, REASON_CHARACTERS_MAX);
}
