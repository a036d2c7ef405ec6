// Markdown of hostile changes: bounded, and none of it is markup.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../compile.ts';
import { edge, inputOf, kokoa, loaded, origin } from '../world.fixture.ts';
import { type Changes, countOf } from './change.ts';
import { changesOf } from './changes.ts';
import { documentOf } from './document.ts';
import { codeSpan, documentAsMarkdown, MARKDOWN_CHARS_MAX } from './markdown.ts';
import { plain } from './shown-value.ts';
import { documentAsText } from './text.ts';
import { verdictOf } from './verdict.ts';

const COMMIT = 'c'.repeat(40);
const FLEET = [kokoa(), edge('e1'), origin('o1')];

const HOSTILE = [
  '@octo-org/all',
  '<img src=x onerror=a>',
  '[a](https://evil.example)',
  'https://evil.example',
  '#1',
  '`',
  '```',
  '``\n\n',
  '**',
  '|',
  '&lt;',
  '\u202e',
  '\u001b[31m',
  '-->',
  ' ',
];
const hostileText = fc
  .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 8 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join(''));

interface Hostile {
  name: string;
  value: string;
  other: string;
}

/** Places of the data that a change shows, filled with hostile text, whether or not a rule would let it through; hostnames are canonical. */
function hostileChanges(texts: readonly Hostile[], repeat = 1): Changes {
  const all = Array.from({ length: repeat }, (_, copy) =>
    texts.map((text, n) => ({ ...text, id: `${copy}x${n}` })),
  ).flat();
  const routeOf = ({ name, id }: Hostile & { id: string }, value: string, host = `h${id}.hoge.com`) =>
    loaded('route', `routes/${name}/${id}${name}.yaml`, {
      hostname: host,
      ...{ redirect: { to: value }, errorPages: { '502': value }, paths: [{ prefix: value, public: true }] },
      headers: { response: { set: { [name]: value } }, request: { set: { [name]: value } } },
    });
  const before = all.flatMap((one) => [routeOf(one, one.value), routeOf(one, one.value, `gone${one.id}`)]);
  const after = all.flatMap((one) => [routeOf(one, one.other), routeOf(one, one.other, `new${one.id}`)]);
  const labelled = (value: string) => edge('e1', { labels: Object.fromEntries(all.map(({ name }) => [name, value])) });
  const [from, to] = [
    compile(inputOf([...FLEET, ...before, labelled('a')])),
    compile(inputOf([...FLEET, ...after, labelled(texts[0]?.value ?? 'b')])),
  ];
  const published = { compiled: from, commit: COMMIT };
  const guard = verdictOf(published, to, (desired) => compile({ ...inputOf([]), desired }));
  return changesOf({ published, candidate: to, guard, absentAtBase: texts.map(({ value }) => value) });
}

/** What is left when code is taken away as CommonMark reads it: a run of backticks up to the next run of the same length. */
function outsideOfCode(markdown: string): string {
  const text = markdown.replace(/^```yaml\n[\s\S]*?^```$/gm, '');
  let rest = '';
  for (let at = 0; at < text.length; ) {
    const run = /^`+/.exec(text.slice(at))?.[0];
    if (run === undefined) rest += text[at++];
    else {
      const close = new RegExp(`(?<!\`)${run}(?!\`)`, 'g');
      close.lastIndex = at + run.length;
      const end = close.exec(text);
      if (end === null) throw new Error(`a code span is not closed: ${text.slice(at, at + 80)}`);
      at = end.index + run.length;
    }
  }
  return rest;
}

/** Our own words: what else stands outside of code came from the data. */
const OWN_WORDS = /^(?!.*(?:@|https?:|\]\())[A-Za-z0-9 .,:;()’…→+−%*>#_!-]*$/;

function strangeLines(markdown: string): string[] {
  const own = outsideOfCode(markdown)
    .replaceAll('> [!CAUTION]', '')
    .replaceAll(/<\/?sub>|<br>|<\/?details>|<\/?summary>/g, '');
  return own.split('\n').filter((line) => !OWN_WORDS.test(line));
}

const anyHostile = fc.array(fc.record({ name: hostileText, value: hostileText, other: hostileText }), {
  minLength: 1,
  maxLength: 4,
});

describe('Markdown', () => {
  test('has no value outside of code', () => {
    fc.assert(
      fc.property(anyHostile, (texts) => {
        expect(strangeLines(documentAsMarkdown(documentOf(hostileChanges(texts))))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('would be caught with a value outside of code', () => {
    for (const text of ['@octo-org/all', '<b>', '[a](b)', 'see https://a.example'])
      expect(strangeLines(text)).toHaveLength(1);
  });

  test('of thousands of changes is bounded, counts all of them, and closes what it opens', () => {
    const hostile = { name: '`'.repeat(59), value: `${'`'.repeat(58)}\u{1f600}`, other: '@all'.repeat(40) };
    fc.assert(
      fc.property(anyHostile, (texts) => {
        const changes = hostileChanges([...texts, hostile], 150);
        const markdown = documentAsMarkdown(documentOf(changes));
        expect(markdown.length).toBeLessThanOrEqual(MARKDOWN_CHARS_MAX);
        expect(strangeLines(markdown)).toEqual([]);
      }),
      { numRuns: 2 },
    );
  });

  test('of 5 000 plain changes lists the first ones and counts the rest', () => {
    const routes = (more: object) =>
      Array.from({ length: 5000 }, (_, n) =>
        loaded('route', `routes/hoge/h${n}.yaml`, { hostname: `h${n}.hoge.com`, origin: 'o1', port: 80, ...more }),
      );
    const from = compile(inputOf([...FLEET, ...routes({})]));
    for (const more of [routes({ port: 81 }), [], routes({ hostname: undefined })]) {
      const published = { compiled: from, commit: COMMIT };
      const to = compile(inputOf([...FLEET, ...more]));
      const guard = verdictOf(published, to, (desired) => compile({ ...inputOf([]), desired }));
      const changes = changesOf({ published, candidate: to, guard });
      const markdown = documentAsMarkdown(documentOf(changes));
      const listed = markdown.match(/^- \*\*(removed|added|changed)\*\*/gm)!.length;
      const rest = [...markdown.matchAll(/^- … and (\d+) more$/gm)].reduce(
        (sum, [, number]) => sum + Number(number),
        0,
      );
      expect(listed).toBeGreaterThan(100);
      expect(listed + rest).toBe(countOf(changes.hosts));
      expect(markdown.length).toBeLessThanOrEqual(MARKDOWN_CHARS_MAX);
      expect(markdown).toContain(changes.guard.planHash);
    }
  });

  test.each([
    ['a', '`a`'],
    ['a`b', '``a`b``'],
    ['`', '`` ` ``'],
    ['``a', '``` ``a ```'],
    [' a', '`  a `'],
    ['', '(empty)'],
    ['  ', '(empty)'],
  ])('of the value %j is %s', (value, span) => {
    expect(codeSpan(value)).toBe(span);
  });
});

describe('text', () => {
  test('has no character that acts on a terminal', () => {
    fc.assert(
      fc.property(anyHostile, (texts) => {
        const text = documentAsText(documentOf(hostileChanges(texts)));
        expect(text.split('\n').map(plain).join('\n')).toBe(text);
      }),
      { numRuns: 30 },
    );
  });
});
