// Asks many targets, each at its own pace. Law: a slow target delays no other while there are fewer slow ones than may be asked at once; a
// target is asked once at a time; what was asked before a change says nothing after it; whoever hurries shortens pauses and decides nothing.
import { setTimeout as delay } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Check, CheckResult, Pace } from './check.ts';
import { runCheck } from './run-check.ts';
import { atEveryAddress } from './several-addresses.ts';
import { firstAfterMs, nextAfterMs } from './spread.ts';
import { after, type TargetStanding, unknownSince } from './standing.ts';

/** `checks`: one or more, one for each address. */
export interface Target {
  id: string;
  checks: readonly Check[];
  pace: Pace;
}

export interface Transition {
  id: string;
  from: TargetStanding['state'];
  standing: TargetStanding;
}

export interface WatchOptions {
  /** Who asks: two that ask the same target do so at different times. */
  seed: string;
  /** Called after each transition, in their order. Must not throw. */
  told(transition: Transition): void;
  /** ms since the epoch; only for `sinceMs`. */
  now(): number;
  /** Targets that are asked at once; default 64. */
  concurrency?: number;
  /** What is known of targets from before, by id; they begin with it the first time that they are watched. */
  known?: ReadonlyMap<string, TargetStanding>;
  /** Between two times of one that is hurried; default HURRIED_MS. */
  hurriedMs?: number;
  run?: typeof runCheck;
}

export interface TargetWatch {
  /**
   * Replaces all targets. One with the same id at the same addresses keeps its standing, and its place in time unless its pace changed; any
   * other begins unknown.
   */
  watch(targets: readonly Target[]): void;
  /** By id, in the order of the targets. */
  standings(): ReadonlyMap<string, TargetStanding>;
  /**
   * These may have fallen: those that are not down are asked soon. While one fails, it is asked again after HURRIED_SHARE of its interval,
   * `hurriedMs` at least, until it is down, or HURRIED_FOR_MS are over. At most HURRIED_MAX at once, and HURRIED_AT_ADDRESS_MAX at one address, so
   * that one machine takes no other's place; the rest keep their pace.
   */
  hurry(ids: Iterable<string>): void;
  /** What was seen counts for nothing any more: every target is unknown again. Nothing is told of it. */
  forget(): void;
  /** Asks until `signal` aborts, and ends soon after. Never throws. Once. */
  run(signal: AbortSignal): Promise<void>;
}

interface Watched {
  target: Target;
  standing: TargetStanding;
  /** Ends the asking of this target as it is now. */
  end: AbortController;
  /** When it was asked last, ms of performance.now(). */
  askedMs: number;
  /** When somebody hurried it first and last, on the same clock; undefined: it has its own pace. */
  hurried?: { sinceMs: number; lastMs: number } | undefined;
  /** Ends the pause before the next time. */
  nap?: AbortController;
}

const CONCURRENCY = 64;
/** However often somebody hurries. */
const HURRIED_MS = 2_000;
/** Whoever is to be asked rarely may fail for longer. */
const HURRIED_SHARE = 0.2;
const HURRIED_FOR_MS = 30_000;
export const HURRIED_MAX = 64;
export const HURRIED_AT_ADDRESS_MAX = 8;

export function createTargetWatch(options: WatchOptions): TargetWatch {
  const { seed, told, now, hurriedMs = HURRIED_MS, run = runCheck } = options;
  const queue = new PQueue({ concurrency: options.concurrency ?? CONCURRENCY });
  const remembered = new Map(options.known);
  let watched = new Map<string, Watched>();
  let signal: AbortSignal | undefined;
  const ending = new Set<Promise<void>>();

  function begin(one: Watched): void {
    if (signal === undefined || signal.aborted) return;
    const asking = keepAsking(one);
    ending.add(asking);
    void asking.finally(() => ending.delete(asking));
  }

  async function keepAsking(one: Watched): Promise<void> {
    const { target, end } = one;
    const { id, checks, pace } = target;
    const own = `${seed}\n${id}`;
    await pause(one, performance.now() + firstAfterMs(own, pace.intervalMs));
    for (let nth = 1; !end.signal.aborted; nth += 1) {
      one.askedMs = performance.now();
      const { askedMs, standing: before } = one;
      const result = await queue.add(() =>
        end.signal.aborted ? undefined : atEveryAddress(checks, (check) => run(check, pace.timeoutMs, end.signal)),
      );
      if (end.signal.aborted || result === undefined) return;
      note(one, before, result);
      if (one.hurried && isOver(one, one.hurried)) one.hurried = undefined;
      await pause(one, askedMs + nextAfterMs(own, nth, pace.intervalMs));
    }
  }

  /** Until `dueMs` of performance.now(), or sooner while somebody hurries. */
  async function pause(one: Watched, dueMs: number): Promise<void> {
    while (!one.end.signal.aborted) {
      const hurriedDueMs = one.hurried ? one.askedMs + pauseMsOf(one) : Number.POSITIVE_INFINITY;
      const leftMs = Math.min(dueMs, hurriedDueMs) - performance.now();
      if (leftMs <= 0) return;
      one.nap = new AbortController();
      await delay(leftMs, undefined, { signal: one.nap.signal }).catch(() => undefined);
    }
  }

  /** Between two times of one that is hurried. */
  function pauseMsOf({ target: { pace } }: Watched): number {
    return Math.max(hurriedMs, pace.intervalMs * HURRIED_SHARE);
  }

  /** What was asked before somebody hurried says nothing of why he did; but nobody hurries for ever, or holds a place while he waits. */
  function isOver(one: Watched, { sinceMs, lastMs }: { sinceMs: number; lastMs: number }): boolean {
    const { askedMs, standing } = one;
    const isDecided = standing.state === 'down' || standing.failures === 0 || standing.unseen !== undefined;
    return (lastMs <= askedMs && isDecided) || askedMs - sinceMs + pauseMsOf(one) >= HURRIED_FOR_MS;
  }

  /** Whoever is down is not hurried to rise. */
  function mayHurry(one: Watched, nowMs: number): boolean {
    return one.standing.state !== 'down' && one.askedMs + pauseMsOf(one) - nowMs < HURRIED_FOR_MS;
  }

  /** `before`: as it stood when it was asked; when that was forgotten meanwhile, the result is too. */
  function note(one: Watched, before: TargetStanding, result: CheckResult): void {
    if (one.standing !== before) return;
    one.standing = after(before, result, one.target.pace, now());
    if (one.standing.state !== before.state) told({ id: one.target.id, from: before.state, standing: one.standing });
  }

  return {
    watch(targets) {
      const old = watched;
      watched = new Map();
      for (const target of targets) {
        const known = old.get(target.id);
        if (known && JSON.stringify(known.target) === JSON.stringify(target)) {
          watched.set(target.id, known);
          continue;
        }
        const fromBefore = known ? undefined : remembered.get(target.id);
        remembered.delete(target.id);
        const standing =
          known && placeOf(known.target) === placeOf(target) ? known.standing : (fromBefore ?? unknownSince(now()));
        watched.set(target.id, { target, standing, end: new AbortController(), askedMs: Number.NEGATIVE_INFINITY });
      }
      for (const [id, one] of old) if (watched.get(id) !== one) end(one);
      for (const [id, one] of watched) if (old.get(id) !== one) begin(one);
    },
    standings: () => new Map([...watched].map(([id, { standing }]) => [id, standing])),
    hurry(ids) {
      const hurried = [...watched.values()].filter((one) => one.hurried).map(({ target }) => placeOf(target));
      const lastMs = performance.now();
      for (const id of ids) {
        const one = watched.get(id);
        if (one === undefined || !mayHurry(one, lastMs)) continue;
        if (!one.hurried) {
          if (hurried.length >= HURRIED_MAX) continue;
          const place = placeOf(one.target);
          if (hurried.filter((other) => other === place).length >= HURRIED_AT_ADDRESS_MAX) continue;
          hurried.push(place);
        }
        one.hurried = { sinceMs: one.hurried?.sinceMs ?? lastMs, lastMs };
        one.nap?.abort();
      }
    },
    forget() {
      for (const one of watched.values()) one.standing = unknownSince(now());
    },
    async run(until) {
      signal = until;
      for (const one of watched.values()) begin(one);
      await aborted(until);
      for (const one of watched.values()) end(one);
      await Promise.all(ending);
    },
  };
}

/** Equal: the same addresses are asked. */
function placeOf({ checks }: Target): string {
  return checks.map(({ address }) => address).join();
}

function end({ end: asking, nap }: Watched): void {
  asking.abort();
  nap?.abort();
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
