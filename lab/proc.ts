// One started program: its own process group, its identity on record, its output in a file. Ending it touches this process alone,
// never what it started detached.
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { KokoaError } from '../bundle/error.ts';
import { endKnown } from './ending.ts';
import { identify, listensNear, networkOf, type ProcessIdentity } from './process-table.ts';

const READY_TIMEOUT_MS = 10_000;
const POLL_MS = 3;
const END_TIMEOUT_MS = 10_000;
/** For the kernel to take apart what was killed. */
const EXIT_TIMEOUT_MS = 3_000;
const TAIL_LINES = 20;

export interface ProcExit {
  code: number | undefined;
  signal: string | undefined;
}

export interface Proc {
  /** What it is called in messages: `edge-1/agent`. */
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Waits for its end, however it ends. @throws KokoaError lab_still_running after `timeoutMs` (10 s) */
  ended(timeoutMs?: number): Promise<ProcExit>;
  alive(): boolean;
  /** SIGTERM, and SIGKILL after `graceMs` (1.5 s). Resolves when it is gone. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL to this process alone. Resolves when it is gone. */
  kill9(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Everything it wrote since it was started, standard output and error together. */
  log(): string;
  /** The last `lines` (20) of that. */
  tail(lines?: number): string;
  /** Waits until its output matches. @throws KokoaError lab_not_ready when it ends or the time (10 s) is over first */
  ready(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  /** Waits until a port of its network namespace is listened on. @throws KokoaError lab_not_ready, as `ready` does */
  listening(port: number, protocol?: 'tcp' | 'udp', timeoutMs?: number): Promise<void>;
}

export interface SpawnOptions {
  name: string;
  logFile: string;
  env: Record<string, string>;
  cwd: string;
  /** Of the network namespace that the command enters, if it enters one. */
  namespaceInode?: number | undefined;
}

/** Starts `command`, detached, with its output appended to `logFile`. @throws KokoaError lab_start_failed */
export function startProc(command: readonly string[], options: SpawnOptions): Proc {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const [file = '', ...args] = command;
  const output = openSync(options.logFile, 'a');
  const logStart = statSync(options.logFile).size;
  const child = execa(file, args, {
    detached: true,
    cleanup: false,
    reject: false,
    extendEnv: false,
    env: options.env,
    cwd: options.cwd,
    buffer: false,
    // A descriptor of its own: no pipe that would break when this process ends. (execa's types stop at 9.)
    stdio: ['ignore', output as 9, output as 9],
  });
  closeSync(output);
  const pid = child.pid;
  const identity = pid === undefined ? undefined : (identify(pid) ?? { pid, startTicks: 'ended' });
  if (pid === undefined || identity === undefined) {
    child.catch(() => undefined);
    throw new KokoaError('lab_start_failed', `${options.name}: ${file} could not be started in ${options.cwd}`);
  }
  child.nodeChildProcess.unref();
  return new StartedProc(options, identity, logStart, watch(child));
}

/** Turns the child's end into a value. */
async function watch(child: PromiseLike<{ exitCode?: number; signal?: string }>): Promise<ProcExit> {
  const { exitCode, signal } = await child;
  return { code: exitCode, signal };
}

class StartedProc implements Proc {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  private readonly exited: Promise<ProcExit>;
  private readonly identity: ProcessIdentity;
  private readonly logStart: number;
  private readonly namespaceInode: number | undefined;
  private gone = false;

  constructor(options: SpawnOptions, identity: ProcessIdentity, logStart: number, exited: Promise<ProcExit>) {
    this.name = options.name;
    this.pid = identity.pid;
    this.logFile = options.logFile;
    this.identity = identity;
    this.logStart = logStart;
    this.namespaceInode = options.namespaceInode;
    this.exited = exited.finally(() => {
      this.gone = true;
    });
  }

  alive(): boolean {
    return !this.gone;
  }

  async ended(timeoutMs = END_TIMEOUT_MS): Promise<ProcExit> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      const late = () =>
        reject(new KokoaError('lab_still_running', `${this.name} has not ended after ${timeoutMs} ms`));
      timer = setTimeout(late, timeoutMs);
    });
    return Promise.race([this.exited, timeout]).finally(() => clearTimeout(timer));
  }

  async stop(graceMs?: number): Promise<void> {
    if (this.gone) return;
    await endKnown([this.identity], graceMs);
    await this.ended(EXIT_TIMEOUT_MS);
  }

  async kill9(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended(EXIT_TIMEOUT_MS);
  }

  signal(name: NodeJS.Signals): void {
    if (this.gone) return;
    try {
      process.kill(this.pid, name);
    } catch {
      // It ended by itself; `exited` will say so.
    }
  }

  log(): string {
    return readFileSync(this.logFile).subarray(this.logStart).toString('utf8');
  }

  tail(lines = TAIL_LINES): string {
    return this.log().trimEnd().split('\n').slice(-lines).join('\n');
  }

  ready(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray> {
    return this.waitFor(`said nothing like ${pattern}`, () => this.log().match(pattern) ?? undefined, timeoutMs);
  }

  async listening(port: number, protocol: 'tcp' | 'udp' = 'tcp', timeoutMs?: number): Promise<void> {
    // In a namespace it starts outside and enters it first: a port of the machine's own must not count.
    const inside = () => this.namespaceInode === undefined || networkOf(this.pid) === this.namespaceInode;
    const look = () => (inside() && listensNear(this.pid, port, protocol)) || undefined;
    await this.waitFor(`does not listen on ${protocol} port ${port}`, look, timeoutMs);
  }

  private async waitFor<T>(failing: string, look: () => T | undefined, timeoutMs = READY_TIMEOUT_MS): Promise<T> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      // Asked before the look, so that the last words of a program that ended are still seen.
      const ended = this.gone;
      const found = look();
      if (found !== undefined) return found;
      if (ended || performance.now() > end) {
        const why = ended ? 'ended' : `${failing} within ${timeoutMs} ms`;
        throw new KokoaError('lab_not_ready', `${this.name} ${why}; its last words:\n${this.tail()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
