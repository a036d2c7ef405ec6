// What a row of results makes of a target. In a row: `+` an answer, `-` a failure, `0` no route; each comes one second after the last.
import { expect, test } from 'vitest';
import { type CheckResult, NO_ROUTE } from './check.ts';
import { after, type TargetStanding, unknownSince } from './standing.ts';

const PACE = { healthy: 2, unhealthy: 3 };

function following(row: string, pace = PACE): TargetStanding {
  return [...row].reduce(
    (standing, sign, index) => after(standing, resultOf(sign, index), pace, (index + 1) * 1000),
    unknownSince(0),
  );
}

function resultOf(sign: string, index: number): CheckResult {
  if (sign === '+') return { ok: true };
  return { ok: false, reason: sign === '0' ? NO_ROUTE : `failure_${index + 1}` };
}

test.each<[string, TargetStanding['state'], number, string | undefined]>([
  ['', 'unknown', 0, undefined],
  ['+', 'unknown', 0, undefined],
  ['++', 'up', 2, undefined],
  ['--', 'unknown', 0, undefined],
  ['---', 'down', 3, 'failure_3'],
  ['-+-+-+-', 'unknown', 0, undefined],
  ['++--', 'up', 2, undefined],
  ['++--+--', 'up', 2, undefined],
  ['++---', 'down', 5, 'failure_5'],
  // The reason is that of the failure that decided it.
  ['++------', 'down', 5, 'failure_5'],
  ['---+', 'down', 3, 'failure_3'],
  ['---+-+', 'down', 3, 'failure_3'],
  ['---++', 'up', 5, undefined],
  ['---++---', 'down', 8, 'failure_8'],
  // No route says nothing, and interrupts nothing; after a while nothing is known.
  ['000000', 'unknown', 0, undefined],
  ['++00', 'up', 2, undefined],
  ['++00+', 'up', 2, undefined],
  ['++000000', 'unknown', 5, undefined],
  ['---000', 'unknown', 6, undefined],
  ['++--0-', 'down', 6, 'failure_6'],
  ['---+00+', 'up', 7, undefined],
])('after "%s" it is %s', (row, state, seconds, reason) => {
  const standing = following(row);
  expect(standing).toMatchObject({ state, sinceMs: seconds * 1000 });
  expect(standing.reason).toBe(reason);
});

test('one result decides where one is enough, and the last failure is remembered', () => {
  const once = { healthy: 1, unhealthy: 1 };
  expect(following('-', once)).toMatchObject({ state: 'down', failures: 1, successes: 0, reason: 'failure_1' });
  expect(following('-++', once)).toEqual({
    state: 'up',
    sinceMs: 2000,
    failures: 0,
    successes: 2,
    lastFailure: 'failure_1',
  });
});
