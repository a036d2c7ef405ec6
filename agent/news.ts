// One log line per transition: what goes on as it was is not said again. Law: whoever makes something go to and fro, the control plane or a
// peer, fills no log by it.

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface News {
  /** Warns, unless the last word on `topic` was about the same `state`. */
  trouble(topic: string, state: string, fields: object, message: string): void;
  /** Says that the trouble with `topic` is over, if there was one. */
  over(topic: string, message: string, fields?: object): void;
}

/** Of one topic, in one window. */
export const LINES_MAX = 60;
export const WINDOW_MS = 10 * 60_000;
const TOPICS_MAX = 1_000;

/** `now`: ms of a clock that nobody sets. */
export function createNews(log: Log, now: () => number = () => performance.now()): News {
  const last = new Map<string, string>();
  const windows = new Map<string, { lines: number; endsMs: number }>();

  function mayTell(topic: string): boolean {
    const found = windows.get(topic);
    const window = found && now() < found.endsMs ? found : { lines: 0, endsMs: now() + WINDOW_MS };
    if (windows.size >= TOPICS_MAX) windows.clear();
    windows.set(topic, window);
    window.lines += 1;
    if (window.lines === LINES_MAX)
      log.warn({ topic }, 'changes all the time; nothing more is said of it for some minutes');
    return window.lines < LINES_MAX;
  }

  return {
    trouble(topic, state, fields, message) {
      if (last.get(topic) === state) return;
      last.set(topic, state);
      if (mayTell(topic)) log.warn(fields, message);
    },
    over(topic, message, fields = {}) {
      if (last.delete(topic) && mayTell(topic)) log.info(fields, message);
    },
  };
}
