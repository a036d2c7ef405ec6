// When the reconciler runs: a webhook, an announcement, an edge that falls silent, the end of a route or of a soak, or the timer only sets
// "dirty"; one run at a time, the latest head wins. Polling always runs, so a lost webhook costs time and nothing else.
import { DEFAULT_LIFETIMES } from '../bundle/sign.ts';
import { type AccessMap, accessOf } from './core/access.ts';
import { nextExpiry } from './core/expiry.ts';
import { layOver } from './core/local-restriction.ts';
import type { PublishedNode } from './ports/store.ts';
import { renew } from './publish.ts';
import { createPushAnnouncements } from './push-announcements.ts';
import { type Outcome, type Reconciler, reconcile } from './reconcile.ts';
import { recall, storedStanding } from './restore.ts';
import { watchRestrictions } from './restriction-watch.ts';
import { isRolloutDue, rolloutDueMs } from './roll-out.ts';
import { createSlotMemory } from './slot-memory.ts';
import { NOTHING_YET, type Standing } from './standing.ts';

/** Polling is spread by ± 10 %, so that a fleet of reconcilers does not meet at the git server. */
const POLL_SPREAD = 0.1;
const RETRY_MS_MIN = 500;
const RETRY_DOUBLINGS_MAX = 10;
/** Timestamps are re-made at half their life: looking this often in a life never misses the second half. */
const LOOKS_PER_LIFE = 4;

/** A timer may fire early, and clocks drift apart: a moment that is nearer than this is waited for that long. */
const MOMENT_MS_MIN = 20;
/** How often it is looked which edges are heard. */
const HEALTH_LOOK_MS = 5_000;
/** Node fires timers above this at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** What the rest of the process is told after every run. */
export interface LoopReport {
  standing: Standing;
  access: AccessMap;
  changed: PublishedNode[];
  removed: string[];
}

export interface LoopDeps extends Omit<Reconciler, 'restricted'> {
  pollMs: number;
  /** Called when what is served, or to whom, may have changed. */
  serve(report: LoopReport): void;
  /** A run came to its end; `outcome.unfetched` says when it had to do without git. */
  ran(outcome: Outcome, seconds: number): void;
  /** What is published stays. */
  failed(error: unknown, seconds: number): void;
}

export interface Loop {
  /**
   * Asks for a run soon; many calls are one run. `push`: the repository may have a newer commit, which is `commit` where that is known:
   * nothing is done about one that was read last.
   */
  dirty(reason: 'push' | 'announcement', commit?: string): void;
  /** A node said how it is. Cheap: a run is asked for only where settings go out and it brings them on. */
  reported(): void;
  /** Serves what the store and the mirror know, without network. To be called once, before `run`. @throws when the store fails */
  restore(): Promise<void>;
  /** Runs until `signal` aborts and the run under way has ended. */
  run(signal: AbortSignal): Promise<void>;
}

export function createLoop(deps: LoopDeps): Loop {
  let standing = NOTHING_YET;
  let isDirty = true;
  let fetchDue = true;
  let failures = 0;
  /** Of renewals, one after the other: a run that succeeds in between makes them no better. */
  let unrenewed = 0;
  /** Why git could not be asked the last time it was. */
  let unfetched: unknown;
  let isRestricting = false;
  let wake: (() => void) | undefined;
  let pollAtMs = 0;
  const pushes = createPushAnnouncements(() => {
    [isDirty, fetchDue] = [true, true];
    wake?.();
  });
  const saveSlots = createSlotMemory(deps.store);
  const lookMs = (deps.signing.lifetimes?.timestampMs ?? DEFAULT_LIFETIMES.timestampMs) / LOOKS_PER_LIFE;

  const serve = (changed: readonly string[], removed: string[]) => {
    const nodes = changed.flatMap((name) => standing.nodes.get(name) ?? []);
    deps.serve({ standing, access: accessOf(layOver(standing.live, standing.local)), changed: nodes, removed });
  };

  /** For whoever asks at once, and for everybody else by a run of its own that does not wait for git. */
  function takeIn(local: Standing['local']): void {
    standing = { ...standing, local };
    serve([], []);
    [isDirty, isRestricting] = [true, true];
    wake?.();
  }

  /** An edge that falls silent says nothing, so somebody has to look. */
  function listen(): void {
    if (!deps.health?.look(standing.compiled?.fleet ?? [])) return;
    isDirty = true;
    wake?.();
  }

  async function restore(): Promise<void> {
    const since = performance.now();
    const before = [...standing.nodes.keys()];
    let restored = await storedStanding(deps.store);
    try {
      restored = await recall(restored, deps);
      await saveSlots(restored.live);
    } catch (error) {
      // A mirror that cannot be read is mended by the next fetch, and recalled by the run after it.
      deps.failed(error, secondsSince(since));
    }
    standing = restored;
    // Nobody is told what keys signed that the newest root does not name.
    await renewDue();
    const removed = before.filter((name) => !standing.nodes.has(name));
    serve([...standing.nodes.keys()], removed);
  }

  /** Somebody else published: what they did is the truth now. */
  async function catchUp(): Promise<void> {
    const since = performance.now();
    await restore().catch((error) => deps.failed(error, secondsSince(since)));
  }

  async function attempt(fetch: boolean, signal: AbortSignal): Promise<void> {
    const since = performance.now();
    const { local, commit } = standing;
    if (fetch) {
      pollAtMs = performance.now() + spread(deps.pollMs);
      pushes.begins();
    }
    /** What was watched meanwhile is newer than what the run saw. */
    const watched = (next: Standing) => (standing.local === local ? next : { ...next, local: standing.local });
    const restricted = (next: Standing) => {
      standing = watched(next);
      serve([], []);
    };
    try {
      const outcome = await reconcile(standing, { ...deps, restricted }, fetch);
      standing = watched(outcome.standing);
      serve(outcome.changed, outcome.removed);
      // Where git was not asked although it should have been, nothing is known to be better.
      if (fetch || !fetchDue) unfetched = outcome.unfetched;
      deps.ran({ ...outcome, standing, unfetched }, secondsSince(since));
      if (unfetched === undefined) failures = 0;
      else if (fetch) failures += 1;
      isDirty ||= !outcome.sealedAll;
      await saveSlots(standing.live);
    } catch (error) {
      // Stopped while it ran: git and store were taken away.
      if (signal.aborted) return;
      failures += 1;
      deps.failed(error, secondsSince(since));
      if ((error as { code?: string }).code === 'publish_conflict') await catchUp();
      // Who is let in may be another already; what cannot be saved now is saved by a run that comes to its end.
      await saveSlots(standing.live).catch(() => undefined);
    }
    fetchDue ||= fetch && failures > 0;
    if (fetch) pushes.ended(standing.commit !== commit);
  }

  /** Keeps timestamps alive whatever happens to git. */
  async function renewDue(): Promise<void> {
    const since = performance.now();
    const { head } = standing;
    if (!head) return;
    try {
      const renewed = await renew({ ...standing, head }, deps.store, deps.signing, deps.now());
      unrenewed = 0;
      if (renewed === undefined || renewed === 'conflict') return;
      standing = { ...standing, head: renewed.head, nodes: renewed.nodes };
      serve(renewed.changed, []);
      for (const error of renewed.failed) deps.failed(error, secondsSince(since));
    } catch (error) {
      unrenewed += 1;
      deps.failed(error, secondsSince(since));
    }
  }

  /** Until something is due by itself. Undefined: nothing is, or the last run could not do it and is tried again anyway. */
  function untilMoment(): number | undefined {
    const { compiled } = standing;
    const now = deps.now();
    const ending = compiled && nextExpiry(compiled.desired, compiled.routing.nowMs);
    const next = Math.min(ending ?? Infinity, rolloutDueMs(standing, deps.heard, now) ?? Infinity);
    const ms = next - now.getTime();
    if (next === Infinity || (ms <= 0 && failures > 0)) return undefined;
    return Math.max(ms, MOMENT_MS_MIN);
  }

  function wait(signal: AbortSignal): Promise<void> {
    const inVain = Math.max(failures, unrenewed);
    const ms = inVain > 0 ? retryMs(inVain, deps.pollMs) : pollAtMs - performance.now();
    const momentMs = untilMoment() ?? TIMER_MS_MAX;
    return new Promise<void>((resolve) => {
      if (isDirty || signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        wake = undefined;
        resolve();
      };
      const comes = () => {
        // What is due by itself needs no fetch, and works without git.
        isDirty = true;
        done();
      };
      const otherMs = Math.max(0, Math.min(ms, lookMs, TIMER_MS_MAX));
      const timer = momentMs < otherMs ? setTimeout(comes, momentMs) : setTimeout(done, otherMs);
      signal.addEventListener('abort', done);
      wake = done;
    });
  }

  return {
    dirty(reason, commit) {
      if (reason === 'push') {
        if (commit === undefined || commit !== standing.commit) pushes.announced();
        return;
      }
      isDirty = true;
      wake?.();
    },
    reported() {
      if (isDirty || !isRolloutDue(standing, deps.heard, deps.now())) return;
      isDirty = true;
      wake?.();
    },
    restore,
    async run(signal) {
      const unwatch = watchRestrictions(deps.store, { known: () => standing.local, changed: takeIn });
      const listening = setInterval(listen, HEALTH_LOOK_MS);
      while (!signal.aborted) {
        // Woken by the timer, nothing is dirty: then polling is what is due.
        const fetch = !isRestricting && (fetchDue || !isDirty || performance.now() >= pollAtMs);
        [isRestricting, isDirty, fetchDue] = [false, fetchDue && !fetch, fetchDue && !fetch];
        await attempt(fetch, signal);
        if (!signal.aborted) await renewDue();
        await wait(signal);
      }
      clearInterval(listening);
      unwatch();
      pushes.close();
    },
  };
}

function secondsSince(ms: number): number {
  return (performance.now() - ms) / 1000;
}

function spread(ms: number): number {
  return ms * (1 + POLL_SPREAD * (2 * Math.random() - 1));
}

function retryMs(failures: number, pollMs: number): number {
  return Math.min(pollMs, RETRY_MS_MIN * 2 ** Math.min(failures, RETRY_DOUBLINGS_MAX));
}
