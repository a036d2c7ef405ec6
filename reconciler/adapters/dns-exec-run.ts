// One run of a program of the operator: a question about a zone goes in by standard input, an answer comes out. Laws: credentials stand in no
// argument, no environment and no error; it ends, with all it started; and nothing it prints is more than we can hold.
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { KokoaError } from '../../bundle/error.ts';
import type { ExecQuestion, ExecRequest } from '../core/dns/exec-answer.ts';
import { programWords } from '../core/dns/program-words.ts';
import { programFile } from './program-file.ts';

export interface ZoneProgram {
  /** Canonical. */
  zone: string;
  /** Absolute path. */
  program: string;
  /** A text for the program alone. */
  credentials?: string;
  /** Of one run; default 60 s. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 60_000;
/** From being asked to end until being made to, and from then until nothing more is read. */
const TERM_MS = 2_000;
const KILL_MS = 3_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const STDERR_BYTES_MAX = 1024 * 1024;

/** The JSON that it answers. @throws KokoaError dns_unreachable, dns_refused */
export async function askProgram(question: ExecQuestion, asked: ZoneProgram, signal: AbortSignal): Promise<unknown> {
  const { zone, program, credentials, timeoutMs = TIMEOUT_MS } = asked;
  const request: ExecRequest = { version: 1, zone, ...question, ...(credentials !== undefined && { credentials }) };
  const file = await programFile(program);
  if (signal.aborted) throw ended(program, 'was not asked: the reconciler stops');
  const end = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const child = execa(file, [], {
    input: `${JSON.stringify(request)}\n`,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: '/nonexistent', LANG: 'C.UTF-8' },
    extendEnv: false,
    cwd: '/',
    buffer: false,
    reject: false,
    cancelSignal: end,
    killDescendants: true,
    forceKillAfterDelay: TERM_MS,
  });
  // Whatever fled into a session of its own lives on, and may hold our ends of its pipes open.
  const letGo = () => setTimeout(() => [child.stdout, child.stderr].map((pipe) => pipe.destroy()), KILL_MS).unref();
  end.addEventListener('abort', letGo, { once: true });
  let isFlood = false;
  const flood = () => {
    if (isFlood) return;
    isFlood = true;
    child.kill('SIGKILL');
    letGo();
  };
  const stdout = kept(child.stdout, ANSWER_BYTES_MAX, flood);
  const stderr = kept(child.stderr, STDERR_BYTES_MAX, flood);
  const result = await child;
  // What it left behind, in its process group, is not to write on when we have its answer.
  child.kill('SIGKILL');
  end.removeEventListener('abort', letGo);
  if (isFlood) throw ended(program, 'printed too much');
  if (result.isCanceled)
    throw ended(program, signal.aborted ? 'was told to stop' : `did not end within ${timeoutMs / 1000} s`);
  if (result.failed) {
    const how = result.exitCode ?? result.signal;
    if (how === undefined) throw ended(program, `cannot be started (${result.code ?? 'unknown'})`);
    const said = programWords(Buffer.concat(stderr).toString('utf8'), credentials);
    throw ended(program, `ended with ${how}${said && `: ${said}`}`);
  }
  return parsed(Buffer.concat(stdout), asked);
}

/** The library would keep it too, but puts all of it into the text of an error: minutes of work for a flood. */
function kept(stream: Readable, bytesMax: number, flood: () => void): Buffer[] {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else flood();
  });
  return chunks;
}

function parsed(stdout: Uint8Array, asked: ZoneProgram): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(stdout);
  } catch {
    throw notUnderstood(asked, 'it is not UTF-8');
  }
  if (text.trim() === '') throw notUnderstood(asked, 'it said nothing');
  try {
    return JSON.parse(text);
  } catch {
    throw notUnderstood(asked, 'it is not one JSON text');
  }
}

function ended(program: string, how: string): KokoaError {
  return new KokoaError('dns_unreachable', `${program} ${how}`, {
    hint: 'run it by hand, as the user of the reconciler, with a question of docs/dns.md on its standard input',
  });
}

export function notUnderstood({ program, zone }: ZoneProgram, mistake: string): KokoaError {
  return new KokoaError('dns_unreachable', `${program} gave no valid answer about ${zone}: ${mistake}`, {
    hint: 'the program must keep to version 1 of the contract in docs/dns.md',
  });
}
