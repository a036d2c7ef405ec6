// Steps through every write of one program: counts them in rounds where nothing fails, then makes each fail once for every kind.
import { join } from 'node:path';
import type { Random } from '../../../lab/random.ts';
import { canHappen, FAULT_KINDS, type FaultKind } from './fault-kinds.ts';
import type { FaultProgram, OpenProgram } from './fault-program.ts';
import { type Injection, type Tracing, trace } from './strace.ts';
import { shapeOf, type TracedCall, tracedCalls } from './traced-calls.ts';

export interface SweepOptions {
  /** Every so many points; 1: all of them. */
  every: number;
  kinds: readonly FaultKind[];
  random: Random;
  /** For what strace writes. */
  scratch: string;
  /** True for what held in an earlier run; the second says that it held in this one. */
  isDone(key: string): boolean;
  done(key: string): void;
  say(line: string): void;
  signal: AbortSignal;
}

export interface Swept {
  /** Points by kind at which something went wrong and all held. */
  held: Map<FaultKind, number>;
  /** In the earlier runs that this one goes on with; a point that was missed in them is tried again. */
  heldBefore: number;
  /** The order of calls was another each time: another point was hit, or none. */
  missed: number;
  failures: string[];
}

interface Point extends Injection {
  thread: string;
  path: string;
}

/** The order of calls may differ from run to run by a few. */
const NEIGHBOURS: readonly number[] = [0, -1, 1, 0, -2, 2, 0];
const FAILURES_MAX = 10;
const TELL_EVERY = 50;

export async function sweepProgram(program: FaultProgram, options: SweepOptions): Promise<Swept> {
  const swept: Swept = { held: new Map(), heldBefore: 0, missed: 0, failures: [] };
  let open = await program.open();
  try {
    const points = await pointsOf(program, open, options);
    options.say(`${program.name}: ${points.length} faults`);
    for (const [index, point] of points.entries()) {
      options.signal.throwIfAborted();
      if (index % TELL_EVERY === TELL_EVERY - 1) options.say(`${program.name}: ${index + 1} of ${points.length}`);
      if (options.isDone(keyOf(program, point))) {
        swept.heldBefore += 1;
        continue;
      }
      try {
        const hit = await strike(open, point, options);
        if (hit === undefined) {
          swept.missed += 1;
          options.say(`missed ${keyOf(program, point)} at ${shapeOf(point.path)}`);
          continue;
        }
        swept.held.set(point.kind, (swept.held.get(point.kind) ?? 0) + 1);
        options.done(keyOf(program, point));
      } catch (error) {
        options.signal.throwIfAborted();
        if (error instanceof Strayed) {
          swept.missed += 1;
          await open.close();
          open = await program.open();
          await count(program, open, options);
          continue;
        }
        const failure = `${keyOf(program, point)} at ${shapeOf(point.path)}: ${(error as Error).message}`;
        swept.failures.push(failure);
        options.say(`FAILED ${failure}`);
        if (swept.failures.length >= FAILURES_MAX) break;
        await open.close();
        open = await program.open();
        await count(program, open, options);
      }
    }
    // What faults left behind for good is seen now.
    await count(program, open, options).catch((error: Error) => {
      swept.failures.push(`${program.name} after all of them: ${error.message}`);
      options.say(`FAILED ${swept.failures.at(-1)}`);
    });
  } finally {
    await open.close();
  }
  return swept;
}

function keyOf({ name }: FaultProgram, { thread, kind, call, nth }: Point): string {
  return `${name} ${kind} ${thread} ${call} ${nth}`;
}

/** Every point of every thread with the kinds that can happen there, as many as are asked for. */
async function pointsOf(program: FaultProgram, open: OpenProgram, options: SweepOptions): Promise<Point[]> {
  const { every, kinds, random } = options;
  // What is done for the first time only is not done again.
  await count(program, open, options);
  const counted = await count(program, open, options);
  let turn = random.between(0, FAULT_KINDS.length - 1);
  const points = counted.flatMap(({ thread, call }): Point[] => {
    const possible = kinds.filter((kind) => canHappen(kind, call.name));
    const errors = possible.filter((kind) => kind !== 'KILL');
    turn += 1;
    const chosen = errors[turn % Math.max(1, errors.length)];
    const taken = program.kinds === 'each' ? possible : possible.filter((kind) => kind === 'KILL' || kind === chosen);
    return taken.map((kind) => ({ kind, thread, call: call.name, nth: call.nth, path: call.path ?? '' }));
  });
  if (every === 1) return points;
  const first = random.between(0, every - 1);
  return points.filter((_, index) => index % every === first);
}

async function count({ threads }: FaultProgram, open: OpenProgram, options: SweepOptions) {
  const found: { thread: string; call: TracedCall }[] = [];
  for (const thread of threads) {
    const calls = await roundOf(open, thread, undefined, options);
    found.push(...calls.filter(({ path }) => path !== undefined).map((call) => ({ thread, call })));
  }
  return found;
}

/** Answers the call that went wrong; undefined when it was not one of ours. */
async function strike(open: OpenProgram, point: Point, options: SweepOptions): Promise<TracedCall | undefined> {
  for (const step of NEIGHBOURS) {
    const injection = { kind: point.kind, call: point.call, nth: Math.max(1, point.nth + step) };
    const calls = await roundOf(open, point.thread, injection, options);
    const hit = calls.find(({ injected, path }) => injected && path !== undefined);
    if (hit) return hit;
  }
  return undefined;
}

async function roundOf(
  open: OpenProgram,
  thread: string,
  injection: Injection | undefined,
  { scratch }: SweepOptions,
): Promise<TracedCall[]> {
  let tracing: Tracing | undefined;
  const calls = async () => tracedCalls((await tracing?.lines()) ?? [], open.folder);
  const round = open.round(async (pid) => {
    const logFile = join(scratch, 'calls');
    tracing = await (open.trace?.(thread, injection) ?? trace(pid, thread, { logFile, injection }));
    return tracing;
  }, injection?.kind);
  await round.catch(async (error: unknown) => {
    const strayed = (await calls()).some(({ injected, path }) => injected && path === undefined);
    throw strayed ? new Strayed('what went wrong was no write', { cause: error }) : error;
  });
  return calls();
}

/** The order of calls was another one, and what was struck is no file: nothing can be said of what came of it. */
class Strayed extends Error {}
