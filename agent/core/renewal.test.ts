// When certificates are renewed, for every length of life.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { heldOf, isEnding, renewalMs } from './renewal.ts';

const HOUR_MS = 3_600_000;
const START = Date.parse('2026-11-22T00:00:00Z');
const LIVES = [6, 160, 45 * 24, 64 * 24, 90 * 24];
const place = { name: 'app.hoge.com', node: 'osaka-1' };

function life(hours: number) {
  return { notBefore: START, notAfter: START + hours * HOUR_MS };
}

describe.each(LIVES)('a certificate of %i hours', (hours) => {
  const { notBefore, notAfter } = life(hours);

  test('is renewed in the first tenth of its last third', () => {
    for (const name of ['app.hoge.com', '*.hoge.com', 'a.b'])
      for (const node of ['osaka-1', 'tokyo-1']) {
        const share = (renewalMs(life(hours), { name, node }) - notBefore) / (notAfter - notBefore);
        expect(share).toBeGreaterThanOrEqual(2 / 3);
        expect(share).toBeLessThan(2 / 3 + 1 / 30);
      }
  });

  test('is an alarm in its last quarter, and none when it has ended', () => {
    const at = (share: number) => isEnding(life(hours), notBefore + share * hours * HOUR_MS);
    expect([0, 0.7, 0.749, 0.751, 0.999, 1, 1.5].map(at)).toEqual([false, false, false, true, true, false, false]);
  });
});

test('a thousand certificates of one day are not renewed in one hour', () => {
  const byHour = new Map<number, number>();
  for (let index = 0; index < 1000; index += 1) {
    const at = renewalMs(life(90 * 24), { name: `app-${index}.hoge.com`, node: 'osaka-1' });
    byHour.set(Math.floor(at / HOUR_MS), (byHour.get(Math.floor(at / HOUR_MS)) ?? 0) + 1);
  }
  // 72 hours; about 14 each.
  expect(byHour.size).toBe(72);
  expect(Math.max(...byHour.values())).toBeLessThan(40);
});

test('the moment is another for another edge, and the same for the same', () => {
  const here = renewalMs(life(6), place);
  expect(renewalMs(life(6), { ...place })).toBe(here);
  expect(renewalMs(life(6), { ...place, node: 'tokyo-1' })).not.toBe(here);
});

test.each([
  ['earlier than ours', START + HOUR_MS, START + HOUR_MS],
  ['over for long', 0, 0],
  ['later than ours', START + 100 * HOUR_MS, undefined],
  ['no number', Number.NaN, undefined],
  ['not there', undefined, undefined],
])('what the CA suggests, %s', (_, suggestedAtMs, expected) => {
  expect(renewalMs(life(6), { ...place, suggestedAtMs })).toBe(expected ?? renewalMs(life(6), place));
});

test('what is imported is never renewed, and what has ended is not held', () => {
  const endsMs = life(6).notAfter;
  const held = (source: 'ordered' | 'relayed' | 'imported', now: number) =>
    heldOf({ ...life(6), source, keptFrom: [] }, place, now);
  expect(held('imported', START)).toEqual({ renewMs: Number.POSITIVE_INFINITY, endsMs });
  expect(held('relayed', START)).toEqual({ renewMs: START + 4 * HOUR_MS, endsMs });
  expect(held('relayed', START + 4 * HOUR_MS)).toEqual({ renewMs: renewalMs(life(6), place), endsMs });
  expect([held('ordered', endsMs), held('imported', endsMs), heldOf(undefined, place, START)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('every life of a second or more is renewed between a third and 0.3 of it before its end, by our own moment', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 400 * 24 * HOUR_MS }), fc.string(), (lifetimeMs, name) => {
      const left =
        START + lifetimeMs - renewalMs({ notBefore: START, notAfter: START + lifetimeMs }, { name, node: 'a' });
      expect(left).toBeLessThanOrEqual(lifetimeMs / 3 + 1e-3);
      expect(left).toBeGreaterThan(lifetimeMs * 0.3 - 1e-3);
    }),
  );
});
