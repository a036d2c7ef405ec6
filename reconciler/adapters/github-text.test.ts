// Text on its way to GitHub.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cleanText, cutText, oneLine } from './github-text.ts';

it.each([
  ['a\r\nb\rc', 'a\nb\nc'],
  ['a\tb\n', 'a\tb\n'],
  ['a\0\u001b[31mb\u0085', 'a[31mb'],
  ['\udc00x\ud800', '\ufffdx\ufffd'],
])('cleans %j to %j', (text, clean) => {
  expect(cleanText(text)).toBe(clean);
});

it.each([
  ['abcdef', 6, 'abcdef'],
  ['abcdefg', 6, 'abcde…'],
  ['abcd\u{1f600}g', 6, 'abcd…'],
])('cuts %j to %i', (text, most, cut) => {
  expect(cutText(text, most)).toBe(cut);
});

it('makes one line of anything, well-formed and short enough, and the same line of that', () => {
  const anything = fc.array(
    fc.constantFrom('a', ' ', '\n', '\u2028', '\u202e', '\0', '\ud83d', '\ude00', 'é', '\u{1f600}'),
  );
  fc.assert(
    fc.property(anything, fc.integer({ min: 1, max: 20 }), (parts, most) => {
      const line = oneLine(parts.join(''), most);
      expect(line.length).toBeLessThanOrEqual(most);
      expect(line.isWellFormed()).toBe(true);
      expect(line).toMatch(/^[^\x00-\x1f\u2028\u2029\u202a-\u202e]*$/);
      expect(oneLine(line, most)).toBe(line);
    }),
  );
});
