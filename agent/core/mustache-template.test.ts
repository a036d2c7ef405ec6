// A value enters a template by its context or not at all.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { as, renderTemplate, type ValueContext, type View } from './mustache-template.ts';

const TEMPLATES = join(import.meta.dirname, '../templates');
/** Characters by which nginx tells one word, statement or block from the next, or looks something up. */
const STRUCTURAL = /[\s;{}"'#$\\]/;

describe('the templates', async () => {
  const names = await readdir(TEMPLATES);
  test('there are some', () => expect(names.length).toBeGreaterThan(0));
  test.each(names)('%s holds no tag that goes round the check', async (name) => {
    expect(await readFile(join(TEMPLATES, name), 'utf8')).not.toMatch(/\{\{\s*[{&>=]/);
  });
});

test.each([
  ['an unescaped tag', '{{{a}}}'],
  ['an unescaped tag with an ampersand', '{{&a}}'],
  ['an unescaped tag inside a section', '{{#s}}{{& a}}{{/s}}'],
  ['a partial', '{{>a}}'],
  ['changed delimiters', '{{=<% %>=}}<%a%>'],
  ['a tag that nothing gives', '{{b}}'],
  ['a section that nothing gives', '{{#b}}x{{/b}}'],
])('%s is refused', (_title, template) => {
  const view = { a: as('name', 'x'), s: true };
  expect(() => renderTemplate(template, view)).toThrow(expect.objectContaining({ code: 'template_invalid' }));
});

test('a value without a context is refused', () => {
  expect(() => renderTemplate('{{a}}', { a: 'x' } as unknown as View)).toThrow(
    expect.objectContaining({ code: 'template_invalid' }),
  );
});

test('sections, lists and values of an outer view are rendered', () => {
  const view = { outer: as('name', 'o'), list: [{ n: as('number', 1) }, { n: as('number', 2) }], off: false };
  expect(renderTemplate('{{#list}}{{outer}}{{n}};{{/list}}{{^off}}-{{/off}}', view)).toBe('o1;o2;-');
});

const CASES: [ValueContext, string, boolean][] = [
  ['hostname', 'app.hoge.com', true],
  ['hostname', '*.hoge.com', true],
  ['hostname', 'App.hoge.com', false],
  ['hostname', 'app.hoge.com.', false],
  ['hostname', 'app.hoge.com;', false],
  ['hostname', 'app.hoge.com\n', false],
  ['hostname', '~.*', false],
  ['hostname', 'default', false],
  ['hostname', `${'a'.repeat(64)}.com`, false],
  ['endpoint', '10.100.1.1:8080', true],
  ['endpoint', '[fd00::1]:80', true],
  ['endpoint', '10.100.1.1:0', false],
  ['endpoint', '10.100.1.1:80 backup', false],
  ['endpoint', 'unix:/run/docker.sock', false],
  ['endpoint', 'internal.example:80', false],
  ['endpoint', '10.100.1.1:80\n', false],
  ['path', '/var/lib/kokoa', true],
  ['path', '/var/../etc', false],
  ['path', 'relative', false],
  ['path', '/with space', false],
  ['path', '/$document_root', false],
  ['path', `${'/a'.repeat(257)}`, false],
  ['name', 'www-data', true],
  ['name', 'b1-r2', true],
  ['name', '', false],
  ['name', '-q', false],
  ['name', 'a/b', false],
  ['thumbprint', 'a'.repeat(43), true],
  ['thumbprint', 'a'.repeat(42), false],
  ['thumbprint', `${'a'.repeat(42)}"`, false],
  ['number', '0', true],
  ['number', '10485760', true],
  ['number', '-1', false],
  ['number', '1e3', false],
  ['number', '1.5', false],
  ['number', 'NaN', false],
];

test.each(CASES)('as a %s, %j passes: %s', (context, value, passes) => {
  const render = () => renderTemplate('{{a}}', { a: as(context, value) });
  if (passes) expect(render()).toBe(value);
  else expect(render).toThrow(expect.objectContaining({ code: 'unsafe_value' }));
});

test('whatever passes in any context holds nothing that nginx would read as structure', () => {
  const contexts = [...new Set(CASES.map(([context]) => context))];
  const near = fc.oneof(fc.string(), fc.constantFrom(...CASES.map(([, value]) => value)));
  const hostile = fc
    .tuple(near, fc.constantFrom(';', '\n', ' ', '"', '{', '}', '$', '\\', '\0', '\u2028', ''), near)
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.constantFrom(...contexts), hostile, (context, value) => {
      try {
        expect(renderTemplate('{{a}}', { a: as(context, value) })).not.toMatch(STRUCTURAL);
      } catch (error) {
        expect(error).toMatchObject({ code: 'unsafe_value' });
      }
    }),
    { numRuns: 2000 },
  );
});
