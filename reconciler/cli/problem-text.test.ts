import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../core/problem.ts';
import { printable, problemsAsGithub, problemsAsJson, problemsAsText } from './problem-text.ts';

const PROBLEM: Problem = {
  file: 'routes/hoge/app.yaml',
  line: 2,
  column: 9,
  rule: 'KK304',
  severity: 'error',
  message: 'found the origin hmoe, expected one of home',
  hint: 'did you mean home?',
};
const hostileText = fc.string({ unit: 'binary', maxLength: 60 });
const hostileProblem = fc.record({
  file: hostileText,
  line: fc.integer({ min: 1, max: 5 }),
  column: fc.integer({ min: 1, max: 300 }),
  rule: fc.constant('KK001'),
  severity: fc.constantFrom('error' as const, 'warning' as const),
  message: hostileText,
  hint: hostileText,
});
/** What must never reach a terminal. */
const ACTING = /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\p{Bidi_Control}]/u;

describe('problemsAsText', () => {
  it('shows the place, the line with a caret, and the hint', () => {
    expect(problemsAsText([PROBLEM], () => 'origin: hmoe', false)).toBe(
      [
        'routes/hoge/app.yaml:2:9 error KK304',
        '  found the origin hmoe, expected one of home',
        '  2 | origin: hmoe',
        '    |         ^',
        '  hint: did you mean home?',
        '',
      ].join('\n'),
    );
  });

  it('puts the caret under the right column after wide characters and tabs', () => {
    const [, , frame, caret] = problemsAsText([{ ...PROBLEM, line: 1, column: 6 }], () => '日本\t: x', false).split(
      '\n',
    );
    expect([frame, caret]).toEqual(['  1 | 日本 : x', `    | ${' '.repeat(7)}^`]);
  });

  it('stays within 80 columns, however long the line and the message', () => {
    const long = { ...PROBLEM, column: 5000, message: 'word '.repeat(100), hint: 'hint '.repeat(100) };
    for (const row of problemsAsText([long], () => 'x'.repeat(10_000), false).split('\n'))
      expect(row.length).toBeLessThanOrEqual(80);
  });

  it('stars out what may be a secret in the shown line', () => {
    const token = 'eyJhbGciOiJFZERTQSJ9.c2VjcmV0LXNlY3JldA';
    const text = problemsAsText([{ ...PROBLEM, column: 8 }], () => `token: ${token}`, false);
    expect(text).not.toContain(token.slice(0, 8));
    expect(text).toContain(`token: ${'*'.repeat(token.length)}`);
  });

  it('colours only when asked', () => {
    expect(problemsAsText([PROBLEM], () => undefined, false)).not.toContain('\u001b');
    expect(problemsAsText([PROBLEM], () => undefined, true)).toContain('\u001b[31merror\u001b[39m');
  });

  it('lets no character through that acts on a terminal', () => {
    fc.assert(
      fc.property(fc.array(hostileProblem, { maxLength: 3 }), hostileText, (problems, line) => {
        expect(problemsAsText(problems, () => line, false)).not.toMatch(ACTING);
      }),
    );
  });
});

describe('problemsAsJson', () => {
  it('is the documented shape', () => {
    expect(JSON.parse(problemsAsJson([PROBLEM]))).toEqual({ problems: [PROBLEM] });
    expect(JSON.parse(problemsAsJson([]))).toEqual({ problems: [] });
  });

  it('means exactly what was found, in characters that act on no terminal', () => {
    fc.assert(
      fc.property(fc.array(hostileProblem, { maxLength: 3 }), (problems) => {
        const text = problemsAsJson(problems);
        expect(text).not.toMatch(ACTING);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify({ problems })));
      }),
    );
  });
});

describe('problemsAsGithub', () => {
  it('writes one workflow command for each problem, with the path from the top of the repository', () => {
    expect(problemsAsGithub([PROBLEM, { ...PROBLEM, severity: 'warning' }], 'data/')).toBe(
      '::error file=data/routes/hoge/app.yaml,line=2,col=9,title=KK304::found the origin hmoe, expected one of home%0Adid you mean home?\n' +
        '::warning file=data/routes/hoge/app.yaml,line=2,col=9,title=KK304::found the origin hmoe, expected one of home%0Adid you mean home?\n',
    );
  });

  it('escapes what would end a property or start another command', () => {
    const text = problemsAsGithub(
      [{ ...PROBLEM, file: 'a,line=1::x%\n::stop-commands::y.yaml', message: '100%\r\n::error::z' }],
      '',
    );
    expect(text.split('\n')).toHaveLength(2);
    expect(text).toContain('file=a%2Cline=1%3A%3Ax%25\\u{a}%3A%3Astop-commands%3A%3Ay.yaml,line=2');
    expect(text).toContain('::100%25\\u{d}%0A::error::z%0A');
  });

  it('breaks up the older form of a command, which counts anywhere in a line', () => {
    const text = problemsAsGithub([{ ...PROBLEM, file: 'a##[x.yaml', message: 'x ##[add-mask]y ###[z #[w' }], '');
    expect(text).not.toContain('##[');
    expect(text).toContain('::x \\u{23}#[add-mask]y #\\u{23}#[z #[w%0A');
  });

  it('never grows a second command out of hostile text', () => {
    fc.assert(
      fc.property(hostileProblem, (problem) => {
        const text = problemsAsGithub([problem], '');
        expect(text).not.toMatch(ACTING);
        expect(text.split('\n')).toHaveLength(2);
        expect(text).toMatch(/^::(error|warning) file=[^,:\n]*,line=\d+,col=\d+,title=KK001::/);
      }),
    );
  });
});

describe('printable', () => {
  it.each([
    ['plain é 日本 👨‍👩‍👧', 'plain é 日本 👨‍👩‍👧'],
    ['\u001b[31m', '\\u{1b}[31m'],
    ['a\nb', 'a\\u{a}b'],
    ['\u202e\ufeff', '\\u{202e}\\u{feff}'],
    ['\ud800', '\\u{d800}'],
  ])('writes %j as %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });
});
