// An issue's body is text of anybody: what is taken, what is refused with every problem, and what nobody can smuggle into an answer.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failedAnswer, invalidAnswer, openedAnswer, proposalText, refusedAnswer } from './hostname-answer.ts';
import { type HostnameRequest, parseHostnameRequest } from './hostname-request.ts';

const FORM = {
  Hostname: 'blog.hoge.com',
  Origin: 'home',
  Port: '9000',
  Team: '_No response_',
  Remarks: '_No response_',
};

function body(change: Partial<Record<keyof typeof FORM, string | undefined>> = {}): string {
  const fields = Object.entries({ ...FORM, ...change }).filter(([, value]) => value !== undefined);
  return fields.map(([label, value]) => `### ${label}\n\n${value}`).join('\n\n');
}

const REQUEST: HostnameRequest = { hostname: 'blog.hoge.com', origin: 'home', port: 9000, remarks: '' };

test.each<[string, string, Partial<HostnameRequest>]>([
  ['as the form writes it', body(), {}],
  ['with the line ends of a browser', body().replaceAll('\n', '\r\n'), {}],
  ['with words in front', `Hello,\n\n${body()}`, {}],
  ['with spaces around', body({ Hostname: '  blog.hoge.com \t', Port: ' 9000' }), {}],
  ['in other letters', body({ Hostname: 'Blog.Hoge.com.' }), {}],
  ['a wildcard', body({ Hostname: '*.apps.hoge.com' }), { hostname: '*.apps.hoge.com' }],
  ['with a team', body({ Team: 'hoge' }), { team: 'hoge' }],
  ['without the fields that may be left out', body({ Team: undefined, Remarks: undefined }), {}],
  ['with remarks', body({ Remarks: 'for us\n\nthanks' }), { remarks: 'for us\n\nthanks' }],
  ['with headings in the remarks', body({ Remarks: 'x\n### Port\n\n1' }), { remarks: 'x\n### Port\n\n1' }],
])('taken: %s', (_, text, change) => {
  expect(parseHostnameRequest(text)).toEqual({ kind: 'request', request: { ...REQUEST, ...change } });
});

test.each<[string, string]>([
  ['nothing', ''],
  ['a bug report', '### Steps\n\nnone'],
  ['a heading inside a line', 'see ### Hostname'],
  ['a smaller heading', '#### Hostname\n\nx.hoge.com'],
])('no request: %s', (_, text) => {
  expect(parseHostnameRequest(text)).toEqual({ kind: 'none' });
});

test.each<[string, string, string[]]>([
  ['a URL', body({ Hostname: 'https://blog.hoge.com/' }), ['Hostname']],
  ['an address', body({ Hostname: '192.0.2.1' }), ['Hostname']],
  ['no hostname', body({ Hostname: '_No response_' }), ['Hostname']],
  ['two lines', body({ Hostname: 'blog.hoge.com\norigin: office' }), ['Hostname']],
  ['a hostname twice', `${body({ Remarks: undefined })}\n\n### Hostname\n\nx.hoge.com`, ['Hostname']],
  ['an origin that leads elsewhere', body({ Origin: '../../kokoa' }), ['Origin']],
  ['an origin with a comment', body({ Origin: 'home # x' }), ['Origin']],
  ['no origin', body({ Origin: undefined }), ['Origin']],
  ['a port of words', body({ Port: '$(id)' }), ['Port']],
  ['a port too high', body({ Port: '65536' }), ['Port']],
  ['port zero', body({ Port: '0' }), ['Port']],
  ['a team that leads elsewhere', body({ Team: '../../.github' }), ['Team']],
  ['a team of two lines', body({ Team: 'hoge\nfuga' }), ['Team']],
  ['everything', body({ Hostname: 'x', Origin: 'X', Port: 'x', Team: 'X' }), ['Hostname', 'Origin', 'Port', 'Team']],
  ['more than GitHub takes', body({ Remarks: 'x'.repeat(70_000) }), ['Remarks']],
])('refused: %s', (_, text, fields) => {
  const found = parseHostnameRequest(text);
  if (found.kind !== 'refused') throw new Error(found.kind);
  expect(found.problems.map(({ field }) => field)).toEqual(fields);
});

test('whatever stands in an issue, what is taken fits a file', () => {
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a.hoge.com', 'home', '80', '### Port'),
  );
  fc.assert(
    fc.property(value, value, value, value, value, (Hostname, Origin, Port, Team, Remarks) => {
      const found = parseHostnameRequest(body({ Hostname, Origin, Port, Team, Remarks }));
      if (found.kind !== 'request') return;
      const { hostname, origin, port, team = 'x' } = found.request;
      expect(`${hostname} ${origin} ${team}`).toMatch(/^(\*\.)?[a-z0-9.-]+ [a-z0-9-]+ [a-z0-9-]+$/);
      expect(port >= 1 && port <= 65_535).toBe(true);
    }),
  );
});

describe('what is said', () => {
  const evil = '@everyone `` ![x](http://x) </details> <img src=x>\n### y\u001b[31m\u202e';

  test('never lets the remarks be markup', () => {
    const { body: text, title } = proposalText({
      issue: 7,
      path: 'routes/hoge/x.yaml',
      request: { ...REQUEST, remarks: evil },
    });
    expect(title).toBe('Route blog.hoge.com');
    expect(text).toContain('\n\n    @everyone `` ![x](http://x) </details> <img src=x>\n    ### y[31m\n\n');
    expect(text.split('\n').filter((line) => /@|<img|###/.test(line) && !line.startsWith('    '))).toEqual([]);
    expect(text).toMatch(/^Asked for in #7; closes #7\.\n/);
    expect(text).toContain('Close this pull request and open it again');
  });

  test('keeps every value in a code span', () => {
    const answers = [
      refusedAnswer([{ field: 'Port', message: evil }]),
      invalidAnswer([{ rule: 'KK304', message: evil, hint: evil }]),
      failedAnswer(evil, evil),
    ];
    for (const answer of answers) {
      const outside = answer.replace(/(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)/g, '');
      expect(outside).not.toMatch(/[@<[\]\u001b\u202e]/);
    }
  });

  test('counts problems that are not listed', () => {
    const many = Array.from({ length: 30 }, () => ({ field: 'Port', message: 'x' }));
    expect(refusedAnswer(many)).toMatch(/- … and 10 more\n$/);
  });

  test.each([
    ['open', true, /^Proposed in #3: /],
    ['open', false, /^#3 is open for this issue: /],
    ['closed', false, /^#3 was opened for this issue, and is closed/],
  ] as const)('names the pull request, %s and new: %s', (state, isNew, expected) => {
    expect(openedAnswer({ number: 3, state, isNew })).toMatch(expected);
  });
});
