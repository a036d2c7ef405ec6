// Every directive of the web server's templates is seen by a golden tree: taken out, some tree is another one. And what the slow sweep, which
// asks the same of a real nginx, keeps of its own.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadTemplates } from '../agent/adapters/templates.ts';
import { type NginxInput, renderNginx, TEMPLATE_NAMES, type Templates } from '../agent/core/render-nginx.ts';
import { complaintsAbout, isSame, readSurvivors } from './slow/survivors.ts';
import { type Directive, directivesOf, without } from './slow/template-directives.ts';
import { missingTests, TESTS, testsFor } from './slow/tests-of-templates.ts';
import { newVerdictFile, readVerdicts, type Verdict } from './slow/verdicts.ts';

const TOP = join(import.meta.dirname, '..');
const GOLDEN = join(import.meta.dirname, 'golden-nginx');
const inputs = readdirSync(GOLDEN).map(
  (name) => JSON.parse(readFileSync(join(GOLDEN, name, 'input.json'), 'utf8')) as Omit<NginxInput, 'templates'>,
);
const templates = await loadTemplates();
const tree = (input: (typeof inputs)[number], changed: Templates) =>
  [...renderNginx({ ...input, templates: changed }).values()].join('');
const whole = inputs.map((input) => ({ input, text: tree(input, templates) }));

test.each(TEMPLATE_NAMES)('every directive of %s stands in a golden tree', (name) => {
  const unseen = directivesOf(name, templates[name]).filter(({ line, lines }) => {
    const changed = { ...templates, [name]: without(templates[name], line, lines) };
    return whole.every(({ input, text }) => tree(input, changed) === text);
  });
  expect(unseen).toEqual([]);
});

test('an `if` goes with all it holds, and rows of tables count', () => {
  const text = 'map $a $b {\n    default 0;\n}\n# x;\nif ($b) {\n    return 404;\n}\nroot /;\nserver {\n}\nroot /;\n';
  expect(directivesOf('t', text)).toEqual([
    { template: 't', line: 2, lines: 1, text: 'default 0;', within: 'map $a $b {', nth: 1 },
    { template: 't', line: 5, lines: 3, text: 'if ($b) {', within: '', nth: 1 },
    { template: 't', line: 8, lines: 1, text: 'root /;', within: '', nth: 1 },
    { template: 't', line: 11, lines: 1, text: 'root /;', within: '', nth: 2 },
  ]);
  expect(without(text, 5, 3)).toBe('map $a $b {\n    default 0;\n}\n# x;\nroot /;\nserver {\n}\nroot /;\n');
});

describe('the sweep that takes directives out', () => {
  test('knows the tests of every template, and each of them exists', () => {
    expect(Object.keys(TESTS).sort()).toEqual([...TEMPLATE_NAMES].sort());
    expect(missingTests(TOP)).toEqual([]);
  });

  test('asks every test of an edge', () => {
    const edges = readdirSync(join(TOP, 'test/edge')).filter((name) => name.endsWith('.test.ts'));
    expect(TESTS['nginx.conf']).toEqual(expect.arrayContaining(edges.map((name) => `test/edge/${name}`)));
  });

  test('asks those first that a directive hints at, and each once', () => {
    const [directive] = directivesOf('streams.conf', 'limit_conn stream-connections {{number}};');
    expect(testsFor(directive!)).toEqual([
      'test/edge/public-ports.test.ts',
      'agent/adapters/nginx-layer-4.test.ts',
      'test/edge/tls-passthrough.test.ts',
      'agent/adapters/nginx-layer-4-scale.test.ts',
    ]);
  });

  test('has a reason for each directive that it expects nobody to notice, and each stands in its template', () => {
    const all = TEMPLATE_NAMES.flatMap((name) => directivesOf(name, templates[name]));
    for (const survivor of readSurvivors()) {
      expect(survivor.reason).not.toBe('');
      expect(all.filter((directive) => isSame(survivor, directive))).toHaveLength(1);
    }
  });

  test('goes on with what it knows of directives that stand where they stood', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'kokoa-verdicts-')), 'verdicts.jsonl');
    onTestFinished(() => rmSync(join(file, '..'), { recursive: true }));
    const [a, b, c] = directivesOf('t', 'a;\nb;\nc;\n') as [Directive, Directive, Directive];
    const verdicts: Verdict[] = [
      { directive: a, outcome: 'noticed', by: 'x.test.ts' },
      { directive: b, outcome: 'survived', by: '' },
      { directive: c, outcome: 'unclear', by: 'no end' },
    ];
    const { add } = newVerdictFile(file);
    for (const verdict of verdicts) add(verdict);
    expect(readVerdicts(file, [a, b, c])).toEqual(verdicts.slice(0, 2));
    expect(readVerdicts(file, directivesOf('t', 'a;\n\nb;\n'))).toEqual(verdicts.slice(0, 1));
    expect(() => newVerdictFile(file)).toThrow(/EEXIST/);
  });

  test('complains of survivors without a reason, of reasons without a survivor, and of what stays unclear', () => {
    const [a, b, c, d] = directivesOf('t', 'a;\nb;\nc;\nd;\n') as [Directive, Directive, Directive, Directive];
    const known = [a, b].map(({ text }) => ({ template: 't', within: '', directive: text, reason: 'its default' }));
    const verdicts: Verdict[] = [
      { directive: a, outcome: 'survived', by: '' },
      { directive: b, outcome: 'noticed', by: 'x.test.ts' },
      { directive: c, outcome: 'survived', by: '' },
      { directive: d, outcome: 'unclear', by: 'no end' },
    ];
    expect(complaintsAbout(verdicts, known)).toEqual([
      'noticed after all, by x.test.ts: t:2: b;',
      'nobody noticed t:3: c;',
      'unclear, no end: t:4: d;',
    ]);
  });
});
