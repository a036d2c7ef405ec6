// What `npm start` does before the start: nothing where somebody ran `npm ci`, and `npm ci` where anything is missing.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

function prepare(flags: readonly string[] = [], more: Record<string, string> = {}) {
  const env = { ...process.env, PATH: `${join(top, 'path')}:${process.env.PATH}`, ...more };
  const args = [join(top, 'bin/prepare.js'), ...flags];
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
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

/** As root on a Linux without apt-get, where what is in our own folder and in /usr/sbin is installed: it names what is missing. */
function missing(...flags: string[]): string[] {
  record(RECORD);
  const pretend = "Object.defineProperty(process,'platform',{value:'linux'});process.getuid=()=>0";
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(pretend)}`;
  const { stderr } = prepare(flags, { PATH: join(top, 'path'), NODE_OPTIONS });
  return /^this lab needs: (.*)\. Install them, then run the command again\.$/m.exec(stderr)?.[1]?.split(' ') ?? [];
}

test('each flag asks for its own Debian packages beside those of the lab, and for none that are there', () => {
  const some = (names: readonly string[]) => names.filter((name) => ['certbot', 'wrk', 'chromium'].includes(name));
  expect(missing()).toEqual([]);
  expect(some(missing('--packages'))).toEqual(['certbot']);
  expect(some(missing('--packages', '--bench'))).toEqual(['certbot', 'wrk']);
  expect(some(missing('--packages', '--pictures'))).toEqual(['certbot', 'chromium']);
  program('path/chromium', 'exit 1');
  expect(some(missing('--packages', '--pictures'))).toEqual(['certbot']);
});

test('every flag that a script gives is one it knows', () => {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const given = Object.values(scripts).flatMap(
    (line) => /bin\/prepare\.js(.*)$/.exec(line)?.[1]?.match(/--\S+/g) ?? [],
  );
  const known = readFileSync(join(import.meta.dirname, 'prepare.js'), 'utf8');
  expect(new Set(given).size).toBeGreaterThan(2);
  expect(given.filter((flag) => !known.includes(`asked('${flag}')`))).toEqual([]);
});
