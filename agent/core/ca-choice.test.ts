// When an edge leaves its CA, and when it comes back.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterCaFailure,
  afterCaSuccess,
  type CaSituation,
  type CaStanding,
  chooseCa,
  FALLBACK_MS,
} from './ca-choice.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.parse('2026-11-22T10:00:00Z');
const [SERVER, NEVER_THERE] = ['https://ca.example/dir', Number.POSITIVE_INFINITY];

function situation(change: Partial<CaSituation> & { due?: number[] } = {}): CaSituation {
  const { due = [NEVER_THERE], ...rest } = change;
  return { server: SERVER, hasFallback: true, dueLifetimesMs: () => due, now: NOW, ...rest };
}
const refusing = (forMs: number): CaStanding => ({ server: SERVER, refusesSinceMs: NOW - forMs });
const fallen = (forMs: number): CaStanding => ({ server: SERVER, fellBackMs: NOW - forMs });

const FIRST = { server: SERVER };
const FALLBACK = { server: SERVER, fellBackMs: NOW };
test.each<[string, CaStanding | undefined, CaSituation, CaStanding]>([
  ['nothing known', undefined, situation(), FIRST],
  ['no refusal', FIRST, situation(), FIRST],
  ['a new name, refused for less than a day', refusing(DAY - 1), situation(), refusing(DAY - 1)],
  ['a new name, refused for a day', refusing(DAY), situation(), FALLBACK],
  ['90 days, refused for a day', refusing(DAY), situation({ due: [90 * DAY] }), FALLBACK],
  ['6 hours, refused for less than one', refusing(HOUR - 1), situation({ due: [6 * HOUR] }), refusing(HOUR - 1)],
  ['6 hours, refused for one', refusing(HOUR), situation({ due: [6 * HOUR] }), FALLBACK],
  ['160 hours, refused for a day', refusing(DAY), situation({ due: [160 * HOUR] }), FALLBACK],
  ['the shortest of several decides', refusing(HOUR), situation({ due: [90 * DAY, 6 * HOUR, NEVER_THERE] }), FALLBACK],
  ['a day, and there is no fallback', refusing(DAY), situation({ hasFallback: false }), refusing(DAY)],
  ['a day, and nothing is due any more', refusing(DAY), situation({ due: [] }), FIRST],
  [
    'another first CA',
    refusing(DAY),
    situation({ server: 'https://other.example/dir' }),
    { server: 'https://other.example/dir' },
  ],
  ['fallen back for less than a day', fallen(DAY - 1), situation({ due: [] }), fallen(DAY - 1)],
  ['fallen back for a day', fallen(DAY), situation(), FIRST],
  ['fallen back, and the fallback was taken away', fallen(HOUR), situation({ hasFallback: false }), FIRST],
  ['fallen back from another first CA', { ...fallen(HOUR), server: 'https://old.example/dir' }, situation(), FIRST],
  ['refused by a clock that was a year ahead', refusing(-365 * DAY), situation(), refusing(0)],
  ['fallen back by a clock that was a year ahead', fallen(-365 * DAY), situation(), fallen(0)],
])('%s', (_title, before, where, expected) => {
  expect(chooseCa(before, where)).toEqual(expected);
});

test.each<[string, boolean]>([
  ['acme_unavailable', true],
  ['acme_rate_limited', true],
  ['acme_account_failed', true],
  ['acme_account_unknown', true],
  ['acme_order_failed', true],
  ['bad_certificate', true],
  // Of one name, of this machine, of the control plane.
  ['acme_validation_failed', false],
  ['certbot_failed', false],
  ['certificate_store_failed', false],
  ['unexpected', false],
])('%s is a refusal of the CA: %s', (code, isOne) => {
  expect(afterCaFailure(FIRST, code, NOW)).toEqual(isOne ? refusing(0) : FIRST);
  expect(afterCaFailure(refusing(HOUR), code, NOW)).toEqual(refusing(HOUR));
  expect(afterCaFailure(fallen(HOUR), code, NOW)).toEqual(fallen(HOUR));
});

test('one success begins the count anew', () => {
  expect(afterCaSuccess(refusing(DAY))).toEqual(FIRST);
});

test('whatever happens: no fallback before the patience of what is due is over, and none for longer than a day', () => {
  const steps = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 2 * DAY }),
      event: fc.constantFrom('acme_unavailable', 'acme_validation_failed', 'issued', 'nothing'),
      lifetimeMs: fc.constantFrom(6 * HOUR, 160 * HOUR, 90 * DAY, NEVER_THERE),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      let [now, standing]: [number, CaStanding] = [NOW, FIRST];
      let firstRefusalMs: number | undefined;
      for (const { waitMs, event, lifetimeMs } of all) {
        now += waitMs;
        const before = standing;
        standing = chooseCa(before, situation({ now, due: [lifetimeMs] }));
        if (standing.fellBackMs !== undefined && before.fellBackMs === undefined)
          expect(now - firstRefusalMs!).toBeGreaterThanOrEqual(Math.min(DAY, lifetimeMs / 6));
        if (standing.fellBackMs !== undefined) expect(now - standing.fellBackMs).toBeLessThan(FALLBACK_MS);
        else if (event === 'issued') firstRefusalMs = undefined;
        else if (event === 'acme_unavailable') firstRefusalMs ??= now;
        if (standing.fellBackMs !== undefined) firstRefusalMs = undefined;
        standing = event === 'issued' ? afterCaSuccess(standing) : afterCaFailure(standing, event, now);
      }
    }),
  );
});
