import { expect, it } from 'vitest';
import { createRefusalLines, LINE_MS, LINES_AT_ONCE_MAX } from './refusal-lines.ts';

function lines() {
  const said: string[] = [];
  const world = { now: 0 };
  const log = {
    info: () => undefined,
    warn: (fields: { unsaid?: number }, message: string) =>
      void said.push(fields.unsaid === undefined ? message : `${message} +${fields.unsaid}`),
  };
  const refusals = createRefusalLines(log, () => world.now);
  return { said, world, refusals, refuse: (key: string) => refusals.refused(key, {}, key) };
}

it('says each of two that take turns once', () => {
  const { said, refuse } = lines();
  for (let turn = 0; turn < 100; turn += 1) refuse(turn % 2 === 0 ? 'expired' : 'rollback');
  expect(said).toEqual(['expired', 'rollback']);
});

it('says one line a minute of a stream that does not end, with the number of the others', () => {
  const { said, world, refuse } = lines();
  const hours = 3;
  for (let second = 0; second < hours * 3600; second += 1) {
    world.now = second * 1000;
    refuse(`${second}`);
  }
  expect(said.length).toBeLessThanOrEqual(LINES_AT_ONCE_MAX + hours * 60);
  expect(said.slice(LINES_AT_ONCE_MAX, LINES_AT_ONCE_MAX + 3)).toEqual(['60 +55', '120 +59', '180 +59']);
});

it('says a refusal that was passed over as soon as there is room, and not before', () => {
  const { said, world, refuse } = lines();
  for (let count = 0; count < LINES_AT_ONCE_MAX; count += 1) refuse(`${count}`);
  refuse('late');
  expect(said).toHaveLength(LINES_AT_ONCE_MAX);
  world.now = LINE_MS;
  refuse('late');
  refuse('late');
  expect(said.slice(LINES_AT_ONCE_MAX)).toEqual(['late +1']);
});

it('says what comes back after something was applied, and that it was, as long as there is room', () => {
  const { said, refuse, refusals } = lines();
  const ends: boolean[] = [];
  for (let turn = 0; turn < LINES_AT_ONCE_MAX + 3; turn += 1) {
    refuse('expired');
    ends.push(refusals.over());
  }
  expect(said).toEqual(Array(LINES_AT_ONCE_MAX).fill('expired'));
  expect(ends).toEqual([...Array(LINES_AT_ONCE_MAX).fill(true), false, false, false]);
});

it('forgets what it said long ago rather than grow', () => {
  const { said, world, refuse } = lines();
  for (let count = 0; count < 150; count += 1) {
    world.now += LINE_MS;
    refuse(`${count % 101}`);
  }
  // The 101st found no room beside the others: those that come after it are new again.
  expect(said).toHaveLength(150);
});
