// What `kokoa init` writes, file by file: BLESS=1 accepts it. The schemas are those of schemas/, compared and not copied.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { filesOf } from '../reconciler/cli/init.ts';

const TOP = join(import.meta.dirname, '..');
const EXPECTED = join(import.meta.dirname, 'golden-init/expected');

test('the tree of kokoa init', async () => {
  const files = await filesOf({
    ...{ zone: 'hoge.com', team: 'hoge', operators: ['@octo-org/operators'] },
    ...{ controlPlane: 'https://control.hoge.com:8443', kokoaRepository: 'octo-org/kokoa-proxy', kokoaRef: 'v0.1.0' },
  });
  const isSchema = ({ path }: { path: string }) => path.startsWith('schemas/');
  for (const { path, text } of files.filter(isSchema)) expect(text).toBe(readFileSync(join(TOP, path), 'utf8'));
  const made = files.filter((file) => !isSchema(file));
  // As files in a folder where git and npm read some of these names, the dot in front is left out.
  const tree = Object.fromEntries(made.map(({ path, text }) => [path.replace(/^\./, 'dot-'), text]));
  if (process.env.BLESS === '1') bless(tree);
  expect(tree).toEqual(readTree());
});

function bless(tree: Record<string, string>): void {
  rmSync(EXPECTED, { recursive: true, force: true });
  for (const [path, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(EXPECTED, path)), { recursive: true });
    writeFileSync(join(EXPECTED, path), text);
  }
}

function readTree(): Record<string, string> {
  const entries = readdirSync(EXPECTED, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [relative(EXPECTED, path), readFileSync(path, 'utf8')];
    }),
  );
}
