// Asks every backend through the tunnel whether it can answer, as the applied configuration says, and tells which cannot. Laws: one that is down is
// not asked by visitors while another of its route is not; whoever rises waits a little, so that one that goes to and fro changes the web server only
// now and then; a restart forgets nothing; what is only suspected is asked sooner, and a check decides.
import type { BackendView } from '../bundle/api.ts';
import type { Chunk, EdgeConfig } from '../bundle/config.ts';
import type { runCheck } from '../checks/run-check.ts';
import { createTargetWatch, HURRIED_MAX, type Transition } from '../checks/watch-targets.ts';
import { createBell } from './bell.ts';
import { nameOf, type Target } from './core/alternatives.ts';
import { type BackendCheck, backendChecks, backendNames, WAITING_MAX } from './core/backend-checks.ts';
import { afterLook, heldDown } from './core/held-down.ts';
import { createNews, type Log } from './news.ts';
import { type DownStore, KEPT_DOWN_MAX, type KeptDown } from './ports/down-store.ts';

export interface BackendChecksParts {
  /** This node. */
  node: string;
  log: Log;
  /** ms since the epoch. */
  now(): number;
  store: Pick<DownStore, 'write'>;
  /** What an earlier run wrote. */
  kept: readonly KeptDown[];
  /** How long one that fell once is held down at least. */
  holdMsMin?: number;
  run?: typeof runCheck;
}

/** A machine in the tunnels, or one service of it. */
export type Suspect = Pick<Target, 'address'> & Partial<Target>;

export interface BackendChecks {
  /** Whom to ask from now on. Cheap where little changed. */
  configure(config: EdgeConfig, chunks: readonly Chunk[]): void;
  /** Asks until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Whether some place has this backend, asked or not. */
  knows(backend: Target): boolean;
  /** Something else than a check says that they may have fallen: those of them that have a stand-in are asked soon. */
  suspect(suspects: readonly Suspect[]): void;
  /** Names of the checks that say that nobody answers; the same object while nothing changed. */
  down(): ReadonlySet<string>;
  /** All that are decided, those that are down first. */
  views(): BackendView[];
  /** Differs when the views do. */
  revision(): number;
}

const IDLE_MS = 60_000;
/** Through dead tunnels each takes as long as it may. */
const AT_ONCE = 2 * WAITING_MAX + HURRIED_MAX;

export function createBackendChecks(parts: BackendChecksParts): BackendChecks {
  const { node, log, now, store, kept, holdMsMin, run: runOne } = parts;
  const bell = createBell();
  const news = createNews(log);
  let checks: readonly BackendCheck[] = [];
  let known = new Map<string, BackendCheck>();
  let endpoints: ReadonlySet<string> = new Set();
  let held = heldDown(kept.map(({ id }) => id));
  let stored = JSON.stringify(kept);
  let revision = 0;
  const watch = createTargetWatch({
    ...{ seed: node, now, told, concurrency: AT_ONCE, ...(runOne && { run: runOne }) },
    known: new Map(
      kept.map(({ id, sinceMs, reason }) => [id, { state: 'down', sinceMs, reason, successes: 0, failures: 1 }]),
    ),
  });

  function told({ id, standing: { state, reason } }: Transition): void {
    revision += 1;
    bell.ring();
    const check = known.get(id);
    if (!check) return;
    const { address, port, ...asked } = check.view;
    const fields = { backend: nameOf({ address, port }), ...asked };
    if (state === 'down') news.trouble(id, state, { ...fields, reason }, 'a backend does not answer');
    else news.over(id, 'a backend answers again', fields);
  }

  /** Those that are down now, as they are to be kept. */
  function downNow(): KeptDown[] {
    return [...watch.standings()].flatMap(([id, { state, sinceMs, reason = 'unknown' }]) =>
      state === 'down' ? { id, sinceMs, reason } : [],
    );
  }

  /** Answers when something may change by itself. */
  function settle(): number {
    const now = new Set(downNow().map(({ id }) => id));
    const next = afterLook(held, now, (id) => known.has(id), performance.now(), holdMsMin);
    if (next.held !== held) revision += 1;
    held = next.held;
    return Math.min(IDLE_MS, next.waitMs);
  }

  async function keep(): Promise<void> {
    const list = downNow().slice(0, KEPT_DOWN_MAX);
    const text = JSON.stringify(list);
    if (text === stored) return;
    try {
      await store.write(list);
      stored = text;
      news.over('kept', 'backends that are down are kept again');
    } catch (error) {
      const fields = { reason: (error as Error).message };
      news.trouble('kept', 'unwritable', fields, 'backends that are down cannot be kept for a restart');
    }
  }

  async function keepSettling(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = settle();
      await keep();
      await bell.wait(waitMs, signal);
    }
  }

  return {
    configure({ edge }, chunks) {
      checks = backendChecks(chunks, edge.streams);
      known = new Map(checks.map((check) => [check.id, check]));
      endpoints = backendNames(chunks, edge.streams);
      watch.watch(checks.map(({ id, check, pace }) => ({ id, checks: [check], pace })));
      revision += 1;
      bell.ring();
    },
    async run(signal) {
      await Promise.all([watch.run(signal), keepSettling(signal)]);
    },
    knows: (backend) => endpoints.has(nameOf(backend)),
    suspect(suspects) {
      const named = new Set(
        suspects.map(({ address, port }) => (port === undefined ? address : nameOf({ address, port }))),
      );
      const isMeant = ({ address, port }: BackendCheck['view']) =>
        named.has(address) || named.has(nameOf({ address, port }));
      watch.hurry(checks.flatMap(({ id, severally, view }) => (severally && isMeant(view) ? id : [])));
    },
    down: () => held.down,
    views() {
      const standings = watch.standings();
      const views = checks.flatMap(({ id, view, severally }) => {
        const { state, sinceMs, reason } = standings.get(id)!;
        if (state === 'unknown') return [];
        const since = new Date(sinceMs).toISOString();
        const withdrawn = severally && held.down.has(id) && { withdrawn: true as const };
        return { ...view, up: state === 'up', since, ...(reason !== undefined && { reason }), ...withdrawn };
      });
      return [...views.filter(({ up }) => !up), ...views.filter(({ up }) => up)];
    },
    revision: () => revision,
  };
}
