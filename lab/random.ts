// Random choices that a seed repeats: a failure can be played again.
import { randomInt } from 'node:crypto';

const SEED_MAX = 2 ** 31;

export interface Random {
  readonly seed: number;
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
  /** A copy in another order. */
  shuffled<T>(items: readonly T[]): T[];
}

/** @param seed absent: a new one */
export function seededRandom(seed: number = randomInt(SEED_MAX)): Random {
  let state = seed >>> 0;
  /** mulberry32: 32 bits of state, uniform enough to choose moments. */
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    seed,
    between,
    shuffled(items) {
      const copy = [...items];
      for (let last = copy.length - 1; last > 0; last -= 1) {
        const other = between(0, last);
        [copy[last], copy[other]] = [copy[other]!, copy[last]!];
      }
      return copy;
    },
  };
}
