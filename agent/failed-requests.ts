// The story of requests that a backend failed: the web server has tried another one already; here it is said once, and the backend is asked whether
// it is well. Law: nobody is called down for it, because visitors can make a request fail.
import { nameOf, type Target } from './core/alternatives.ts';
import { failedRequests } from './core/failed-requests.ts';
import { pause } from './follow.ts';
import { createNews, type Log } from './news.ts';
import type { FailureLog } from './ports/failure-log.ts';
import type { FailingBackend } from './ports/standing-store.ts';

export interface FailedRequestsParts {
  read: FailureLog['read'];
  /** Whoever else is in the log was invented by a visitor or an origin. */
  isBackend(backend: Target): boolean;
  /** Called with those that failed a request since the last look. */
  told(backends: readonly Target[]): void;
  log: Log;
  /** ms since the epoch. */
  now(): number;
  lookMs?: number;
  /** Without a failure for so long, it is over. */
  quietMs?: number;
}

export interface FailedRequests {
  /** Looks until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Those that failed a request within the last minute, in the order in which they began. */
  failing(): FailingBackend[];
}

interface Failing extends FailingBackend {
  /** ms of performance.now(). */
  lastMs: number;
  requests: number;
}

const LOOK_MS = 1_000;
const QUIET_MS = 60_000;
/** More at a time say nothing of their own. */
const FAILING_MAX = 1_000;

export function createFailedRequests(parts: FailedRequestsParts): FailedRequests {
  const { read, isBackend, told, log, now, lookMs = LOOK_MS, quietMs = QUIET_MS } = parts;
  const news = createNews(log);
  const found = new Map<string, Failing>();

  function note(backend: Target, atMs: number): void {
    const name = nameOf(backend);
    const known = found.get(name);
    if (known) Object.assign(known, { lastMs: atMs, requests: known.requests + 1 });
    else if (found.size < FAILING_MAX) {
      const since = new Date(now()).toISOString();
      found.set(name, { backend: name, since, lastMs: atMs, requests: 1 });
      news.trouble(name, 'failing', { backend: name }, 'a backend fails requests');
    }
  }

  function forget(atMs: number): void {
    for (const [name, { lastMs, backend, requests }] of found) {
      if (atMs - lastMs < quietMs) continue;
      found.delete(name);
      news.over(name, 'a backend fails no requests any more', { backend, requests });
    }
  }

  return {
    failing: () => [...found.values()].map(({ backend, since }) => ({ backend, since })),
    async run(signal) {
      while (!signal.aborted) {
        const failed = failedRequests(await read()).filter(isBackend);
        for (const backend of failed) note(backend, performance.now());
        forget(performance.now());
        if (failed.length > 0) told([...new Map(failed.map((backend) => [nameOf(backend), backend])).values()]);
        await pause(lookMs, signal);
      }
    },
  };
}
