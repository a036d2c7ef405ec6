// When a target is asked, so that a fleet does not ask in step. Pure: the same names give the same times. Law: never later than the interval
// says, so that how soon a failure is noticed can be counted on.
import { sha256Hex } from '../bundle/canonical.ts';

/** An interval is shortened by up to this part of it. */
export const SHORTENED_MAX = 0.2;

/** From the beginning to the first check: anywhere within an interval. `seed`: who asks, and whom. */
export function firstAfterMs(seed: string, intervalMs: number): number {
  return Math.floor(fraction(seed) * intervalMs);
}

/** From the start of the `nth` check (from 1) to that of the next. */
export function nextAfterMs(seed: string, nth: number, intervalMs: number): number {
  return Math.floor(intervalMs * (1 - SHORTENED_MAX * fraction(`${seed}\n${nth}`)));
}

/** 0 to 1, evenly spread over all seeds. */
function fraction(seed: string): number {
  return Number.parseInt(sha256Hex(seed).slice(0, 12), 16) / 16 ** 12;
}
