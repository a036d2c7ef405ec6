import { expect, test } from 'vitest';
import { type Finding, findingsText, hasTrouble, ok, worstFirst } from './finding.ts';

const WARNING: Finding = { level: 'warning', what: 'DNS', found: 'slow', expected: 'fast', todo: 'wait' };
const TROUBLE: Finding = {
  ...{ level: 'trouble', what: 'the clock', found: `412 s behind that of control.hoge.com${' and more'.repeat(8)}` },
  todo: 'timedatectl set-ntp true',
};

test('the worst stands first, and the rest as it came', () => {
  const all = [ok('a', '1'), WARNING, TROUBLE, ok('b', '2')];
  expect(worstFirst(all).map(({ what }) => what)).toEqual(['the clock', 'DNS', 'a', 'b']);
  expect([hasTrouble(all), hasTrouble([WARNING])]).toEqual([true, false]);
});

test('it is said within 80 columns, with what to do below', () => {
  const text = findingsText([WARNING, TROUBLE, ok('disk', '4 GiB')]);
  expect(text).toBe(`trouble   the clock: 412 s behind that of control.hoge.com and more and more and
          more and more and more and more and more and more
  to do   timedatectl set-ntp true
warning   DNS: slow
  wanted  fast
  to do   wait
ok        disk: 4 GiB

1 in trouble, 1 to look at, 1 well`);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test.each([
  ['\u001b[2J', 'an escape'],
  ['a\nok        forged: line', 'a line of its own'],
  ['\u202egnp', 'text that runs backwards'],
  ['x'.repeat(100_000), 'a flood'],
])('%j, which came from outside, does no harm (%s)', (found) => {
  const text = findingsText([{ level: 'warning', what: 'DNS', found }]);
  expect(text).not.toMatch(/[\u001b\u202e]|^ok /mu);
  expect(text.length).toBeLessThan(1_000);
});
