// What may be ordered, and until when it may not.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeptOrder, OrderPause } from '../ports/order-book.ts';
import {
  BACKOFF_MS_MAX,
  type BudgetQuestion,
  judgeOrder,
  ORDER_LIMITS_DEFAULT,
  type OrderHistory,
  ordersPerWeek,
  WEEK_MS,
} from './order-budget.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function order(agoMs: number, more: Partial<KeptOrder> = {}): KeptOrder {
  const begunMs = NOW - agoMs;
  const common = { server: 's', name: 'app.hoge.com', domain: 'hoge.com', node: 'e1', renewal: false, begunMs };
  const one = { ...common, outcome: 'issued', endedMs: begunMs, ...more } as KeptOrder;
  return one;
}
const open = (agoMs: number): KeptOrder => {
  const { outcome: _, endedMs: __, ...rest } = order(agoMs);
  return rest;
};
const failed = (agoMs: number) => order(agoMs, { outcome: 'validation_failed' });
const pause = (scope: OrderPause['scope'], subject: string, more: Partial<OrderPause> = {}): OrderPause => ({
  ...{ server: 's', scope, subject, untilMs: NOW + HOUR, node: 'e2' },
  ...more,
});

function ask(history: Partial<OrderHistory>, more: Partial<BudgetQuestion> = {}) {
  return judgeOrder({
    ...{ name: 'app.hoge.com', domain: 'hoge.com', node: 'e1', renewal: false, lifetimeMs: undefined, nowMs: NOW },
    reissues: 0,
    limits: ORDER_LIMITS_DEFAULT,
    history: { name: [], domain: [], account: [], pauses: [], ...history },
    ...more,
  });
}
const many = (count: number, make: (at: number) => KeptOrder) => Array.from({ length: count }, (_, at) => make(at));

test.each<[string, Partial<OrderHistory>, Partial<BudgetQuestion>]>([
  ['nothing was ordered', {}, {}],
  ['it was ordered once', { name: [order(DAY)] }, {}],
  ['all orders of it failed at the CA', { name: many(9, (at) => order(at * HOUR, { outcome: 'failed' })) }, {}],
  ['a renewal of six hours', { name: many(42, (at) => order((at + 1) * 4 * HOUR)) }, { lifetimeMs: 6 * HOUR }],
  ['a renewal in a domain that is full', { domain: many(50, (at) => order(at * HOUR)) }, { renewal: true }],
  ['a renewal with the last orders of an account', { account: many(299, (at) => order(at)) }, { renewal: true }],
  ['a validation failed once, a while ago', { name: [failed(MINUTE)] }, {}],
  [
    'another name, domain and account are asked to wait',
    {
      pauses: [pause('name', 'b.hoge.com'), pause('domain', 'fuga.com'), pause('account', 'e2')],
    },
    {},
  ],
  [
    'new names of its domain are asked to wait, and it is a renewal',
    { pauses: [pause('domain', 'hoge.com')] },
    { renewal: true },
  ],
  [
    'ordered twice in a week, and an edge that had it is compromised',
    { name: [order(DAY), order(2 * DAY)] },
    { renewal: true, reissues: 1 },
  ],
  ['a pause is over', { pauses: [pause('server', '', { untilMs: NOW })] }, {}],
])('passes when %s', (_, history, more) => {
  expect(ask(history, more)).toEqual({ kind: 'pass' });
});

test.each<[string, Partial<OrderHistory>, Partial<BudgetQuestion>, string, number]>([
  ['ordered twice in a week', { name: [order(DAY), order(2 * DAY)] }, {}, 'ordered 2 times', 5 * DAY],
  ['ordered twice, once by an edge that died', { name: [open(DAY), order(2 * DAY)] }, {}, 'ordered 2 times', 5 * DAY],
  [
    'ordered five times in a week, and everybody is compromised',
    { name: many(5, (at) => order((at + 1) * HOUR)) },
    { renewal: true, reissues: 1000 },
    'ordered 5 times',
    WEEK_MS - 5 * HOUR,
  ],
  [
    'a full domain',
    { domain: many(50, (at) => order((at + 1) * HOUR)) },
    {},
    'hoge.com had 50 new names',
    WEEK_MS - 50 * HOUR,
  ],
  [
    'a new name with the last orders of an account',
    { account: many(270, () => order(HOUR)) },
    {},
    'began 270 orders',
    2 * HOUR,
  ],
  [
    'a renewal with no order left',
    { account: many(300, () => order(HOUR)) },
    { renewal: true },
    '300 orders',
    2 * HOUR,
  ],
  ['a validation that failed just now', { name: [failed(0)] }, {}, 'failed once', MINUTE],
  [
    'a validation that failed three times',
    { name: many(3, (at) => failed(at * MINUTE)) },
    {},
    '3 times in a row',
    4 * MINUTE,
  ],
  [
    'failures on both sides of an order that the CA broke',
    {
      name: [failed(0), order(MINUTE, { outcome: 'failed' }), failed(2 * MINUTE)],
    },
    {},
    '2 times in a row',
    2 * MINUTE,
  ],
  ['failures before and after a success', { name: [failed(0), order(HOUR), failed(DAY)] }, {}, 'failed once', MINUTE],
  ['five failures in an hour', { name: many(5, (at) => failed(at * 8 * MINUTE)) }, {}, '5 times', 28 * MINUTE],
  ['a hundred failures', { name: many(100, (at) => failed(at * 2 * HOUR)) }, {}, '100 times', BACKOFF_MS_MAX],
  [
    'a hundred failures of a short life',
    { name: many(100, (at) => failed(at * HOUR)) },
    { lifetimeMs: 6 * HOUR },
    '100 times',
    12 * MINUTE,
  ],
  ['a CA that wants to be left alone', { pauses: [pause('server', '')] }, { renewal: true }, 'asked e2 to wait', HOUR],
  ['a limit of its account', { pauses: [pause('account', 'e1')] }, {}, 'with this account', HOUR],
  ['a limit of its domain', { pauses: [pause('domain', 'hoge.com')] }, {}, 'with this domain', HOUR],
  ['a limit of its name', { pauses: [pause('name', 'app.hoge.com')] }, { renewal: true }, 'with this name', HOUR],
  ['several reasons: the longest', { name: [failed(0)], pauses: [pause('server', '')] }, {}, 'asked e2', HOUR],
])('waits for %s', (_, history, more, reason, ms) => {
  expect(ask(history, more)).toEqual({ kind: 'wait', reason: expect.stringContaining(reason), untilMs: NOW + ms });
});

test.each([
  [6 * HOUR, 43],
  [160 * HOUR, 3],
  [45 * DAY, 2],
  [90 * DAY, 2],
  [undefined, 2],
  [-1, 2],
  [Number.NaN, 2],
])('a life of %s ms may be ordered %s times a week', (lifetimeMs, count) => {
  expect(ordersPerWeek(ORDER_LIMITS_DEFAULT, lifetimeMs)).toBe(count);
});

test('an operator’s own number stands above that of a long life, and below that of a short one', () => {
  const limits = { ...ORDER_LIMITS_DEFAULT, ordersPerName: 10 };
  expect([ordersPerWeek(limits, 90 * DAY), ordersPerWeek(limits, 6 * HOUR)]).toEqual([10, 43]);
});

test('whoever asks as soon as he may never gets more than the limits in any window, and never waits for ever', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('issued', 'validation_failed', 'failed', undefined), { maxLength: 60 }),
      (ends) => {
        let nowMs = NOW;
        const name: KeptOrder[] = [];
        for (const outcome of ends) {
          const verdict = ask({ name, domain: name.filter(isCounted) }, { nowMs });
          if (verdict.kind === 'wait') {
            expect(verdict.untilMs - nowMs).toBeLessThanOrEqual(WEEK_MS);
            nowMs = verdict.untilMs;
          }
          expect(ask({ name, domain: name.filter(isCounted) }, { nowMs })).toEqual({ kind: 'pass' });
          name.unshift(order(NOW - nowMs, outcome === undefined ? {} : { outcome, endedMs: nowMs }));
          if (outcome === undefined) delete name[0]!.outcome;
        }
        for (const { begunMs } of name) {
          const within = (ms: number) => name.filter((one) => one.begunMs > begunMs - ms && one.begunMs <= begunMs);
          expect(within(WEEK_MS).filter(isCounted).length).toBeLessThanOrEqual(ORDER_LIMITS_DEFAULT.ordersPerName);
          const failures = within(HOUR).filter(({ outcome }) => outcome === 'validation_failed');
          expect(failures.length).toBeLessThanOrEqual(ORDER_LIMITS_DEFAULT.failedValidations);
        }
      },
    ),
  );
});

const isCounted = ({ outcome = 'issued' }: KeptOrder) => outcome === 'issued';
