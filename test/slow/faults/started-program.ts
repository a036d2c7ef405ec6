// A program that is swept: what it says is kept, and its end is awaited.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { FaultKind } from './fault-kinds.ts';
import { until } from './until.ts';

const HOLD = fileURLToPath(new URL('hold.ts', import.meta.url));
const PLACED = fileURLToPath(new URL('placed-writes.ts', import.meta.url));
/** A process that was killed is heard of so much later at most. */
const KILLED_MS = 500;

export interface StartedProgram {
  pid: number;
  hasEnded(): boolean;
  /** Everything it said so far, both outputs. */
  said(): string;
  exitCode(): number | undefined;
  /** A program that was started held goes on. */
  go(): void;
  ended(): Promise<void>;
  /** TERM, and KILL when that does not help. */
  stop(): Promise<void>;
}

export interface StartOptions {
  env: Record<string, string>;
  cwd: string;
  input?: string;
  /** A folder of its own: the program waits before its first step. */
  hold?: string;
}

/** `node ARGS` with one thread in its pool. Resolves when it runs, or is held. */
export async function startProgram(args: readonly string[], options: StartOptions): Promise<StartedProgram> {
  const { cwd, input = '', hold } = options;
  const env = { ...options.env, UV_THREADPOOL_SIZE: '1', ...(hold && { KOKOA_HOLD: hold }) };
  if (hold) {
    rmSync(hold, { recursive: true, force: true });
    mkdirSync(hold, { recursive: true });
  }
  const child = execa(process.execPath, ['--import', PLACED, ...(hold ? ['--import', HOLD] : []), ...args], {
    ...{ cwd, input, env, extendEnv: false, reject: false, all: true, forceKillAfterDelay: 5_000 },
  });
  let text = '';
  let exit: { exitCode: number | undefined } | undefined;
  child.all.on('data', (part: Buffer) => {
    text += String(part);
  });
  const ended = child.then(({ exitCode }) => {
    exit = { exitCode };
  });
  if (hold)
    await until(
      'the program is held',
      () => existsSync(join(hold, 'ready')) || exit !== undefined,
      () => text,
    );
  return {
    pid: child.pid ?? 0,
    hasEnded: () => exit !== undefined,
    said: () => text,
    exitCode: () => exit?.exitCode,
    go: () => writeFileSync(join(hold ?? '', 'go'), ''),
    ended: () => ended,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** True when it has ended; a kill of a moment ago is waited for. */
export async function endedBy({ ended, hasEnded }: StartedProgram, kind: FaultKind | undefined): Promise<boolean> {
  if (kind === 'KILL') await Promise.race([ended(), delay(KILLED_MS)]);
  return hasEnded();
}
