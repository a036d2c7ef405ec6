// Numbers that were measured in turn on a machine that is never quiet: what was measured in the same round is compared, and of the rounds
// the middle counts.
import { median } from './statistics.ts';

/** One contender in one round. */
export interface Measured {
  /** Requests or handshakes. */
  done: number;
  seconds: number;
  /** Of processor time that the web server used, without those who asked and answered. */
  cpuSeconds: number;
}

export interface Spread {
  middle: number;
  lowest: number;
  highest: number;
}

/** What `ours` does with a second of processor time as a share of what `theirs` does, round by round. 1: the same. */
export function workRatio(ours: readonly Measured[], theirs: readonly Measured[]): Spread {
  if (ours.length !== theirs.length) throw new RangeError(`found ${theirs.length} rounds, expected ${ours.length}`);
  return spread(ours.map((one, round) => cpuPerPiece(theirs[round]!) / cpuPerPiece(one)));
}

/** Seconds of processor time for one request or handshake. */
export function cpuPerPiece({ done, cpuSeconds }: Measured): number {
  if (done === 0 || cpuSeconds === 0) throw new RangeError(`${done} pieces in ${cpuSeconds} s of processor time`);
  return cpuSeconds / done;
}

export function piecesPerSecond({ done, seconds }: Measured): number {
  return done / seconds;
}

export function spread(values: readonly number[]): Spread {
  return { middle: median(values), lowest: Math.min(...values), highest: Math.max(...values) };
}

/** `98.1 % (95 to 103)` */
export function percent({ middle, lowest, highest }: Spread): string {
  return `${(100 * middle).toFixed(1)} % (${Math.round(100 * lowest)} to ${Math.round(100 * highest)})`;
}

/** Round after round, every other one backwards, so that a machine that slows down slows all alike. */
export function inTurn<T>(contenders: readonly T[], rounds: number): T[] {
  return Array.from({ length: rounds }, (_, round) => (round % 2 ? contenders.toReversed() : contenders)).flat();
}
