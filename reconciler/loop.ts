// When the reconciler runs: a webhook, an announcement or the timer only sets "dirty"; one run at a time, the latest head wins.
// Polling always runs, so a lost webhook costs time and nothing else.
import { type AccessMap, accessOf } from './core/access.ts';
import type { PublishedNode } from './ports/store.ts';
import { renew } from './publish.ts';
import { type Outcome, type Reconciler, reconcile, restore } from './reconcile.ts';
import type { Standing } from './standing.ts';

/** Polling is spread by ± 10 %, so that a fleet of reconcilers does not meet at the git server. */
const POLL_SPREAD = 0.1;
const RETRY_MS_MIN = 500;

/** What the rest of the process is told after every run. */
export interface LoopReport {
  standing: Standing;
  access: AccessMap;
  changed: PublishedNode[];
  removed: string[];
}

export interface LoopDeps extends Reconciler {
  pollMs: number;
  /** Called when what is served may have changed. */
  serve(report: LoopReport): void;
  succeeded(outcome: Outcome): void;
  failed(error: unknown): void;
}

export interface Loop {
  /** Asks for a run soon; many calls are one run. `push`: the repository may have a newer commit. */
  dirty(reason: 'push' | 'announcement'): void;
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createLoop(deps: LoopDeps): Loop {
  let wake: (() => void) | undefined;
  let isDirty = true;
  let fetchDue = true;

  const dirty = (reason: 'push' | 'announcement') => {
    isDirty = true;
    fetchDue ||= reason === 'push';
    wake?.();
  };
  const wait = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (isDirty || signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      wake = done;
    });

  const run = async (signal: AbortSignal) => {
    let standing = await restore(deps);
    serve(deps, standing, [...standing.nodes.keys()], []);
    let failures = 0;
    while (!signal.aborted) {
      // Woken by the timer, nothing is dirty: then polling is what is due.
      const fetch = fetchDue || !isDirty;
      [isDirty, fetchDue] = [false, false];
      try {
        const outcome = await reconcile(standing, deps, fetch);
        standing = outcome.standing;
        serve(deps, standing, outcome.changed, outcome.removed);
        deps.succeeded(outcome);
        failures = 0;
      } catch (error) {
        failures += 1;
        fetchDue ||= fetch;
        deps.failed(error);
        if ((error as { code?: string }).code === 'publish_conflict') standing = await restore(deps);
      }
      standing = await renewed(standing, deps);
      await wait(failures > 0 ? retryMs(failures, deps.pollMs) : spread(deps.pollMs), signal);
    }
  };
  return { dirty, run };
}

/** Keeps timestamps alive whatever happens to git. */
async function renewed(standing: Standing, deps: LoopDeps): Promise<Standing> {
  const { compiled, head } = standing;
  if (!head) return standing;
  try {
    const result = await renew({ ...standing, compiled, head }, deps.store, deps.signing, deps.now());
    if (result === undefined || result === 'conflict') return standing;
    const next = { ...standing, head: result.head, nodes: result.nodes };
    serve(deps, next, result.changed, []);
    return next;
  } catch (error) {
    deps.failed(error);
    return standing;
  }
}

function serve(deps: LoopDeps, standing: Standing, changed: readonly string[], removed: string[]): void {
  const nodes = changed.flatMap((name) => standing.nodes.get(name) ?? []);
  deps.serve({ standing, access: accessOf(standing.live), changed: nodes, removed });
}

function spread(ms: number): number {
  return ms * (1 + POLL_SPREAD * (2 * Math.random() - 1));
}

function retryMs(failures: number, pollMs: number): number {
  return Math.min(pollMs, RETRY_MS_MIN * 2 ** Math.min(failures, 10));
}
