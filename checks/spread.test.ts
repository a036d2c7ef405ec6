// Times that a name decides.
import { expect, test } from 'vitest';
import { firstAfterMs, nextAfterMs, SHORTENED_MAX } from './spread.ts';

const seeds = Array.from({ length: 400 }, (_, index) => `edge-${index}\ntokyo-1`);

test('the same names give the same times, others others', () => {
  expect(firstAfterMs('a\nb', 3000)).toBe(firstAfterMs('a\nb', 3000));
  expect(nextAfterMs('a\nb', 1, 3000)).toBe(nextAfterMs('a\nb', 1, 3000));
  expect(new Set(seeds.map((seed) => firstAfterMs(seed, 1_000_000))).size).toBeGreaterThan(395);
  expect(new Set([1, 2, 3].map((nth) => nextAfterMs('a\nb', nth, 1_000_000))).size).toBe(3);
});

test('the first check is anywhere within an interval, so that a fleet is spread over it', () => {
  const tenths = new Set(seeds.map((seed) => Math.floor(firstAfterMs(seed, 1000) / 100)));
  expect([...tenths].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('the next one is never later than the interval and never much sooner', () => {
  for (const seed of seeds) {
    const ms = nextAfterMs(seed, 7, 1000);
    expect(ms).toBeLessThanOrEqual(1000);
    expect(ms).toBeGreaterThanOrEqual(1000 * (1 - SHORTENED_MAX) - 1);
  }
});
