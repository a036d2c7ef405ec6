// What `npm start` does before the start: nothing where somebody ran `npm ci`, and `npm ci` where anything is missing.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const LOCK = {
  packages: { '': {}, 'node_modules/a': { version: '1.2.3' }, 'node_modules/b': { version: '2.0.0', optional: true } },
};
const RECORD = { packages: { 'node_modules/a': { version: '1.2.3' } } };

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'kokoa-prepare-'));
  mkdirSync(join(top, 'node_modules/.bin'), { recursive: true });
  mkdirSync(join(top, 'path'));
  cpSync(join(import.meta.dirname, 'prepare.js'), join(top, 'bin/prepare.js'));
  writeFileSync(join(top, 'package.json'), '{"type":"module"}');
  writeFileSync(join(top, 'package-lock.json'), JSON.stringify(LOCK));
  program('node_modules/.bin/node', 'echo v24.21.0');
  program('path/npm', 'echo called npm $1; exit 1');
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

function program(path: string, body: string): void {
  writeFileSync(join(top, path), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

function prepare() {
  const env = { ...process.env, PATH: `${join(top, 'path')}:${process.env.PATH}` };
  const { status, stderr } = spawnSync(process.execPath, [join(top, 'bin/prepare.js')], { env, encoding: 'utf8' });
  return { status, stderr };
}

const record = (content: unknown) =>
  writeFileSync(join(top, 'node_modules/.package-lock.json'), JSON.stringify(content));

test('packages that npm ci installed are taken as they are, now and the next time', () => {
  record(RECORD);
  expect(prepare()).toEqual({ status: 0, stderr: '' });
  expect(existsSync(join(top, 'node_modules/.kokoa-lock-sha256'))).toBe(true);
  rmSync(join(top, 'node_modules/.package-lock.json'));
  expect(prepare()).toEqual({ status: 0, stderr: '' });
});

test.each([
  ['there is no record of an installation', () => undefined],
  ['a package is missing', () => record({ packages: {} })],
  ['a package has another version', () => record({ packages: { 'node_modules/a': { version: '1.2.4' } } })],
  [
    'the packaged Node does not run',
    () => {
      record(RECORD);
      program('node_modules/.bin/node', 'exit 1');
    },
  ],
])('npm ci runs where %s', (_, arrange) => {
  arrange();
  const { status, stderr } = prepare();
  expect([status, stderr]).toEqual([1, expect.stringContaining('called npm ci')]);
  expect(existsSync(join(top, 'node_modules/.kokoa-lock-sha256'))).toBe(false);
});
