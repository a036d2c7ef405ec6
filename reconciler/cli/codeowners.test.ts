// The command over real folders: what it writes, what it leaves, and what a check of a pull request prints of a hostile file.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { registerCodeowners } from './codeowners.ts';
import { runCommand } from './run-command.fixture.ts';

const TOP = join(import.meta.dirname, '..', '..');
const OPERATORS = ['--operators', '@octo-org/ops'];

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'kokoa-codeowners-'));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

function makeData(dir: string): string {
  mkdirSync(dir, { recursive: true });
  for (const part of ['kokoa.yaml', 'origins', 'edges', 'routes'])
    cpSync(join(TOP, part), join(dir, part), { recursive: true });
  return dir;
}

const run = (dir: string, ...args: string[]) => runCommand(registerCodeowners, ['codeowners', dir, ...args]);

const put = (path: string, text: string) => {
  mkdirSync(join(top, path, '..'), { recursive: true });
  writeFileSync(join(top, path), text);
};
const text = (path = '.github/CODEOWNERS') => readFileSync(join(top, path), 'utf8');

test('it is written once, is as it should be from then on, and follows kokoa.yaml', async () => {
  makeData(top);
  expect(await run(top, '--check')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--operators') });
  expect(await run(top, ...OPERATORS)).toMatchObject({ exitCode: 0, stdout: 'wrote .github/CODEOWNERS\n' });
  expect(text()).toContain('\n/routes/hoge/ @octo-org/hoge\n');
  expect(await run(top, '--check')).toMatchObject({ exitCode: 0, stdout: 'ok: .github/CODEOWNERS\n' });
  put('kokoa.yaml', text('kokoa.yaml').replaceAll('@octo-org/hoge', '@ann'));
  const before = text();
  expect(await run(top, '--check')).toMatchObject({
    exitCode: 1,
    stdout: '@@ line 11 @@\n-/routes/hoge/ @octo-org/hoge\n+/routes/hoge/ @ann\n',
    stderr: expect.stringContaining('(codeowners_stale)'),
  });
  expect(text()).toBe(before);
  expect(await run(top)).toMatchObject({ exitCode: 0, stdout: 'wrote .github/CODEOWNERS\n' });
  expect(text()).toBe(before.replace('@octo-org/hoge', '@ann'));
});

test('a team without owners is named, and is no mistake', async () => {
  makeData(top);
  const teams = (count: number) =>
    Array.from({ length: count }, (_, n) => `  - { name: t${n}, hostnames: [t${n}.hoge.com] }\n`);
  put('kokoa.yaml', text('kokoa.yaml').replace(/^teams:\n/m, `teams:\n${teams(7).join('')}`));
  const { stderr, exitCode } = await run(top, ...OPERATORS);
  expect([exitCode, stderr.split('\n')[0]]).toEqual([
    0,
    'note: team t0 has no owners: the operators approve its routes',
  ]);
  expect(stderr.split('\n').slice(4)).toEqual([expect.stringContaining('team t4 '), 'note: … and 2 more teams', '']);
  expect(await run(top, '--check')).toMatchObject({ exitCode: 0, stdout: 'ok: .github/CODEOWNERS\n', stderr });
  expect((await run(makeData(join(top, 'owned')), ...OPERATORS)).stderr).toBe('');
});

test('in a clone it stands at the top, and its patterns lead to the data', async () => {
  mkdirSync(join(top, '.git'));
  const data = makeData(join(top, 'fleet'));
  await run(data, ...OPERATORS);
  expect(text()).toContain('\n/fleet/routes/hoge/ @octo-org/hoge\n');
});

test.each(['CODEOWNERS', 'docs/CODEOWNERS'])('%s is used where the repository has it', async (path) => {
  makeData(top);
  put(path, '* @octo-org/ops\n');
  expect(await run(top)).toMatchObject({ exitCode: 0, stdout: `wrote ${path}\n` });
  expect(text(path)).toContain('# kokoa:end\n');
});

test('a hostile file prints neither a command of the runner nor control characters', async () => {
  makeData(top);
  const evil = ['::error::x', '  ::add-mask::y', 'x ##[group]z', '\u001b[31mred', 'a\u202eb'].join('\n');
  put('.github/CODEOWNERS', `* @octo-org/ops\n# kokoa:begin\n${evil}\n# kokoa:end\n`);
  const { stdout, exitCode } = await run(top, '--check');
  expect(exitCode).toBe(1);
  expect(stdout.split('\n').filter((line) => /^\s*::|##\[|[\u001b\u202e]/.test(line))).toEqual([]);
  expect(stdout).toContain('\n-::error::x\n');
});

test.each<[string, () => void]>([
  ['a link', () => symlinkSync('/etc/hostname', join(top, '.github/CODEOWNERS'))],
  ['a folder', () => mkdirSync(join(top, '.github/CODEOWNERS'))],
  ['bytes that are no text', () => writeFileSync(join(top, '.github/CODEOWNERS'), Buffer.from([0xff, 0xfe]))],
  ['more than GitHub reads', () => writeFileSync(join(top, '.github/CODEOWNERS'), Buffer.alloc(3 * 1024 * 1024 + 1))],
  [
    'a folder that is a link',
    () => {
      rmSync(join(top, '.github'), { recursive: true });
      symlinkSync(tmpdir(), join(top, '.github'));
    },
  ],
])('%s in its place is refused and left as it is', async (_, make) => {
  makeData(top);
  mkdirSync(join(top, '.github'));
  make();
  expect(await run(top, ...OPERATORS)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('(codeowners_refused)'),
  });
});

test('without a valid kokoa.yaml nobody is known', async () => {
  expect(await run(top, ...OPERATORS)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('(kokoa_missing)'),
  });
});
