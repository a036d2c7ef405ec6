// Says once that a certificate ends soon, and once that it does not any more. Law: whatever happens to all of them at once fills no log.
import { createBell } from './bell.ts';
import type { Log } from './certificate-orders.ts';
import type { Ending } from './certificates-status.ts';

/** How often it looks. */
const ALARM_MS = 60_000;
/** Of one look; the rest is a number. */
const LINES_MAX = 20;

export interface Alarm {
  /** Looks once. */
  look(): void;
  /** Looks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createAlarm({ endings, log }: { endings(): readonly Ending[]; log: Log }): Alarm {
  let told = new Set<string>();

  function look(): void {
    const now = endings();
    const names = new Set(now.map(({ hostname }) => hostname));
    const fresh = now.filter(({ hostname }) => !told.has(hostname));
    const over = [...told].filter((name) => !names.has(name));
    told = names;
    for (const { hostname, notAfter, reason } of fresh.slice(0, LINES_MAX)) {
      const fields = { hostname, notAfter: new Date(notAfter).toISOString(), reason };
      log.warn(fields, 'a certificate ends soon and was not replaced yet');
    }
    if (fresh.length > LINES_MAX) log.warn({ count: fresh.length - LINES_MAX }, 'more certificates end soon');
    for (const hostname of over.slice(0, LINES_MAX))
      log.info({ hostname }, 'this certificate does not end soon any more');
    if (over.length > LINES_MAX)
      log.info({ count: over.length - LINES_MAX }, 'more certificates do not end soon any more');
  }

  return {
    look,
    async run(signal) {
      const bell = createBell();
      while (!signal.aborted) {
        look();
        await bell.wait(ALARM_MS, signal);
      }
    },
  };
}
