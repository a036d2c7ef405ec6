// Every directive of the web server's templates is seen by a golden tree: taken out, some tree is another one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadTemplates } from '../agent/adapters/templates.ts';
import { type NginxInput, renderNginx, TEMPLATE_NAMES, type Templates } from '../agent/core/render-nginx.ts';
import { directivesOf, without } from './slow/template-directives.ts';

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
  const text = 'map $a $b {\n    default 0;\n}\n# x;\nif ($b) {\n    return 404;\n}\nroot /;\n';
  expect(directivesOf('t', text)).toEqual([
    { template: 't', line: 2, lines: 1, text: 'default 0;' },
    { template: 't', line: 5, lines: 3, text: 'if ($b) {' },
    { template: 't', line: 8, lines: 1, text: 'root /;' },
  ]);
  expect(without(text, 5, 3)).toBe('map $a $b {\n    default 0;\n}\n# x;\nroot /;\n');
});
