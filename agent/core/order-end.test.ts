// What the fleet is told of an order that failed.
import { expect, test } from 'vitest';
import { KokoaError } from '../../bundle/error.ts';
import { endOfFailure } from './order-end.ts';

const failure = (code: string, message: string, retryAfterMs?: unknown) =>
  new KokoaError(code, message, { cause: { retryAfterMs } });

test.each([
  ['a failed validation', failure('acme_validation_failed', 'x', 5), { outcome: 'validation_failed' }],
  ['a CA that is away', failure('acme_unavailable', 'x'), { outcome: 'failed' }],
  [
    'a CA that is away and says for how long',
    failure('acme_unavailable', 'x', 1.5),
    { outcome: 'failed', retryAfterMs: 2 },
  ],
  ['a time that is none', failure('acme_unavailable', 'x', Number.NaN), { outcome: 'failed' }],
  ['whatever else', new TypeError('x'), { outcome: 'failed' }],
  ['a limit of nobody knows what', failure('acme_rate_limited', 'x'), { outcome: 'rate_limited', limit: 'account' }],
  [
    'a limit of everything',
    failure('acme_rate_limited', 'Service busy; retry later.', 9),
    { outcome: 'rate_limited', retryAfterMs: 9 },
  ],
])('%s', (_, error, end) => {
  expect(endOfFailure(error)).toEqual(end);
});

test.each([
  ['too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s', 'name'],
  ['too many failed authorizations (5) for "app.hoge.com" in the last 1h0m0s', 'name'],
  ['too many certificates (50) already issued for "hoge.com" in the last 168h0m0s', 'domain'],
  ['too many new orders (300) from this account in the last 3h0m0s', 'account'],
  ['too many new registrations (10) from this IP address in the last 3h0m0s', 'account'],
])('%s: a limit of the %s', (message, limit) => {
  expect(endOfFailure(failure('acme_rate_limited', message))).toEqual({ outcome: 'rate_limited', limit });
});
