// Who gets new settings when.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type WaveCandidate, wavesOf } from './waves.ts';

/** `*name`: a canary. `name?`: not there. `name@pool`; the pool is `p` where none is named. */
function edges(...texts: string[]): WaveCandidate[] {
  return texts.map((text) => {
    const [, star, node = '', pool = 'p', away] = /^(\*?)([a-z0-9]+)(?:@([a-z]+))?(\??)$/.exec(text) ?? [];
    return { node, pool, canary: star === '*', isThere: away !== '?' };
  });
}

it.each<[string, WaveCandidate[], string[][]]>([
  ['nobody', [], []],
  ['a single edge has one wave', edges('a'), []],
  ['a single edge has one wave, marked or not', edges('*a'), []],
  ['of two the first is the canary', edges('a', 'b'), [['a']]],
  ['of two the marked one is the canary', edges('a', '*b'), [['b']]],
  ['a quarter of four is the canary itself', edges('a', 'b', 'c', 'd'), [['a']]],
  ['a quarter of five is one more', edges('a', 'b', 'c', 'd', 'e'), [['a'], ['b']]],
  ['a quarter counts the canaries', edges('a', '*b', '*c', 'd', 'e'), [['b', 'c']]],
  ['several canaries', edges('*a', 'b', '*c'), [['a', 'c']]],
  ['everybody is a canary', edges('*a', '*b'), [['a', 'b']]],
  ['a canary in every pool', edges('a@p', 'b@q', 'c@p', 'd@q'), [['a', 'b']]],
  ['the only edge of a pool waits', edges('a@q', 'b@p', 'c@p'), [['b']]],
  ['unless it is marked', edges('*a@q', 'b@p', 'c@p'), [['a', 'b']]],
  ['pools of one edge each try it on the first', edges('a@p', 'b@q', 'c@r'), [['a']]],
  ['or on the marked one', edges('a@p', '*b@q', 'c@r'), [['b']]],
  ['who is away teaches nothing', edges('a?', 'b', 'c'), [['b']]],
  ['a canary that is away gets company', edges('a', '*b?', 'c'), [['a', 'b']]],
  ['one marked canary that is there is enough', edges('a', '*b?', '*c'), [['b', 'c']]],
  ['nobody is there', edges('a?', 'b?'), [['a']]],
  ['a marked one, and nobody is there', edges('a?', '*b?'), [['b']]],
  ['the first of pools of one edge is one that is there', edges('a@p?', 'b@q'), [['b']]],
])('%s', (_, candidates, expected) => {
  expect(wavesOf(candidates)).toEqual(expected);
});

const candidate = fc.record({
  node: fc.stringMatching(/^[a-z]{1,6}$/),
  pool: fc.constantFrom('p', 'q', 'r'),
  canary: fc.boolean(),
  isThere: fc.boolean(),
});

it('puts every edge into at most one wave, and never all of an unmarked pool of several before the last', () => {
  fc.assert(
    fc.property(fc.uniqueArray(candidate, { selector: ({ node }) => node, maxLength: 40 }), (unsorted) => {
      const all = unsorted.sort((a, b) => (a.node < b.node ? -1 : 1));
      const waves = wavesOf(all);
      const early = waves.flat();
      expect(new Set(early).size).toBe(early.length);
      expect(waves.every((wave) => wave.length > 0)).toBe(true);
      expect(waves.length).toBeLessThanOrEqual(2);
      expect(waves.length > 0).toBe(all.length > 1);
      for (const [, pool] of Map.groupBy(all, ({ pool: of }) => of)) {
        const reached = pool.filter(({ node }) => early.includes(node));
        const marked = pool.filter(({ canary }) => canary).length;
        if (pool.length > 1) expect(reached.length).toBeGreaterThan(0);
        expect(reached.length).toBeLessThanOrEqual(Math.max(Math.ceil(pool.length / 4), marked + 1));
      }
    }),
  );
});
