// Which certificates are ordered now.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Attempt,
  afterFailure,
  afterRefusal,
  afterSuccess,
  BACKOFF_MAX_MS,
  type OrderSituation,
  planOrders,
} from './order-plan.ts';
import { heldOf } from './renewal.ts';

const NOW = 1_800_000_000_000;

function situation(change: Partial<OrderSituation>): OrderSituation {
  return {
    me: 'me',
    hosts: new Map([
      ['c.hoge.com', 'me'],
      ['a.hoge.com', 'me'],
      ['b.hoge.com', 'me'],
    ]),
    held: () => undefined,
    attempts: new Map(),
    expectedUntil: () => undefined,
    inFlight: new Set(),
    now: NOW,
    ordersMax: 2,
    ...change,
  };
}

test('orders first what came first, as many at once as allowed', () => {
  expect(planOrders(situation({})).start).toEqual(['c.hoge.com', 'a.hoge.com']);
  expect(planOrders(situation({ inFlight: new Set(['c.hoge.com']) })).start).toEqual(['a.hoge.com']);
});

test('leaves out what is another’s, nobody’s, served, or in flight', () => {
  const hosts = new Map([
    ['other.hoge.com', 'other'],
    ['nobody.hoge.com', undefined],
    ['*.hoge.com', undefined],
    ['served.hoge.com', 'me'],
    ['flying.hoge.com', 'me'],
  ]);
  const plan = planOrders(
    situation({
      hosts,
      held: (hostname) => (hostname === 'served.hoge.com' ? { renewMs: NOW + 9, endsMs: NOW + 20 } : undefined),
      inFlight: new Set(['flying.hoge.com']),
    }),
  );
  expect(plan).toEqual({ start: [], wakeAtMs: NOW + 9 });
});

test('waits for back-off and for a hand-over, and says until when', () => {
  const attempts = new Map<string, Attempt>([['c.hoge.com', { failures: 1, notBeforeMs: NOW + 5 }]]);
  const expectedUntil = (hostname: string) => (hostname === 'a.hoge.com' ? NOW + 3 : undefined);
  expect(planOrders(situation({ attempts, expectedUntil }))).toEqual({ start: ['b.hoge.com'], wakeAtMs: NOW + 3 });
  expect(planOrders(situation({ attempts, expectedUntil, now: NOW + 5 })).start).toEqual(['c.hoge.com', 'a.hoge.com']);
});

test('waits twice as long after each failure, up to an hour, and as long as the CA asks', () => {
  let attempt: Attempt | undefined;
  const waits = Array.from({ length: 8 }, () => {
    attempt = afterFailure(attempt, NOW);
    return (attempt.notBeforeMs - NOW) / 1000;
  });
  expect(waits).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600]);
  expect(afterFailure(undefined, NOW, 7 * BACKOFF_MAX_MS).notBeforeMs).toBe(NOW + 7 * BACKOFF_MAX_MS);
  expect(afterFailure({ failures: 10_000, notBeforeMs: 0 }, NOW).notBeforeMs).toBe(NOW + BACKOFF_MAX_MS);
  expect(afterRefusal(attempt, NOW, 250)).toEqual({ failures: 8, notBeforeMs: NOW + 250 });
});

test('renews what is due after what is missing, the first to end first, and leaves a place for new names', () => {
  const hosts = new Map(['late.a', 'soon.a', 'not-yet.a', 'imported.a', 'new.a', 'last.a'].map((name) => [name, 'me']));
  const ends = new Map([
    ['late.a', { renewMs: NOW, endsMs: NOW + 300 }],
    ['soon.a', { renewMs: NOW - 5, endsMs: NOW + 100 }],
    ['not-yet.a', { renewMs: NOW + 7, endsMs: NOW + 50 }],
    ['imported.a', { renewMs: Number.POSITIVE_INFINITY, endsMs: NOW + 10 }],
    ['last.a', { renewMs: NOW, endsMs: NOW + 400 }],
  ]);
  const plan = (change: Partial<OrderSituation>) =>
    planOrders(situation({ hosts, held: (name) => ends.get(name), ordersMax: 4, ...change }));
  expect(plan({})).toEqual({ start: ['new.a', 'soon.a', 'late.a', 'last.a'], wakeAtMs: NOW + 7 });
  expect(plan({ inFlight: new Set(['new.a']) }).start).toEqual(['soon.a', 'late.a', 'last.a']);
  expect(plan({ inFlight: new Set(['soon.a', 'late.a', 'last.a']) }).start).toEqual(['new.a']);
  expect(plan({ inFlight: new Set(['new.a', 'soon.a']), ordersMax: 3 }).start).toEqual(['late.a']);
  const without = new Map([...hosts].filter(([name]) => name !== 'new.a'));
  expect(plan({ hosts: without, ordersMax: 3 }).start).toEqual(['soon.a', 'late.a']);
  expect(plan({ hosts: without, ordersMax: 1 }).start).toEqual(['soon.a']);
});

test('a copy that another member may hand over keeps back an order, and no renewal', () => {
  const due = { renewMs: NOW, endsMs: NOW + 100 };
  const expectedUntil = () => NOW + 50;
  expect(planOrders(situation({ expectedUntil, held: () => due })).start).toEqual(['c.hoge.com']);
  expect(planOrders(situation({ expectedUntil })).start).toEqual([]);
});

test('the waits of a renewal shrink with what is left, and are as long as the CA asks up to a quarter of it', () => {
  const wait = (failures: number, leftMs: number, retryAfterMs = 0) =>
    afterFailure({ failures, notBeforeMs: 0 }, NOW, retryAfterMs, NOW + leftMs).notBeforeMs - NOW;
  expect(wait(20, 3_600_000)).toBe(300_000);
  expect(wait(20, 60_000)).toBe(10_000);
  expect(wait(0, 3_600_000)).toBe(60_000);
  expect(wait(20, 3_600_000, 800_000)).toBe(800_000);
  expect(wait(0, 6 * 3_600_000, 7 * 24 * 3_600_000)).toBe(1.5 * 3_600_000);
  expect(wait(0, 20_000, 3_600_000)).toBe(10_000);
  // What has ended waits as a name that never had one.
  expect([wait(20, 0), wait(20, -5)]).toEqual([BACKOFF_MAX_MS, BACKOFF_MAX_MS]);
});

test('what the CA gave and is due already waits for half of what is left of it', () => {
  expect(afterSuccess({ renewMs: NOW, endsMs: NOW + 1000 }, NOW)).toEqual({ failures: 0, notBeforeMs: NOW + 500 });
  expect(afterSuccess({ renewMs: NOW + 1, endsMs: NOW + 1000 }, NOW)).toBeUndefined();
});

test('when the CA answers again with a twentieth of the life left or at any moment before, the certificate is replaced before its end, once', () => {
  const MINUTE_MS = 60_000;
  const HOUR_MS = 60 * MINUTE_MS;
  const lifetimes = fc.oneof(
    fc.integer({ min: HOUR_MS, max: 12 * HOUR_MS }),
    fc.integer({ min: HOUR_MS, max: 100 * 24 * HOUR_MS }),
  );
  fc.assert(
    fc.property(
      lifetimes,
      fc.double({ min: 0, max: 0.95, noNaN: true }),
      fc.nat(60),
      fc.oneof(fc.constant(0), fc.nat(7 * 24 * HOUR_MS)),
      (lifetimeMs, share, orderMinutes, askedMs) => {
        const end = NOW + lifetimeMs;
        const answersFromMs = NOW + share * lifetimeMs;
        const orderMs = Math.min(orderMinutes * 1000, lifetimeMs / 100);
        let life = { notBefore: NOW, notAfter: end, source: 'ordered' as const, keptFrom: [] as string[] };
        let replacedMs = Number.POSITIVE_INFINITY;
        const attempts = new Map<string, Attempt>();
        // From one wake to the next, as the loop does, at least every 30 s and at most some hundred thousand times.
        let now = NOW;
        const hosts = new Map([['app.hoge.com', 'me']]);
        while (now < end) {
          const at = now;
          const held = () => heldOf(life, { name: 'app.hoge.com', node: 'me' }, at);
          const { start, wakeAtMs } = planOrders(situation({ hosts, held, attempts, now }));
          if (start.length === 0) {
            now = Math.max(wakeAtMs ?? end, now + 1);
            continue;
          }
          expect(life.notBefore).toBe(NOW);
          expect(end - now).toBeLessThanOrEqual(lifetimeMs / 3 + 1e-3);
          now += orderMs;
          if (at < answersFromMs) {
            attempts.set('app.hoge.com', afterFailure(attempts.get('app.hoge.com'), now, askedMs, end));
          } else {
            attempts.delete('app.hoge.com');
            replacedMs = now;
            life = { notBefore: now, notAfter: now + lifetimeMs, source: 'ordered', keptFrom: [] };
          }
        }
        expect(replacedMs).toBeLessThan(end);
      },
    ),
  );
});

test('never starts more than allowed, twice, or what is another’s', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}\.hoge\.com$/), { maxLength: 20 });
  fc.assert(
    fc.property(
      names,
      fc.array(fc.constantFrom('me', 'other', undefined)),
      fc.nat(5),
      fc.nat(8),
      (hosts, orderers, flying, ordersMax) => {
        const map = new Map(hosts.map((hostname, index) => [hostname, orderers[index]]));
        const inFlight = new Set(hosts.slice(0, flying));
        const { start } = planOrders(situation({ hosts: map, inFlight, ordersMax }));
        expect(start.length + inFlight.size).toBeLessThanOrEqual(Math.max(ordersMax, inFlight.size));
        expect(new Set(start).size).toBe(start.length);
        for (const hostname of start) expect([map.get(hostname), inFlight.has(hostname)]).toEqual(['me', false]);
      },
    ),
  );
});
