import { expect, test } from 'vitest';
import { answersTo, keyChangeAt } from './key-change.ts';

const AT = 1_000.5;
const handshakes = (...latest: number[]) => new Map(latest.map((seconds, index) => [`key ${index}`, seconds]));

test.each<[string, number[], number[], 'all' | 'some' | 'none']>([
  ['nobody was there', [], [], 'all'],
  ['nobody was there for three minutes', [0, 819], [0, 819], 'all'],
  ['the one who was there answers', [990], [1_001], 'all'],
  ['within the same second', [990], [1_000], 'all'],
  ['the one who was there is silent', [990], [990], 'none'],
  ['the one who was there is gone', [990], [], 'none'],
  ['one of two answers', [990, 950], [990, 1_002], 'some'],
  ['one who was not there does not count', [990, 0], [990, 1_002], 'none'],
  ['three minutes ago is still there', [821], [821], 'none'],
])('%s', (_, before, now, expected) => {
  expect(answersTo(keyChangeAt(handshakes(...before), AT), handshakes(...now))).toBe(expected);
});
