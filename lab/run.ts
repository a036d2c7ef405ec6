// A run of the lab: one prefix, one directory, and the promise that nothing with that prefix outlives it, after success, failure,
// Ctrl-C or an exit in the middle. What even `kill -9` left is removed by the next run.
import { randomBytes } from 'node:crypto';
import { KokoaError } from '../bundle/error.ts';
import { claimRun, markKept, removeDead } from './janitor.ts';
import { sweep } from './sweep.ts';

const PREFIX_TRIES_MAX = 20;
const UNDO_TIMEOUT_MS = 5_000;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export interface RunOptions {
  /** `end()` leaves everything up; `removeKept()` of janitor.ts takes it away. */
  keep?: boolean;
}

export interface Run {
  /** `k` and four hex digits: begins every name that is unique on the machine (namespaces, WireGuard interfaces). */
  readonly prefix: string;
  /** Absolute; removed at the end. */
  readonly directory: string;
  readonly keep: boolean;
  /** A step that `end()` takes, newest first, before everything with the prefix is removed. Bounded to 5 s; may fail. */
  onEnd(name: string, step: () => Promise<void> | void): void;
  /** Takes the steps and removes everything, or marks the run as kept. Idempotent. Answers what failed, one line each. */
  end(): Promise<string[]>;
}

const active = new Set<LabRun>();

/** Starts a run, after removing what dead runs left. @throws KokoaError lab_no_prefix */
export function createRun(options: RunOptions = {}): Run {
  removeDead();
  for (let tries = 0; tries < PREFIX_TRIES_MAX; tries++) {
    const prefix = `k${randomBytes(2).toString('hex')}`;
    try {
      const run = new LabRun(prefix, claimRun(prefix), options.keep ?? false);
      if (active.size === 0) listen();
      active.add(run);
      return run;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  throw new KokoaError('lab_no_prefix', `no free run prefix found in ${PREFIX_TRIES_MAX} tries`, {
    hint: 'remove the kokoa-lab-* directories of old runs from the temporary folder',
  });
}

class LabRun implements Run {
  readonly prefix: string;
  readonly directory: string;
  readonly keep: boolean;
  private readonly steps: { name: string; step: () => Promise<void> | void }[] = [];
  private ending: Promise<string[]> | undefined;
  private removing: Promise<string[]> | undefined;

  constructor(prefix: string, directory: string, keep: boolean) {
    this.prefix = prefix;
    this.directory = directory;
    this.keep = keep;
  }

  onEnd(name: string, step: () => Promise<void> | void): void {
    this.steps.push({ name, step });
  }

  end(): Promise<string[]> {
    this.ending ??= this.keep ? this.leave() : this.remove();
    return this.ending;
  }

  /** The steps, then the sweep, whatever `keep` says. Somebody else's `end()` from now on waits for the same. */
  remove(): Promise<string[]> {
    this.removing ??= this.takeDown();
    this.ending = this.removing;
    return this.removing;
  }

  private async takeDown(): Promise<string[]> {
    const failures: string[] = [];
    for (const { name, step } of this.steps.splice(0).reverse()) {
      const failure = await bounded(step);
      if (failure !== undefined) failures.push(`${name}: ${failure}`);
    }
    return [...failures, ...this.removeNow()];
  }

  /** What can be done while the process exits: no steps, only the sweep. */
  removeNow(): string[] {
    try {
      return sweep(this.prefix, this.directory);
    } finally {
      // Only now: without the listeners a second Ctrl-C would cut the sweep short.
      forget(this);
    }
  }

  private async leave(): Promise<string[]> {
    markKept(this.prefix);
    forget(this);
    return [];
  }
}

/** Why the step failed; undefined when it did not. */
async function bounded(step: () => Promise<void> | void): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${UNDO_TIMEOUT_MS} ms`)), UNDO_TIMEOUT_MS);
  });
  try {
    await Promise.race([(async () => step())(), timeout]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

function listen(): void {
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
  process.on('exit', onExit);
}

function forget(run: LabRun): void {
  active.delete(run);
  if (active.size > 0) return;
  for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal);
  process.off('exit', onExit);
}

let signalled = false;

/** The first signal ends all runs in order; a second one exits at once, and `onExit` sweeps. */
async function onSignal(signal: keyof typeof SIGNALS): Promise<void> {
  if (signalled) process.exit(SIGNALS[signal]);
  signalled = true;
  for (const run of [...active]) {
    for (const failure of await run.remove()) console.error(`lab: ${failure}`);
  }
  process.exit(SIGNALS[signal]);
}

function onExit(): void {
  for (const run of [...active]) run.removeNow();
}
