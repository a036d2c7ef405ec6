import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wholeValue, writeYaml } from './yaml.ts';
import { plainValue } from './yaml-plain.ts';

describe('plainValue reads', () => {
  it.each([
    ['hostname: app.hoge.com\norigin: home\nport: 8080\n', { hostname: 'app.hoge.com', origin: 'home', port: 8080 }],
    ['# a: b\n\n  # c\na: true\nb: false\n', { a: true, b: false }],
    [
      'a:\n  b:\n    - c: 1\n      d: /x\n    - c: 2\ne:\n- f\n- 0\n',
      { a: { b: [{ c: 1, d: '/x' }, { c: 2 }] }, e: ['f', 0] },
    ],
    ["a: '*.hoge.com'\nb: \"it's\"\nc: ''\n", { a: '*.hoge.com', b: "it's", c: '' }],
    [
      'a: 10m\nb: 203.0.113.0/24\nc: 1.2.3.4:80\nd: http://x:80/\n',
      { a: '10m', b: '203.0.113.0/24', c: '1.2.3.4:80', d: 'http://x:80/' },
    ],
    ['- a:\n  - b\n- c: d', [{ a: ['b'] }, { c: 'd' }]],
    ["a: [b, '*.c', 3]\n", { a: ['b', '*.c', 3] }],
  ])('%j', (text, value) => {
    expect(plainValue(text)).toEqual(value);
  });

  it('every route that comes with this repository', () => {
    const text = readFileSync(new URL('../../routes/hoge/app.hoge.com.yaml', import.meta.url), 'utf8');
    expect(plainValue(text)).toEqual({ hostname: 'app.hoge.com', origin: 'home', port: 8080 });
  });
});

describe('plainValue leaves to the whole reader', () => {
  it.each([
    [''],
    ['# only a comment\n'],
    ['a'],
    ['a: 1 # comment\n'],
    ['a: b c\n'],
    ['a: b\n  c\n'],
    ['a: b\n  - c\n'],
    ['a: b\n  c: d\n'],
    ['a:\n'],
    ['a:\nb: 1\n'],
    ['a: \n  b: 1\n'],
    ['a: 1\na: 2\n'],
    ['a: 1\n b: 2\n'],
    [' a: 1\nb: 2\n'],
    ['a: 1\n- b\n'],
    ['- a\nb: 1\n'],
    ['- - a\n'],
    ['-   a: 1\n'],
    ['a:\n\tb: 1\n'],
    ['a: 1\r\nb: 2\r\n'],
    ['a: null\n'],
    ['a: True\n'],
    ['true: a\n'],
    ['constructor: a\n'],
    ['__proto__: a\n'],
    ['a: 08\n'],
    ['a: 1.5\n'],
    ['a: 1e3\n'],
    ['a: 0x1\n'],
    ['a: 9007199254740993\n'],
    ['a: []\n'],
    ['a: [b,c]\n'],
    ["a: ['b, c']\n"],
    ['a: [b, [c]]\n'],
    ['a: [b: c]\n'],
    ['a: {b: c}\n'],
    ['a: "\\x41"\n'],
    ["a: 'b''c'\n"],
    ['a: |\n  b\n'],
    ['a: *b\n'],
    ['a: b: c\n'],
    ['a: é\n'],
    ['---\na: 1\n'],
    ['a: 1\n...\n'],
  ])('%j', (text) => {
    expect(plainValue(text)).toBeUndefined();
  });

  it('a text that is long, and one that is deep', () => {
    expect(plainValue('a: b\n'.padEnd(20_000, '#'))).toBeUndefined();
    const deep = Array.from({ length: 12 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('');
    expect(plainValue(`${deep}${' '.repeat(12)}b: c\n`)).toBeUndefined();
  });
});

describe('what plainValue answers is what the whole reader answers', () => {
  const agrees = (text: string): boolean => {
    const value = plainValue(text);
    if (value !== undefined) expect(wholeValue(text), JSON.stringify(text)).toEqual({ value, findings: [] });
    return value !== undefined;
  };

  it('on lines that are plain or nearly so, in any order and at any depth', () => {
    const mostly = (...[plain, odd]: [plain: string[], odd: string[]]) =>
      fc.oneof({ weight: 40, arbitrary: fc.constantFrom(...plain) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
    const line = fc
      .tuple(
        fc.constantFrom('', '', '', '  ', '  ', '    ', ' '),
        mostly(['', '', '- '], ['-', '# ', '- - ', '? ']),
        mostly(['a:', 'b:', 'c:', 'd-e:', 'f:', 'g:'], ['', 'null:', "'h':", 'i']),
        mostly([' '], ['', '  ', '\t']),
        mostly(
          ['a', '/x', '0', '80', '10m', '1.2.3.4', 'true', "'a: b'", '"#"', 'x:y', '[a, x:y, 0]', "['b', true]"],
          ['', '07', '[a, [b]]', '[a, ]', '[b:, c]', "['a, b']", '[a # b]', '1e3', 'True', '~', '-'],
        ),
        mostly([''], [' ', ' # c', '\r', ' x', ':']),
      )
      .map((parts) => parts.join(''));
    const open = fc.tuple(fc.constantFrom('', '', '  '), fc.constantFrom('', '- '), fc.constantFrom('j:', 'k:'));
    const lines = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: line },
        open.map((parts) => parts.join('')),
      ),
      { maxLength: 5 },
    );
    let plain = 0;
    fc.assert(
      fc.property(lines, (some) => {
        if (agrees(some.join('\n'))) plain += 1;
      }),
      { numRuns: 3000 },
    );
    expect(plain).toBeGreaterThan(100);
  });

  it('on what a writer of YAML makes of plain data, and on the same with one character changed', () => {
    const scalar = fc.constantFrom('app.hoge.com', '/api', '10m', '203.0.113.0/24', "it's", 'a: b', '', true, 8080, 0);
    const names = fc.constantFrom('hostname', 'paths', 'allow', 'port', 'a-b');
    const map = (value: fc.Arbitrary<unknown>) => fc.dictionary(names, value, { minKeys: 1, maxKeys: 3 });
    const list = (value: fc.Arbitrary<unknown>) => fc.array(value, { minLength: 1, maxLength: 2 });
    const small = fc.oneof(scalar, list(scalar), map(scalar));
    const data = map(fc.oneof(scalar, small, list(map(small)), map(small)));
    fc.assert(
      fc.property(data, fc.nat(), fc.constantFrom(...' \t\n:-#\'"[{&*!|>%@`,?~0x'), (value, at, character) => {
        const text = writeYaml(value, 'block');
        agrees(text);
        const place = at % text.length;
        agrees(text.slice(0, place) + character + text.slice(place + 1));
        agrees(text.slice(0, place) + character + text.slice(place));
      }),
      { numRuns: 300 },
    );
  });
});
