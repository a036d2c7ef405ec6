// How soon git is asked after a push: real ones at once, a storm of late or repeated ones a few times.
import { expect, it } from 'vitest';
import { createPushPace } from './push-pace.ts';

it('asks at once while pushes bring something, however many there are', () => {
  const pace = createPushPace();
  for (let nowMs = 0; nowMs < 1000; nowMs += 10) {
    expect(pace.delayMs(nowMs)).toBe(0);
    pace.asked(nowMs, true);
  }
});

it('waits ever longer after each push in vain, up to a minute, and not at all after one that brought something', () => {
  const pace = createPushPace();
  const pauses = [3_000, 60_000, 60_000, 60_000];
  let nowMs = 5;
  for (const pauseMs of pauses) {
    pace.asked(nowMs, false);
    expect([pace.delayMs(nowMs), pace.delayMs(nowMs + 1000), pace.delayMs(nowMs + pauseMs)]).toEqual([
      pauseMs,
      pauseMs - 1000,
      0,
    ]);
    nowMs += pauseMs;
  }
  pace.asked(nowMs, true);
  expect(pace.delayMs(nowMs)).toBe(0);
});

it('asks three times in a storm of a minute', () => {
  const pace = createPushPace();
  const asked: number[] = [];
  for (let nowMs = 0; nowMs < 60_000; nowMs += 3) {
    if (pace.delayMs(nowMs) > 0) continue;
    pace.asked(nowMs, asked.length === 0);
    asked.push(nowMs);
  }
  expect(asked).toHaveLength(3);
});
