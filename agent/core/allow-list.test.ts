import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowedPorts, allowListEntries, formatAllowList, parseAllowList } from './allow-list.ts';

const arbitraryRanges = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 65_535 })).map(([a, b]) => ({
    from: Math.min(a, b),
    to: Math.max(a, b),
  })),
  { maxLength: 20 },
);

describe('parseAllowList', () => {
  test.each([
    ['none', 'none'],
    ['', 'none'],
    ['8080', '8080'],
    ['8080,9000-9010', '8080,9000-9010'],
    [' 9000-9010 , 8080 ', '8080,9000-9010'],
    ['80,81,82', '80-82'],
    ['1-100,50-60,101', '1-101'],
    ['08080', '8080'],
    ['1-65535', '1-65535'],
    ['443-443', '443'],
  ])('%j is written %s', (text, canonical) => {
    expect(formatAllowList(parseAllowList(text))).toBe(canonical);
  });

  test.each(['0', '65536', '9010-9000', '80,', ',80', '80;81', '-1', '1-', '1-2-3', '8e3', '0x50', 'all', '80 81'])(
    'refuses %j and says what to write',
    (text) => {
      expect(() => parseAllowList(text)).toThrow(expect.objectContaining({ code: 'bad_allow_list' }));
    },
  );

  test('refuses more text or ranges than the bound', () => {
    expect(() => parseAllowList('1,'.repeat(3000))).toThrow(/at most 4096/);
    expect(() => parseAllowList(Array.from({ length: 257 }, (_, i) => i + 1).join(','))).toThrow(/at most 256/);
  });

  test('what is formatted is read back as the same list', () => {
    fc.assert(
      fc.property(arbitraryRanges, (ranges) => {
        const text = formatAllowList(ranges);
        expect(formatAllowList(parseAllowList(text))).toBe(text);
      }),
    );
  });
});

describe('allowedPorts', () => {
  test('a port is allowed exactly when a range holds it, also after the ranges were merged', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 65_535 })), arbitraryRanges, (ports, ranges) => {
        const expected = [...new Set(ports)].filter((port) => ranges.some((r) => r.from <= port && port <= r.to));
        expect(allowedPorts(ports, ranges)).toEqual(expected.sort((a, b) => a - b));
        expect(allowedPorts(ports, parseAllowList(formatAllowList(ranges)))).toEqual(allowedPorts(ports, ranges));
      }),
    );
  });

  test('without ranges nothing is allowed', () => {
    expect(allowedPorts([22, 8080], [])).toEqual([]);
    expect(allowListEntries([])).toEqual([]);
  });
});
