// One log line per transition: what goes on as it was is not said again.

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface News {
  /** Warns, unless the last word on `topic` was about the same `state`. */
  trouble(topic: string, state: string, fields: object, message: string): void;
  /** Says that the trouble with `topic` is over, if there was one. */
  over(topic: string, message: string): void;
}

export function createNews(log: Log): News {
  const last = new Map<string, string>();
  return {
    trouble(topic, state, fields, message) {
      if (last.get(topic) === state) return;
      last.set(topic, state);
      log.warn(fields, message);
    },
    over(topic, message) {
      if (last.delete(topic)) log.info({}, message);
    },
  };
}
