// Pushes as they are announced, and when git is asked because of them: at once, or where the last ones brought nothing, a little later for all
// of them. What git answers to a question under way decides how soon the next one is due.
import { createPushPace } from './push-pace.ts';

export interface PushAnnouncements {
  /** The repository may have a newer commit. Cheap: it only marks, or starts a timer. */
  announced(): void;
  /** Git is asked from now on, for whatever reason. */
  begins(): void;
  /** It answered, or failed. */
  ended(hadNews: boolean): void;
  close(): void;
}

/** `ask` is called when git should be asked. */
export function createPushAnnouncements(ask: () => void): PushAnnouncements {
  const pace = createPushPace();
  let timer: NodeJS.Timeout | undefined;
  /** One was announced, and git was not asked since. */
  let isWaiting = false;
  let asking: { sinceMs: number; isForPush: boolean } | undefined;

  function askNow(): void {
    // It may be late on a busy machine, and a push in front of it.
    clearTimeout(timer);
    timer = undefined;
    ask();
  }

  function announced(): void {
    isWaiting = true;
    if (asking !== undefined) return;
    const delayMs = pace.delayMs(performance.now());
    if (delayMs === 0) askNow();
    else timer ??= setTimeout(askNow, delayMs);
  }

  return {
    announced,
    begins() {
      clearTimeout(timer);
      asking = { sinceMs: performance.now(), isForPush: isWaiting };
      [timer, isWaiting] = [undefined, false];
    },
    ended(hadNews) {
      if (asking?.isForPush) pace.asked(asking.sinceMs, hadNews);
      asking = undefined;
      if (isWaiting) announced();
    },
    close: () => clearTimeout(timer),
  };
}
