// The repository that `kokoa init` makes: valid at once, ready for the first machine and route, checked by our own rules, all or nothing.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { brokenRules } from '../../test/workflow-rules.ts';
import { type InitNames, initFiles } from '../core/init-files.ts';
import { registerAdd } from './add.ts';
import { registerCodeowners } from './codeowners.ts';
import { registerInit } from './init.ts';
import { placeTree } from './init-place.ts';
import { runCommand } from './run-command.fixture.ts';
import { judgeDir } from './validate.ts';

const NAMES = ['--zone', 'hoge.com', '--operators', '@octo-org/ops', '--kokoa', 'octo-org/kokoa-proxy'];

let work: string;
let dir: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'kokoa-init-'));
  dir = join(work, 'fleet');
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const init = (...args: string[]) => runCommand(registerInit, ['init', dir, ...args]);
const text = (path: string) => readFileSync(join(dir, path), 'utf8');
const listed = () => (existsSync(dir) ? readdirSync(dir).sort() : []);

test('the result is valid, and its CODEOWNERS is what its kokoa.yaml wants', async () => {
  expect(await init(...NAMES)).toMatchObject({ exitCode: 0, stdout: `wrote 16 files to ${dir}\n` });
  expect(judgeDir(dir).problems).toEqual([]);
  expect(await runCommand(registerCodeowners, ['codeowners', dir, '--check'])).toMatchObject({ exitCode: 0 });
  expect(text('.github/workflows/validate.yml')).toMatch(/^ {6}- uses: octo-org\/kokoa-proxy@v\d+\.\d+\.\d+\n/m);
});

test('the first edge, origin and route go in, as its pages say', async () => {
  await init(...NAMES);
  const add = (...args: string[]) => runCommand(registerAdd, [...args, '--dir', dir]);
  expect(await add('edge', 'add', 'tokyo-1', '--address', '198.51.100.11')).toMatchObject({ exitCode: 0 });
  expect(await add('origin', 'add', 'home', '--team', 'hoge')).toMatchObject({ exitCode: 0 });
  expect(await add('route', 'add', 'app.hoge.com', '--origin', 'home', '--port', '8080')).toMatchObject({
    exitCode: 0,
  });
  expect(judgeDir(dir).problems).toEqual([]);
  const schema = /\$schema=(\S+)/.exec(text('routes/hoge/app.hoge.com.yaml'))![1]!;
  expect(existsSync(join(dir, 'routes/hoge', schema))).toBe(true);
  const page = /```yaml\n([\s\S]*?)```/.exec(text('routes/hoge/README.md'))![1]!;
  writeFileSync(join(dir, 'routes/hoge/app.hoge.com.yaml'), page);
  expect(judgeDir(dir).problems).toEqual([]);
});

test('its workflows keep to the rules', async () => {
  await init(...NAMES);
  const workflows = readdirSync(join(dir, '.github/workflows')).sort();
  expect(workflows).toEqual(['hostname-request.yml', 'validate.yml']);
  for (const name of workflows) expect(brokenRules(text(`.github/workflows/${name}`))).toEqual([]);
});

test('every name can be given, and lands where it belongs', async () => {
  await init(
    '--zone',
    'Bücher.example',
    '--operators',
    '@a',
    '--operators',
    'b@example.com',
    '--team',
    'shop',
    '--control-plane',
    'https://[2001:db8::1]:9/',
    '--kokoa',
    'me/proxy@v2.0.0',
  );
  expect(judgeDir(dir).problems).toEqual([]);
  expect(text('kokoa.yaml')).toContain('    - https://[2001:db8::1]:9\n');
  expect(text('kokoa.yaml')).toContain("  - name: shop\n    hostnames:\n      - '*.xn--bcher-kva.example'\n");
  expect(text('.github/CODEOWNERS')).toMatch(/^\/routes\/shop\/ @a$/m);
  expect(text('.github/CODEOWNERS')).toMatch(/^\* @a b@example\.com$/m);
  expect(text('.github/workflows/hostname-request.yml')).toContain('uses: me/proxy/.github/actions/request@v2.0.0\n');
});

describe('nothing is written when', () => {
  test.each<[string, string[], RegExp]>([
    ['the zone is a public suffix', ['--zone', 'co.uk'], /--zone/],
    ['the zone is a wildcard', ['--zone', '*.hoge.com'], /--zone/],
    ['the zone is more than a name', ['--zone', 'hoge.com\nevil: true'], /--zone/],
    ['the team is no name', ['--team', '../x'], /--team/],
    ['an operator is none', ['--operators', '@a @b'], /--operators/],
    ['the control plane is asked without TLS', ['--control-plane', 'http://control.hoge.com'], /--control-plane/],
    ['the control plane has a path', ['--control-plane', 'https://control.hoge.com/x'], /--control-plane/],
    ['Kokoa is nowhere', ['--kokoa', 'kokoa-proxy'], /--kokoa/],
    ['Kokoa is a program of the shell', ['--kokoa', 'a/b@v1;id'], /--kokoa/],
    ['Kokoa has two versions', ['--kokoa', 'a/b@1@2'], /--kokoa/],
  ])('%s', async (_, args, message) => {
    const found = await init(...NAMES, ...args);
    expect(found).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(message) });
    expect(readdirSync(work)).toEqual([]);
  });

  test('only e-mail addresses could approve', async () => {
    const args = NAMES.with(3, 'ops@hoge.com');
    expect(await init(...args)).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/at least one/) });
    expect(readdirSync(work)).toEqual([]);
  });

  test('something is there, which stays', async () => {
    mkdirSync(dir);
    writeFileSync(join(dir, 'notes.txt'), 'mine');
    expect(await init(...NAMES)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('"notes.txt"') });
    expect([listed(), text('notes.txt')]).toEqual([['notes.txt'], 'mine']);
  });

  test('the place is a file', async () => {
    writeFileSync(dir, '');
    expect(await init(...NAMES)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(unwritable)') });
  });

  test('one of the files cannot be written', async () => {
    mkdirSync(dir);
    const twice = [
      { path: 'b', text: '' },
      { path: 'a/x', text: '' },
      { path: 'a', text: '' },
    ];
    await expect(placeTree(dir, twice)).rejects.toMatchObject({ code: 'unwritable' });
    expect(listed()).toEqual([]);
    await expect(placeTree(join(work, 'new'), twice)).rejects.toMatchObject({ code: 'unwritable' });
    expect(readdirSync(work)).toEqual(['fleet']);
  });
});

test('what was put there goes again when the rest cannot be', async () => {
  mkdirSync(join(dir, '.git/refs'), { recursive: true });
  const files = ['-first', '.git'].map((path) => ({ path, text: '' }));
  await expect(placeTree(dir, files)).rejects.toMatchObject({ code: 'unwritable' });
  expect(listed()).toEqual(['.git']);
});

test('a clone without commits is filled', async () => {
  mkdirSync(join(dir, '.git'), { recursive: true });
  expect(await init(...NAMES)).toMatchObject({ exitCode: 0 });
  expect(listed()).toEqual([
    '.git',
    '.gitattributes',
    '.github',
    '.gitignore',
    'README.md',
    'edges',
    'kokoa.yaml',
    'origins',
    'routes',
    'schemas',
  ]);
});

test('a template that asks for an unknown name is a mistake, not an empty place', () => {
  const names: InitNames = {
    ...{ zone: 'hoge.com', team: 'hoge', operators: ['@a'], controlPlane: 'https://c.hoge.com' },
    ...{ kokoaRepository: 'a/b', kokoaRef: 'v1' },
  };
  expect(() => initFiles(new Map([['x', '<% zones %>']]), names)).toThrow(/asks for "zones"/);
  expect(initFiles(new Map([['TEAM/x', '<% zone %> {{ kept }}']]), names)[1]).toEqual({
    path: 'hoge/x',
    text: 'hoge.com {{ kept }}',
  });
});
