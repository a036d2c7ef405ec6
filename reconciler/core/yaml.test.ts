import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROBLEMS_PER_FILE_MAX, parseYaml } from './yaml.ts';
import { FILE_BYTES_MAX } from './yaml-text.ts';

const parse = (text: string) => parseYaml('f.yaml', Buffer.from(text));
const places = (text: string | Uint8Array) =>
  parseYaml('f.yaml', typeof text === 'string' ? Buffer.from(text) : text).problems.map(
    ({ line, column, rule }) => `${line}:${column} ${rule}`,
  );

describe('parseYaml reads', () => {
  it.each([
    ['a: 1\nb:\n  - c: x\n    d: [1, {e: f}]\n', { a: 1, b: [{ c: 'x', d: [1, { e: 'f' }] }] }],
    ['a:\n- b\n- c\nd: e\n', { a: ['b', 'c'], d: 'e' }],
    [
      'a: on\nb: yes\nc: 12:30\nd: 2026-11-21\ne: 1_000',
      { a: 'on', b: 'yes', c: '12:30', d: '2026-11-21', e: '1_000' },
    ],
    ['a: true\nb: null\nc: ~\nd:\n', { a: true, b: null, c: null, d: null }],
    ['a: "08"\nb: \'1.0\'\nc: -3\nd: 0\n', { a: '08', b: '1.0', c: -3, d: 0 }],
    ['\ufeffa: 1\n', { a: 1 }],
    ['---\na: 1\n...\n# end\n', { a: 1 }],
    ['a: |\n  two\n  lines\nb: >-\n  one\n  line\n', { a: 'two\nlines\n', b: 'one line' }],
    ['toString: 1\nhasOwnProperty: 2\n', { toString: 1, hasOwnProperty: 2 }],
    ['a: 1\r\nb: 2\r\n', { a: 1, b: 2 }],
    ['# 家族 👨‍👩‍👧 نمونه‌ها\na: é\n', { a: 'é' }],
    ['[1, two]', [1, 'two']],
  ])('%j', (text, value) => {
    const parsed = parse(text);
    expect(parsed.problems).toEqual([]);
    expect(parsed.value).toEqual(value);
  });
});

describe('parseYaml refuses', () => {
  it.each([
    ['', ['1:1 KK002']],
    ['\n# only a comment\n', ['1:1 KK002']],
    ['---\n...\n', ['1:1 KK002']],
    ['a: *x\n', ['1:4 KK007']],
    ['a: &x 1\nb: *x\n', ['1:4 KK007', '2:4 KK007']],
    ['a: !!str 1', ['1:4 KK008']],
    ['%YAML 1.1\n---\na: on\n', ['1:1 KK009']],
    ['a: 1\n---\nb: 2\n', ['2:1 KK010']],
    ['a\n...\nb\n', ['3:1 KK010']],
    ['<<: {a: 1}\n', ['1:1 KK011']],
    ['a:\n  "<<": 1\n', ['2:3 KK011']],
    ['a: 1\n"\\x61": 2\n', ['2:1 KK012']],
    ['{a: 1, a: 2}', ['1:8 KK012']],
    ['a:\n  constructor: 1\n  prototype: 2\n"__proto__": 3\n', ['2:3 KK013', '3:3 KK013', '4:1 KK013']],
    ['1: a\ntrue: b\n: c\n? [d]\n: e\n', ['1:1 KK014', '2:1 KK014', '3:1 KK014', '4:3 KK014']],
    ['a: 0x1F90', ['1:4 KK015']],
    [
      'a: [8080.0, 1e3, 007, 0o17, +5, .inf, -.INF, .nan, -0, 9007199254740993]',
      [4, 12, 17, 22, 28, 32, 38, 45, 51, 55].map((column) => `1:${column + 1} KK015`),
    ],
    ['a: "\\e[31m"\n"\\u202e": 1\n', ['1:4 KK004', '2:1 KK004']],
    ['a: "\\ud800"', ['1:4 KK004']],
    ['a: 1 # \u202e\n', ['1:8 KK004']],
    ['a: \u001b[31m\n', ['1:4 KK004']],
    ['a: x\rb: y\n', ['1:5 KK004']],
    ['a: b\u200bc\u2028d\ufeff\u{e0041}', ['1:5 KK004', '1:7 KK004', '1:9 KK004', '1:10 KK004']],
    ['a: [1\n', ['2:1 KK006']],
    ['a: b: c\n', ['1:4 KK006']],
    ['a: @x\n', ['1:4 KK006']],
    ['\ta: 1\n', ['1:1 KK006']],
    ['a: "x\n', ['2:1 KK006']],
  ] as [string, string[]][])('%j with %j', (text, expected) => {
    expect(places(text)).toEqual(expected);
  });

  it.each([
    ['NUL', [0x61, 0x3a, 0x20, 0x00], '1:4 KK003'],
    ['a lone continuation byte', [0x61, 0x0a, 0x62, 0x80, 0x62], '2:2 KK003'],
    ['a character cut at the end', [0x61, 0x0a, 0xe6, 0x97], '2:1 KK003'],
    ['a character cut in the middle', [0xe6, 0x97, 0x61], '1:1 KK003'],
    ['a surrogate in UTF-8', [0x61, 0xed, 0xa0, 0x80], '1:2 KK003'],
    ['an overlong slash', [0x61, 0xc0, 0xaf], '1:2 KK003'],
    ['UTF-16', [0xff, 0xfe, 0x61, 0x00], '1:1 KK003'],
    ['a PNG', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00], '1:1 KK003'],
  ])('%s', (_, bytes, expected) => {
    expect(places(Uint8Array.from(bytes))).toEqual([expected]);
  });

  it('one broken file, and reads the next', () => {
    expect([places(Uint8Array.from([0x61, 0xe6])), places('a: é')]).toEqual([['1:2 KK003'], []]);
  });

  it('a file above 1 MiB, and reads one of exactly that size', () => {
    const comment = (bytes: number) => Buffer.alloc(bytes, '#');
    expect(places(Buffer.concat([Buffer.from('a: 1\n'), comment(FILE_BYTES_MAX - 5)]))).toEqual([]);
    expect(places(Buffer.concat([Buffer.from('a: 1\n'), comment(FILE_BYTES_MAX - 4)]))).toEqual(['1:1 KK001']);
  });

  it.each([
    ['brackets', (depth: number) => '['.repeat(depth) + ']'.repeat(depth)],
    ['braces', (depth: number) => '{a: '.repeat(depth) + '}'.repeat(depth)],
    ['dashes on one line', (depth: number) => `${'- '.repeat(depth)}x`],
    ['dashes on lines', (depth: number) => Array.from({ length: depth }, (_, i) => `${' '.repeat(i)}-\n`).join('')],
    ['keys', (depth: number) => Array.from({ length: depth }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
    ['question marks', (depth: number) => '? '.repeat(depth)],
    [
      'lists at the column of their keys',
      (depth: number) =>
        Array.from({ length: depth / 2 }, (_, i) => `${' '.repeat(2 * i)}${i > 0 ? '- ' : ''}a:\n`).join(''),
    ],
    ['a mixture', (depth: number) => `${'- '.repeat(depth - 5)}${'['.repeat(5)}${']'.repeat(5)}`],
  ])('more than 20 levels of %s, but not 20', (_, text) => {
    expect(places(text(20)).filter((place) => place.endsWith('KK005'))).toEqual([]);
    expect(places(text(22))).toEqual([expect.stringContaining('KK005')]);
    expect(places(text(1000))).toEqual([expect.stringContaining('KK005')]);
  });

  it('no more than a bounded number of problems at once', () => {
    for (const text of ['a: *x\n'.repeat(1000), '\u0001'.repeat(1000), 'a: @x\n'.repeat(1000), '1: 2\n'.repeat(1000)])
      expect(parse(text).problems.length).toBeLessThanOrEqual(PROBLEMS_PER_FILE_MAX + 1);
  });
});

describe('parseYaml and secrets', () => {
  const hash = `$2y$05$${'a'.repeat(53)}`;

  it.each([
    [`a: ${hash}\n`, ['1:4 KK017']],
    [`a: 1\n# alice:${hash}\n`, ['2:9 KK017']],
    [`a: |\n  alice:${hash}\n  bob:${hash}\n`, ['2:9 KK017', '3:7 KK017']],
    [`${hash}: a\n`, ['1:1 KK017']],
    [`a: [${hash}\nb: {\n`, ['1:5 KK017']],
    [`a: *${hash}\n`, ['1:5 KK017']],
    ['a:\n  -----BEGIN PRIVATE KEY-----\n  MC4CAQAw\n', ['2:3 KK322']],
    [`a: ${hash} \u202e\n`, ['1:4 KK017', '1:65 KK004']],
  ])('reads no further in %j', (text, expected) => {
    const parsed = parse(text);
    expect(parsed.value).toBeUndefined();
    expect(places(text)).toEqual(expected);
    expect(JSON.stringify(parsed.problems)).not.toMatch(/aaaa|MC4C/);
  });

  it('does not say more of them than of other problems', () => {
    expect(parse(`- ${hash}\n`.repeat(1000)).problems).toHaveLength(PROBLEMS_PER_FILE_MAX + 1);
  });

  it.each([
    'auth:\n  basic:\n    users:\n      hunter2: a\n      hunter2: b\n',
    'auth:\n  basic:\n    users:\n      alice: &hunter2\n',
    'auth:\n  basic:\n    users:\n      alice: *hunter2\n',
    'auth:\n  basic:\n    users:\n      alice: !hunter2 x\n',
    'auth:\n  basic:\n    users: |hunter2\n      x\n',
    'auth:\n  basic:\n    users:\n      alice: 0x4e7e42\n',
    'auth:\n  basic:\n    users: {123456: a}\n',
    'auth:\n  basic:\n    users: "\\hunter2"\n',
    'password: @hunter2\n',
  ])('says what is wrong with %j, and repeats nothing', (text) => {
    const { problems } = parse(text);
    expect(problems).not.toEqual([]);
    expect(JSON.stringify(problems)).not.toMatch(/hunter2|4e7e42|123456/);
  });

  it('still repeats what is wrong elsewhere', () => {
    expect(parse('auth:\n  basic:\n    users: {file: a}\npool: &pool x\n').problems[0]?.message).toContain('&pool');
  });
});

describe('a merge conflict', () => {
  const conflict = '<<<<<<< HEAD\nport: 8080\n=======\nport: 8081\n>>>>>>> theirs\n';

  it.each([
    [`a: 1\n${conflict}b: 2\n${conflict}`, ['2:1 KK018']],
    [conflict.replace('=======', '||||||| base\nport: 1\n=======').replaceAll('\n', '\r\n'), ['1:1 KK018']],
  ])('is one problem: %j', (text, expected) => {
    expect(places(text)).toEqual(expected);
  });

  it.each([
    conflict.replace(/>.*/, ''),
    conflict.replace('=======', '='),
    'a: |\n  <<<<<<< HEAD\n  =======\n  >>>>>>> b\n',
  ])('is not seen in %j', (text) => {
    expect(places(text).join()).not.toContain('KK018');
  });

  it('is searched in bounded time', () => {
    const start = performance.now();
    parse('<<<<<<< HEAD\n'.repeat(80_000));
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe('parseYaml withstands', () => {
  const near = (unit: string, before = '') =>
    before + unit.repeat(Math.floor((FILE_BYTES_MAX - before.length) / unit.length));
  it.each([
    ['line ends', near('\n')],
    ['comments', near('#\n', 'a: b\n')],
    ['many keys', Array.from({ length: 15_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['many equal keys', 'k: 1\n'.repeat(15_000)],
    ['many flow keys', `{${Array.from({ length: 15_000 }, (_, i) => `k${i}: 1`).join(',')}}`],
    ['many entries', '- a\n'.repeat(24_000)],
    ['many errors', '}\n'.repeat(30_000)],
    ['unclosed quotes', '- "\n'.repeat(30_000)],
    ['unclosed brackets on lines', near('a\n', 'a: [')],
    ['tabs', near('\ta: b\n')],
    ['aliases of aliases', `a: &a [x]\n${Array.from({ length: 30 }, (_, i) => `b${i}: &b${i} [*a,*a]\n`).join('')}`],
    ['one long word', near('x')],
    ['one long quoted text', near('x\n\n', 'a: "')],
    ['blank lines in a block', near('\n', 'a: >\n')],
    ['trailing blanks', near(' \n', 'a: b\n')],
  ])('%s, in bounded time', (_, text) => {
    const start = performance.now();
    const parsed = parse(text);
    parsed.locate('/k14999');
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(parsed.problems.length).toBeLessThanOrEqual(PROBLEMS_PER_FILE_MAX + 1);
  });

  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
    fc
      .array(
        fc.constantFrom(
          'a',
          ': ',
          '- ',
          '\n',
          '  ',
          '[',
          ']',
          '{',
          '}',
          ',',
          '"',
          "'",
          '? ',
          '|\n',
          '>\n',
          '#',
          '&x ',
          '*x',
          '!t ',
          '---\n',
          '...\n',
          '<<',
          '1',
          '\t',
          '%',
          '~',
          '@',
          '\r\n',
          '\ufeff',
          '\u0000',
          '__proto__',
        ),
        { maxLength: 40 },
      )
      .map((parts) => Buffer.from(parts.join(''))),
  );

  it('any bytes: no throw, a place inside the file, and a value only of plain data', () => {
    fc.assert(
      fc.property(bytes, fc.string(), (input, pointer) => {
        const { value, problems, locate } = parseYaml('f.yaml', input);
        const lines = input.toString().length + 1;
        for (const place of [...problems, locate(''), locate(`/${pointer}`), locate('/a'), locate('/0/a')]) {
          expect(place.line).toBeGreaterThanOrEqual(1);
          expect(place.line).toBeLessThanOrEqual(lines);
          expect(place.column).toBeGreaterThanOrEqual(1);
        }
        if (problems.length === 0) expect(JSON.parse(JSON.stringify(value))).toEqual(value);
        expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  it('any value that JSON can say: it comes back as it was', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/);
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.stringMatching(/^[ -~]{0,12}$/),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        tie('list'),
        tie('map'),
      ),
      list: fc.array(tie('tree'), { maxLength: 4 }),
      map: fc.dictionary(name, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const parsed = parse(JSON.stringify(value));
        expect(parsed.problems).toEqual([]);
        expect(parsed.value).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });
});

describe('locate', () => {
  const { locate } = parse('a: 1\nb:\n  - c: x\n    d/e~f: [1, {g: h}]\ni:\n');
  it.each([
    ['', '1:1', '1:1'],
    ['/a', '1:4', '1:1'],
    ['/b', '3:3', '2:1'],
    ['/b/0/c', '3:8', '3:5'],
    ['/b/0/d~1e~0f/1/g', '4:20', '4:17'],
    ['/i', '5:3', '5:1'],
    ['/missing', '1:1', '1:1'],
    ['/b/7/c', '2:1', '2:1'],
  ])('finds the value and the key of %j, or its nearest parent', (pointer, value, key) => {
    const shown = (part: 'key' | 'value') => Object.values(locate(pointer, part)).join(':');
    expect([shown('value'), shown('key')]).toEqual([value, key]);
  });
});
