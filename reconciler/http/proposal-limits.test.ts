import { expect, it } from 'vitest';
import { createProposalLimits } from './proposal-limits.ts';

const MINUTE_MS = 60_000;

it('lets a team ask thirty times a minute, and three hundred times an hour: all teams share what the forge takes in an hour', () => {
  const { begin } = createProposalLimits();
  const startMs = 1_000_000;
  for (let minute = 0; minute < 10; minute += 1) {
    const atMs = startMs + minute * MINUTE_MS;
    for (let count = 0; count < 30; count += 1) expect(begin('hoge', atMs)).toBeUndefined();
    expect(begin('hoge', atMs)).toBe(minute < 9 ? 60 : 51 * 60);
  }
  expect(begin('fuga', startMs + 10 * MINUTE_MS)).toBeUndefined();
  expect(begin('hoge', startMs + 59 * MINUTE_MS)).toBe(60);
  expect(begin('hoge', startMs + 60 * MINUTE_MS)).toBeUndefined();
});

it('does not make anybody wait for a clock that went back', () => {
  const { begin } = createProposalLimits();
  for (let count = 0; count < 30; count += 1) begin('hoge', 2 * MINUTE_MS);
  expect(begin('hoge', 2 * MINUTE_MS)).toBe(60);
  expect(begin('hoge', MINUTE_MS)).toBeUndefined();
});
