// One machine under several addresses.
import { expect, test } from 'vitest';
import { type Check, type CheckResult, NO_ROUTE } from './check.ts';
import { atEveryAddress } from './several-addresses.ts';

const RESULTS: Record<string, CheckResult> = {
  up: { ok: true },
  down: { ok: false, reason: 'timeout' },
  worse: { ok: false, reason: 'wrong_body' },
  away: { ok: false, reason: NO_ROUTE },
};

test.each([
  ['up', 'up'],
  ['up up', 'up'],
  ['up down', 'down'],
  ['down up', 'down'],
  ['worse down', 'worse'],
  ['up away', 'up'],
  ['away up', 'up'],
  ['away down', 'down'],
  ['away', 'away'],
  ['away away', 'away'],
])('%s is %s', async (each, whole) => {
  const checks = each.split(' ').map((address): Check => ({ kind: 'icmp', address }));
  expect(await atEveryAddress(checks, async ({ address }) => RESULTS[address]!)).toEqual(RESULTS[whole]);
});
