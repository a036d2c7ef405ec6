// The certificate that visitors of each hostname are shown, compared with the one held here. Laws: only this edge's own listener is asked, one
// handshake at a time; what was stored is looked at soon, all in turn slowly; it changes nothing, it is said.
import { createBell } from './bell.ts';
import type { EdgeView, Log } from './certificate-orders.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { certificatesCovering } from './core/certificate-choice.ts';
import {
  type Judged,
  judgeShown,
  type Look,
  lookAgain,
  lookSoon,
  type Shown,
  turnStepMs,
} from './core/served-check.ts';
import { createNews } from './news.ts';

/** Differences that are remembered. */
export const DIFFERENCES_MAX = 200;
/** Of the hostnames of one wildcard: they all come from the same file. */
const LOOKS_PER_WILDCARD = 8;
/** Stands for the one label of a wildcard. */
const WILDCARD_LABEL = 'kokoa-probe';
const IDLE_MS = 60_000;

export interface ServedDependencies {
  view(): EdgeView | undefined;
  shelf: Pick<CertificateShelf, 'get' | 'isServed'>;
  /** What this edge shows for a server name. Bounded; never throws. Absent: nobody can look. */
  shown?(servername: string): Promise<Shown>;
  log: Log;
  /** ms since the epoch. */
  now(): number;
  /** ms of a clock that never goes back. */
  monotonicMs(): number;
}

export interface ServedCheck {
  /** The certificate of this name was stored. */
  stored(name: string): void;
  /** Hostname → how what is served differs from what is held. */
  differences(): ReadonlyMap<string, string>;
  /** Grows with every change of `differences`. */
  revision(): number;
  /** Looks until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

export function createServedCheck({ view, shelf, shown, log, now, monotonicMs }: ServedDependencies): ServedCheck {
  const bell = createBell();
  const news = createNews(log, monotonicMs);
  const found = new Map<string, string>();
  let looks: readonly Look[] = [];
  let turn: Iterator<string> | undefined;
  let turnDueMs = 0;
  let revision = 0;

  function expectedFor(hostname: string): string | undefined {
    const name = view()?.servedBy.get(hostname);
    if (name === undefined) return undefined;
    const serving = certificatesCovering(hostname, name).find((one) => shelf.isServed(one, now()));
    return serving === undefined ? undefined : shelf.get(serving)?.fingerprint256;
  }

  /** The next that is due: what is looked at soon, or else whose turn it is. */
  function next(nowMs: number): Look | undefined {
    const soon = looks.find(({ dueMs }) => dueMs <= nowMs);
    if (soon) {
      looks = looks.filter((look) => look !== soon);
      return soon;
    }
    const { servedBy } = view() ?? {};
    if (!servedBy || servedBy.size === 0 || nowMs < turnDueMs) return undefined;
    turnDueMs = nowMs + turnStepMs(servedBy.size);
    let step = turn?.next();
    if (!step || step.done) {
      turn = servedBy.keys();
      step = turn.next();
    }
    const hostname = step.value as string;
    // One that is to be looked at again has its own time.
    return looks.some((look) => look.hostname === hostname) ? undefined : { hostname, dueMs: nowMs, differences: 0 };
  }

  async function look(one: Look): Promise<void> {
    const { hostname } = one;
    if (expectedFor(hostname) === undefined) return note(hostname, {});
    const servername = hostname.startsWith('*.') ? `${WILDCARD_LABEL}${hostname.slice(1)}` : hostname;
    const seen = await shown!(servername);
    // Compared with what is held after the answer: it may have been stored while it came.
    note(hostname, judgeShown(one, seen, expectedFor(hostname), monotonicMs()));
  }

  function note(hostname: string, { again, difference }: Judged): void {
    if (again) looks = lookAgain(looks, again);
    if (difference === undefined && again) return;
    if (difference === found.get(hostname)) return;
    revision += 1;
    if (difference === undefined) {
      found.delete(hostname);
      news.over(hostname, 'the certificate that is held is served again');
    } else if (found.size < DIFFERENCES_MAX || found.has(hostname)) {
      found.set(hostname, difference);
      news.trouble(
        hostname,
        difference,
        { hostname, difference },
        'the certificate that is served is not the one held',
      );
    }
  }

  function forgetStrangers(): void {
    for (const hostname of found.keys()) if (!view()?.servedBy.has(hostname)) note(hostname, {});
  }

  return {
    stored(name) {
      const { servedBy } = view() ?? {};
      const nowMs = monotonicMs();
      const some = servedBy?.get(name) === name ? [name] : hostnamesOf(name, servedBy ?? new Map());
      for (const hostname of some) looks = lookSoon(looks, hostname, nowMs);
      bell.ring();
    },
    differences: () => found,
    revision: () => revision,
    async run(signal) {
      while (!signal.aborted && shown) {
        forgetStrangers();
        const one = next(monotonicMs());
        if (one) await look(one);
        else await bell.wait(Math.max(1, waitMs()), signal);
      }
    },
  };

  function waitMs(): number {
    const turnMs = (view()?.servedBy.size ?? 0) > 0 ? turnDueMs : Number.POSITIVE_INFINITY;
    const dueMs = looks.reduce((least, { dueMs: at }) => Math.min(least, at), turnMs);
    return Math.min(IDLE_MS, dueMs - monotonicMs());
  }
}

function hostnamesOf(name: string, servedBy: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [hostname, by] of servedBy) {
    if (found.length === LOOKS_PER_WILDCARD) break;
    if (by === name) found.push(hostname);
  }
  return found;
}
