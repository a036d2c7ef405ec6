// Says once that something is wrong with a certificate, and once that it is not any more. Law: whatever happens to all of them at once fills no
// log.
import { createBell } from './bell.ts';
import type { Log } from './certificate-orders.ts';

/** How often it looks. */
const ALARM_MS = 60_000;
/** Of one look; the rest is a number. */
const LINES_MAX = 20;

export interface AlarmWords {
  begun: string;
  moreBegun: string;
  over: string;
  moreOver: string;
}

export const ENDING_WORDS: AlarmWords = {
  begun: 'a certificate ends soon and was not replaced yet',
  moreBegun: 'more certificates end soon',
  over: 'this certificate does not end soon any more',
  moreOver: 'more certificates do not end soon any more',
};

export const EXPOSED_WORDS: AlarmWords = {
  begun: 'a compromised edge had the key of a certificate, which is to be ordered anew',
  moreBegun: 'more certificates are to be ordered anew',
  over: 'no compromised edge has the key of this certificate any more',
  moreOver: 'more certificates are not to be ordered anew any more',
};

export const HELD_UP_WORDS: AlarmWords = {
  begun: 'an imported certificate keeps this edge from ordering anew for its pool what a compromised edge had',
  moreBegun: 'more imported certificates keep this edge from ordering anew',
  over: 'this imported certificate keeps this edge from nothing any more',
  moreOver: 'more imported certificates keep this edge from nothing any more',
};

export interface AlarmParts {
  /** What is wrong now, and what is said of it. */
  found(): readonly ({ hostname: string } & object)[];
  words: AlarmWords;
  log: Log;
}

export interface Alarm {
  /** Looks once. */
  look(): void;
  /** Looks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createAlarm({ found, words, log }: AlarmParts): Alarm {
  let told = new Set<string>();

  function look(): void {
    const now = found();
    const names = new Set(now.map(({ hostname }) => hostname));
    const fresh = now.filter(({ hostname }) => !told.has(hostname));
    const over = [...told].filter((name) => !names.has(name));
    told = names;
    for (const fields of fresh.slice(0, LINES_MAX)) log.warn(fields, words.begun);
    if (fresh.length > LINES_MAX) log.warn({ count: fresh.length - LINES_MAX }, words.moreBegun);
    for (const hostname of over.slice(0, LINES_MAX)) log.info({ hostname }, words.over);
    if (over.length > LINES_MAX) log.info({ count: over.length - LINES_MAX }, words.moreOver);
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
