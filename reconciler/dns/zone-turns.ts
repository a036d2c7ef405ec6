// Names of a zone that are to be settled, and when each has its turn. Law: a name has one turn, and the newest wish for it counts; one that was in
// vain waits twice as long each time, up to a bound.

export const RETRY_MS_MIN = 500;
const DOUBLED_MAX = 12;

export interface Turn {
  /** ms of performance.now(). */
  atMs: number;
  /** In vain, in a row. */
  tries: number;
}

const NOW: Turn = { atMs: 0, tries: 0 };

export interface ZoneTurns {
  readonly size: number;
  names(): Iterable<string>;
  /** It is its turn now; `onlyNew`: unless it has one already. */
  add(name: string, onlyNew?: 'only new'): void;
  /** After `tries` in vain. Nothing where somebody wished for something else meanwhile. */
  again(name: string, tries: number): void;
  /** As many as `max` of those whose turn it is; they have none any more. */
  take(max: number): Map<string, Turn>;
  /** What was taken and not done. */
  giveBack(turns: ReadonlyMap<string, Turn>): void;
  /** When the next one has its turn; infinite: none is there. */
  nextMs(): number;
}

/** How long to wait after so many failures in a row. */
export function retryMs(failures: number, msMax: number): number {
  return Math.min(msMax, RETRY_MS_MIN * 2 ** Math.min(failures - 1, DOUBLED_MAX));
}

/** `retryMsMax`: between two tries of one name. */
export function createZoneTurns(retryMsMax: number): ZoneTurns {
  const turns = new Map<string, Turn>();

  /** The first wish after it was taken counts. */
  function put(name: string, turn: Turn): void {
    if (!turns.has(name)) turns.set(name, turn);
  }

  return {
    get size() {
      return turns.size;
    },
    names: () => turns.keys(),
    add(name, onlyNew) {
      if (onlyNew) put(name, NOW);
      else turns.set(name, NOW);
    },
    again: (name, tries) => put(name, { atMs: performance.now() + retryMs(tries, retryMsMax), tries }),
    take(max) {
      const nowMs = performance.now();
      const taken = new Map<string, Turn>();
      for (const [name, turn] of turns) {
        if (turn.atMs <= nowMs) taken.set(name, turn);
        if (taken.size === max) break;
      }
      for (const name of taken.keys()) turns.delete(name);
      return taken;
    },
    giveBack(taken) {
      for (const [name, turn] of taken) put(name, turn);
    },
    nextMs: () => [...turns.values()].reduce((next, { atMs }) => Math.min(next, atMs), Number.POSITIVE_INFINITY),
  };
}
