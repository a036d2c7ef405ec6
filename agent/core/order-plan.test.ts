// Which certificates are ordered now.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Attempt,
  afterFailure,
  afterRefusal,
  BACKOFF_MAX_MS,
  type OrderSituation,
  planOrders,
} from './order-plan.ts';

const NOW = 1_800_000_000_000;

function situation(change: Partial<OrderSituation>): OrderSituation {
  return {
    me: 'me',
    hosts: new Map([
      ['c.hoge.com', 'me'],
      ['a.hoge.com', 'me'],
      ['b.hoge.com', 'me'],
    ]),
    isServed: () => false,
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

test('leaves out what is another’s, nobody’s, a wildcard, served, or in flight', () => {
  const hosts = new Map([
    ['other.hoge.com', 'other'],
    ['nobody.hoge.com', undefined],
    ['*.hoge.com', 'me'],
    ['served.hoge.com', 'me'],
    ['flying.hoge.com', 'me'],
  ]);
  const plan = planOrders(
    situation({
      hosts,
      isServed: (hostname) => hostname === 'served.hoge.com',
      inFlight: new Set(['flying.hoge.com']),
    }),
  );
  expect(plan).toEqual({ start: [] });
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
