// Rounds are compared with the round beside them, and the middle counts.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cpuPerPiece, inTurn, type Measured, percent, piecesPerSecond, workRatio } from './bench-edge-ratios.ts';

const round = (done: number, cpuSeconds: number): Measured => ({ done, seconds: 2, cpuSeconds });

test('half the processor time for the same work is twice the work', () => {
  expect(workRatio([round(100, 1)], [round(100, 2)])).toEqual({ middle: 2, lowest: 2, highest: 2 });
  expect(cpuPerPiece(round(100, 2))).toBe(0.02);
  expect(piecesPerSecond(round(100, 9))).toBe(50);
});

test('a machine that is slow in one round is slow for both, and one bad round moves the spread and not the middle', () => {
  const ours = [round(100, 1), round(100, 3), round(100, 8)];
  const theirs = [round(100, 1), round(100, 3), round(100, 2)];
  expect(workRatio(ours, theirs)).toEqual({ middle: 1, lowest: 0.25, highest: 1 });
});

test('nothing done, or no processor time, is no measurement', () => {
  expect(() => cpuPerPiece(round(0, 1))).toThrow(RangeError);
  expect(() => cpuPerPiece(round(1, 0))).toThrow(RangeError);
  expect(() => workRatio([round(1, 1)], [])).toThrow('found 0 rounds, expected 1');
});

test('a ratio is printed in percent', () => {
  expect(percent({ middle: 0.981, lowest: 0.9499, highest: 1.031 })).toBe('98.1 % (95 to 103)');
});

test('in turn: everybody once a round, and nobody always first', () => {
  expect(inTurn(['a', 'b', 'c'], 3)).toEqual(['a', 'b', 'c', 'c', 'b', 'a', 'a', 'b', 'c']);
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer(), { maxLength: 8 }), fc.nat(8), (contenders, rounds) => {
      const turns = inTurn(contenders, rounds);
      for (let start = 0; start < turns.length; start += contenders.length)
        expect(turns.slice(start, start + contenders.length).sort()).toEqual([...contenders].sort());
      expect(turns).toHaveLength(rounds * contenders.length);
    }),
  );
});
