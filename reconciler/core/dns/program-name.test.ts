import { expect, it } from 'vitest';
import { isProgramName } from './program-name.ts';

it.each(['a', '0', 'inwx', 'inwx.py', 'my_dns-2.sh', 'a..b', 'a'.repeat(63)])('%s names a program', (name) => {
  expect(isProgramName(name)).toBe(true);
});

it.each([
  '',
  '.',
  '..',
  '.hidden',
  '-rf',
  '_x',
  '../x',
  '/bin/sh',
  'a/b',
  'a\\b',
  'A',
  'a b',
  'a\n',
  '\na',
  'a\0',
  'ä',
  'a'.repeat(64),
  7,
  null,
  undefined,
  ['a'],
])('%j names none', (name) => {
  expect(isProgramName(name)).toBe(false);
});
