// What the log says of offers that are refused. Laws: one line for a transition; what was said is not said again until something is
// applied; and whoever makes an endless stream of new refusals fills no log by it.
import type { Log } from './news.ts';

/** Said as they come; after them one a minute, with the number of those that were not said. */
export const LINES_AT_ONCE_MAX = 5;
export const LINE_MS = 60_000;
const REMEMBERED_MAX = 100;

export interface RefusalLines {
  /** `key`: what makes it another refusal than the one before. `unsaid` in the line: refusals since the last line that got none. */
  refused(key: string, fields: object, message: string): void;
  /** What was offered is applied, or runs already. True: each refusal before it was said, so that its end is worth a line. */
  over(): boolean;
}

/** `now`: ms of a clock that nobody sets. */
export function createRefusalLines(log: Log, now: () => number = () => performance.now()): RefusalLines {
  const said = new Set<string>();
  let unsaid = 0;
  let wasSaid = true;
  let free = LINES_AT_ONCE_MAX;
  let countedAt = now();

  function mayTell(): boolean {
    const minutes = Math.floor((now() - countedAt) / LINE_MS);
    countedAt += minutes * LINE_MS;
    free = Math.min(LINES_AT_ONCE_MAX, free + minutes);
    if (free === 0) return false;
    free -= 1;
    return true;
  }

  return {
    refused(key, fields, message) {
      if (said.has(key)) return;
      if (!mayTell()) {
        unsaid += 1;
        wasSaid = false;
        return;
      }
      if (said.size >= REMEMBERED_MAX) said.clear();
      said.add(key);
      log.warn({ ...fields, ...(unsaid > 0 && { unsaid }) }, message);
      unsaid = 0;
    },
    over() {
      const answer = wasSaid;
      wasSaid = true;
      said.clear();
      return answer;
    },
  };
}
