// Takes certificates off the disk that nothing has needed for a week, keys and all. Laws: nothing goes while the configuration is not known, and
// each removal is one log line that says what it was.
import { createBell } from './bell.ts';
import type { EdgeView, Log } from './certificate-orders.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { planPruning, wantedNames } from './core/pruning.ts';
import { createNews } from './news.ts';
import type { UnwantedStore } from './ports/unwanted-store.ts';

/** How often it looks, and what a restart may cost of the week. */
export const PRUNING_MS = 3_600_000;
const REASON_CHARACTERS_MAX = 300;

export interface PruningDependencies {
  view(): EdgeView | undefined;
  shelf: Pick<CertificateShelf, 'all' | 'get' | 'broken' | 'isServed' | 'remove'>;
  unwanted: UnwantedStore;
  log: Log;
  /** ms since the epoch. */
  now(): number;
  /** ms of a clock that never goes back and that nobody sets. */
  monotonicMs(): number;
}

export interface Pruning {
  /** Looks once. Never throws. */
  look(): Promise<void>;
  /** Looks until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

export function createPruning({ view, shelf, unwanted: store, log, now, monotonicMs }: PruningDependencies): Pruning {
  const news = createNews(log, monotonicMs);
  let unwanted: ReadonlyMap<string, number> | undefined;
  let lookedMs: number | undefined;

  async function look(): Promise<void> {
    const current = view();
    const atMs = monotonicMs();
    // A machine that slept, or a look that came late, has not run all that time.
    const passedMs = lookedMs === undefined ? 0 : Math.min(atMs - lookedMs, 2 * PRUNING_MS);
    lookedMs = atMs;
    if (!current) return;
    unwanted ??= await store.read();
    const isHeld = (name: string) => shelf.isServed(name, now());
    const wanted = wantedNames(current.certificates.keys(), current.servedBy, isHeld);
    const names = new Set([...[...shelf.all()].map(({ hostname }) => hostname), ...shelf.broken(now()).keys()]);
    const before = unwanted;
    const plan = planPruning({ names, isWanted: (name) => wanted.has(name), unwanted, passedMs });
    unwanted = plan.unwanted;
    for (const name of plan.remove) if (await remove(name)) plan.unwanted.delete(name);
    await keep(before, plan.unwanted);
  }

  /** False: it stays, and is tried again at the next look. */
  async function remove(name: string): Promise<boolean> {
    const certificate = shelf.get(name);
    try {
      if (!(await shelf.remove(name))) return false;
    } catch (error) {
      const reason = String(error).slice(0, REASON_CHARACTERS_MAX);
      news.trouble(name, reason, { hostname: name, reason }, 'a certificate that nothing needs cannot be removed');
      return false;
    }
    const { source, notAfter, fingerprint256 } = certificate ?? {};
    const fields = { hostname: name, source, notAfter: notAfter && new Date(notAfter).toISOString(), fingerprint256 };
    log.info(fields, 'removed a certificate that nothing has needed for 7 days');
    return true;
  }

  async function keep(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Promise<void> {
    if (before.size === 0 && after.size === 0) return;
    try {
      await store.write(after);
      news.over('unwanted', 'how long certificates have been unneeded is kept again');
    } catch (error) {
      const reason = String(error).slice(0, REASON_CHARACTERS_MAX);
      news.trouble('unwanted', reason, { reason }, 'how long certificates have been unneeded cannot be kept');
    }
  }

  return {
    look,
    async run(signal) {
      const bell = createBell();
      while (!signal.aborted) {
        await look();
        await bell.wait(PRUNING_MS, signal);
      }
    },
  };
}
