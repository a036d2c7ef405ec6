// What should stand on the forge, said and forgotten. Law: nobody waits for the forge. Of one thing only the newest text waits, what was put
// last is not put again, and a failure is tried again after pauses that grow, however long the forge is away.
import { sha256Hex } from '../../bundle/canonical.ts';
import type { Log } from '../adapters/log.ts';
import {
  type Check,
  type CommitStatus,
  type Deployment,
  type Forge,
  ForgeError,
  type Put,
  type StickyComment,
} from '../ports/forge.ts';

export interface Sayings {
  /** `meaning`: what it says without what nobody needs to be told again; the same meaning is not put twice. */
  comment(comment: StickyComment, meaning?: string): void;
  check(check: Check, meaning?: string): void;
  status(status: CommitStatus): void;
  deployment(deployment: Deployment): void;
}

export interface SayingsWorker extends Sayings {
  /** How many things wait to be put. */
  readonly waiting: number;
  /** Resolves when nothing waits. */
  idle(): Promise<void>;
  /** Nothing is put any more. */
  close(): void;
}

export interface SayingsDeps {
  forge: Pick<Forge, 'putComment' | 'putCheck' | 'putCommitStatus' | 'putDeployment'>;
  log: Pick<Log, 'debug' | 'warn' | 'info'>;
  /** What became of one attempt. */
  counted(kind: Kind, result: Put | 'failed' | 'dropped'): void;
  /** First pause after a failure, ms. */
  pauseMsMin?: number;
}

type Kind = 'check' | 'comment' | 'status' | 'deployment';

/** What people wait for comes first. */
const RANK: Readonly<Record<Kind, number>> = { check: 0, comment: 1, status: 2, deployment: 3 };
/** More than a pull request of a large fleet brings; beyond it the least important ones that wait longest are dropped. */
const WAITING_MAX = 2000;
const REMEMBERED_MAX = 10_000;
const PAUSE_MS_MIN = 1000;
const PAUSE_MS_MAX = 5 * 60_000;
const LIMIT_MS_MAX = 60 * 60_000;
/** What the forge refuses for its own sake (a pull request that is gone) is given up after this many times. */
const REFUSALS_MAX = 3;
const REFUSED: readonly string[] = ['forge_not_found', 'forge_invalid', 'forge_conflict'];

interface Saying {
  kind: Kind;
  key: string;
  digest: string;
  /** Times that the forge did not take it, and those of them for its own sake. */
  misses: number;
  refusals: number;
  put(): Promise<Put>;
}

export function createSayings(deps: SayingsDeps): SayingsWorker {
  const { forge, log, counted, pauseMsMin = PAUSE_MS_MIN } = deps;
  const wanted = new Map<string, Saying>();
  const said = new Map<string, string>();
  const resting = new Set<() => void>();
  let failures = 0;
  let working = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let isPauseOfOne = false;

  function say(kind: Kind, name: readonly (string | number)[], meaning: unknown, put: () => Promise<Put>): void {
    if (closed) return;
    const key = JSON.stringify([kind, ...name]);
    const digest = sha256Hex(JSON.stringify(meaning));
    const waiting = wanted.get(key);
    if (waiting?.digest === digest) return;
    // What was said last may be on its way to be replaced: only when nothing waits it is what stands there.
    if (waiting === undefined && said.get(key) === digest) return;
    wanted.set(key, { kind, key, digest, misses: waiting?.misses ?? 0, refusals: 0, put });
    if (wanted.size > WAITING_MAX) drop();
    if (isPauseOfOne) endPause();
    if (timer === undefined) void work();
  }

  function drop(): void {
    const least = pick((a, b) => RANK[b.kind] - RANK[a.kind]);
    if (least === undefined) return;
    wanted.delete(least.key);
    counted(least.kind, 'dropped');
  }

  /** The first one in this order; among equals the one that waits longest. */
  function pick(order: (a: Saying, b: Saying) => number): Saying | undefined {
    let first: Saying | undefined;
    for (const saying of wanted.values()) if (first === undefined || order(saying, first) < 0) first = saying;
    return first;
  }

  async function work(): Promise<void> {
    if (working) return;
    working = true;
    while (!closed && timer === undefined) {
      // What the forge does not take, for whatever reason, does not stand before what it may take.
      const saying = pick((a, b) => a.misses - b.misses || RANK[a.kind] - RANK[b.kind]);
      if (saying === undefined) break;
      await attempt(saying);
    }
    working = false;
    if (wanted.size > 0 && !closed) return;
    for (const resolve of resting) resolve();
    resting.clear();
  }

  async function attempt(saying: Saying): Promise<void> {
    const { kind, key, digest } = saying;
    try {
      const result = await saying.put();
      counted(kind, result);
      if (failures > 0) log.info({}, 'the forge takes what is said again');
      failures = 0;
      remember(key, digest);
      // A newer text may have come while this one was put.
      if (wanted.get(key) === saying) wanted.delete(key);
    } catch (error) {
      if (!closed) refused(saying, error);
    }
  }

  function refused(saying: Saying, error: unknown): void {
    const { kind, key } = saying;
    const { code, message, waitMs } = asForgeError(error);
    counted(kind, 'failed');
    said.delete(key);
    saying.misses += 1;
    if (REFUSED.includes(code)) {
      refusedForItself(saying, code, message);
      return;
    }
    failures += 1;
    const isOfOne = code === 'forge_forbidden';
    const untold = growing(isOfOne ? saying.misses : failures);
    const ms = waitMs === undefined ? untold : Math.min(Math.max(waitMs, pauseMsMin), LIMIT_MS_MAX);
    if (failures === 1)
      log.warn({ code, reason: message, waiting: wanted.size }, 'the forge is away; edges do not wait for it');
    pause(ms, isOfOne);
  }

  function refusedForItself(saying: Saying, code: string, message: string): void {
    const { kind, key } = saying;
    saying.refusals += 1;
    if (saying.refusals < REFUSALS_MAX) {
      pause(pauseMsMin, false);
      return;
    }
    // A newer text that came meanwhile has its own tries.
    if (wanted.get(key) === saying) wanted.delete(key);
    counted(kind, 'dropped');
    log.warn({ kind, code, reason: message }, 'the forge refuses what is said; it is left unsaid');
  }

  function growing(count: number): number {
    return Math.min(PAUSE_MS_MAX, pauseMsMin * 2 ** Math.min(count - 1, 20));
  }

  /** `isOfOne`: the forge takes other things, so the next one need not wait. */
  function pause(ms: number, isOfOne: boolean): void {
    isPauseOfOne = isOfOne;
    timer = setTimeout(() => {
      endPause();
      void work();
    }, ms);
    timer.unref();
  }

  function endPause(): void {
    clearTimeout(timer);
    timer = undefined;
    isPauseOfOne = false;
  }

  function remember(key: string, digest: string): void {
    said.delete(key);
    said.set(key, digest);
    if (said.size > REMEMBERED_MAX) said.delete(said.keys().next().value!);
  }

  return {
    comment: (it, meaning) => say('comment', [it.pullRequest, it.key], meaning ?? it, () => forge.putComment(it)),
    check: (it, meaning) => say('check', [it.commit, it.name], meaning ?? it, () => forge.putCheck(it)),
    status: (it) => say('status', [it.commit, it.name], it, () => forge.putCommitStatus(it)),
    deployment: (it) => say('deployment', [it.commit, it.environment], it, () => forge.putDeployment(it)),
    get waiting() {
      return wanted.size;
    },
    idle: () =>
      new Promise<void>((resolve) => {
        if (wanted.size === 0 && !working) resolve();
        else resting.add(resolve);
      }),
    close() {
      closed = true;
      clearTimeout(timer);
      wanted.clear();
      for (const resolve of resting) resolve();
      resting.clear();
    },
  };
}

function asForgeError(error: unknown): { code: string; message: string; waitMs: number | undefined } {
  if (error instanceof ForgeError) return error;
  // The port throws nothing else; a mistake of ours must not end the worker.
  return { code: 'unexpected', message: String(error).slice(0, 200), waitMs: undefined };
}
