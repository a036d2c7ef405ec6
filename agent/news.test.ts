import { beforeEach, expect, test } from 'vitest';
import { createNews, LINES_MAX, type News, WINDOW_MS } from './news.ts';

let lines: string[];
let nowMs: number;
let news: News;

beforeEach(() => {
  lines = [];
  nowMs = 0;
  const write = (_: object, message: string) => void lines.push(message);
  news = createNews({ info: write, warn: write }, () => nowMs);
});

test('a transition is said once', () => {
  for (const state of ['a', 'a', 'b', 'b']) news.trouble('mailbox', state, {}, state);
  for (let n = 0; n < 2; n += 1) news.over('mailbox', 'over');
  expect(lines).toEqual(['a', 'b', 'over']);
});

test('what changes all the time fills no log, keeps nothing else from being said, and is said again later', () => {
  for (let n = 0; n < 10_000; n += 1) news.trouble('mailbox', `${n}`, {}, `words ${n}`);
  expect(lines).toHaveLength(LINES_MAX);
  expect(lines.at(-1)).toMatch(/^changes all the time/);
  news.trouble('disk', 'full', {}, 'the disk is full');
  expect(lines.at(-1)).toBe('the disk is full');
  nowMs += WINDOW_MS;
  news.over('mailbox', 'over');
  expect(lines.at(-1)).toBe('over');
});

test('one that comes and goes is no exception', () => {
  for (let n = 0; n < 10_000; n += 1) {
    news.trouble('mailbox', 'away', {}, 'away');
    news.over('mailbox', 'back');
  }
  expect(lines).toHaveLength(LINES_MAX);
});
