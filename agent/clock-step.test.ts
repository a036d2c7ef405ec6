import { expect, it } from 'vitest';
import { noticeStepsBack } from './clock-step.ts';

const HOUR_MS = 3600_000;

it('says each step back once, and nothing of what goes on', () => {
  const times = [0, 30 * HOUR_MS, 29 * HOUR_MS, 29 * HOUR_MS + 1, 29 * HOUR_MS - 59_000, 40 * HOUR_MS, 1];
  let at = 0;
  const wentBack = noticeStepsBack(() => times[at]!);
  const said = times.map((_, index) => {
    at = index;
    return wentBack();
  });
  expect(said).toEqual([false, false, true, false, false, false, true]);
});
