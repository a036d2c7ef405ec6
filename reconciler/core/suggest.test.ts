import { describe, expect, it } from 'vitest';
import { didYouMean } from './suggest.ts';

const KNOWN = ['hostname', 'origin', 'port', 'limits', 'pool', 'maxBody', 'ab'];

describe('didYouMean', () => {
  it.each([
    ['hostnme', 'hostname'],
    ['orgiin', 'origin'],
    ['prot', 'port'],
    ['maxbody', 'maxBody'],
    ['host', 'hostname'],
    ['poool', 'pool'],
    ['a', 'ab'],
    ['xyz', undefined],
    ['', undefined],
    ['colour', undefined],
  ])('answers for %j: %j', (word, expected) => {
    expect(didYouMean(word, KNOWN)).toBe(expected);
  });

  it('does not compare very long words', () => {
    expect(didYouMean('x'.repeat(10_000), ['x'.repeat(10_000)])).toBeUndefined();
  });

  it('looks at a bounded number of words', () => {
    let asked = 0;
    const words = (function* () {
      for (;;) yield `w${asked++}`;
    })();
    expect(didYouMean('nothing-like-it', words)).toBeUndefined();
    expect(asked).toBeLessThanOrEqual(501);
  });
});
