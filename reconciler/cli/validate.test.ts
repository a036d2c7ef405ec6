import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const TOP = join(import.meta.dirname, '..', '..');
const PROGRAM = `
  import { Command, CommanderError } from ${JSON.stringify(import.meta.resolve('commander'))};
  import { registerValidate } from ${JSON.stringify(join(import.meta.dirname, 'validate.ts'))};
  const program = new Command('kokoa').exitOverride();
  registerValidate(program);
  try {
    await program.parseAsync(process.argv.slice(1), { from: 'user' });
  } catch (error) {
    console.error(error instanceof CommanderError ? error.message : error.code + ': ' + error.message);
    process.exitCode = error instanceof CommanderError || error.code === 'usage' ? 2 : 99;
  }
`;

let work: string;
let bad: string;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'kokoa-validate-'));
  bad = join(work, 'bad');
  for (const part of ['kokoa.yaml', 'origins', 'edges', 'routes'])
    cpSync(join(TOP, part), join(bad, part), { recursive: true });
  writeFileSync(join(bad, 'routes/hoge/x.yaml'), 'hostname: x.hoge.com\norigin: hoem\nport: 80\n');
  writeFileSync(join(bad, 'routes/hoge/notes.txt'), '');
  writeFileSync(join(bad, 'routes/hoge/\u001b[31mred.yaml'), 'hostname: \u001b[31m\n');
  mkdirSync(join(work, 'empty'));
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Starts the command as a program of its own, in the work folder. */
function start(args: string[], env: Record<string, string> = {}, cwd = work) {
  const argv = ['--input-type=module', '-e', PROGRAM, '--', 'validate', ...args];
  return execa(process.execPath, argv, { cwd, env, reject: false, timeout: 30_000 });
}

async function validate(args: string[], env: Record<string, string> = {}, cwd = work) {
  const { stdout, stderr, exitCode } = await start(args, env, cwd);
  return { stdout, stderr, exitCode };
}

describe('kokoa validate', { timeout: 30_000 }, () => {
  it('says ok and exits 0 for good data', async () => {
    expect(await validate([TOP])).toEqual({ stdout: 'ok: 2 routes, 2 origins, 2 edges', stderr: '', exitCode: 0 });
  });

  it('prints every problem and a summary, and exits 1', async () => {
    const { stdout, stderr, exitCode } = await validate(['bad'], { FORCE_COLOR: '' });
    expect([exitCode, stderr]).toEqual([1, '']);
    expect(stdout).toContain(
      'routes/hoge/x.yaml:2:9 error KK304\n  found the origin hoem, expected one of home, office\n  2 | origin: hoem\n    |         ^\n  hint: did you mean home?\n',
    );
    expect(stdout).toMatch(/\n\n4 problems in 3 files \(1 warning\)$/);
    expect(stdout).not.toContain('\u001b');
  });

  it('prints one JSON document on stdout, also at exit 1', async () => {
    const { stdout, exitCode } = await validate(['bad', '-o', 'json']);
    expect(exitCode).toBe(1);
    const { problems } = JSON.parse(stdout) as { problems: Record<string, unknown>[] };
    expect(problems.map(({ file, rule }) => `${file} ${rule}`)).toEqual([
      'routes/hoge/\u001b[31mred.yaml KK101',
      'routes/hoge/\u001b[31mred.yaml KK004',
      'routes/hoge/notes.txt KK103',
      'routes/hoge/x.yaml KK304',
    ]);
    for (const problem of problems)
      expect(Object.keys(problem)).toEqual(['file', 'line', 'column', 'rule', 'severity', 'message', 'hint']);
  });

  it('prints workflow commands with paths from the working directory', async () => {
    const { stdout, exitCode } = await validate(['bad', '--output', 'github']);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('::error file=bad/routes/hoge/x.yaml,line=2,col=9,title=KK304::found the origin hoem');
  });

  it('finds a folder without kokoa.yaml wrong in content, not in usage', async () => {
    const { stdout, exitCode } = await validate(['empty', '-o', 'json']);
    expect(exitCode).toBe(1);
    expect((JSON.parse(stdout) as { problems: { rule: string }[] }).problems.map(({ rule }) => rule)).toEqual([
      'KK401',
    ]);
  });

  it('without a folder takes the nearest above, as git would, and stays inside the clone', async () => {
    const inside = await validate([], {}, join(TOP, 'routes/hoge'));
    expect(inside).toEqual({ stdout: 'ok: 2 routes, 2 origins, 2 edges', stderr: '', exitCode: 0 });
    mkdirSync(join(bad, 'clone/.git'), { recursive: true });
    mkdirSync(join(bad, 'clone/deep'));
    const { stdout } = await validate(['-o', 'json'], {}, join(bad, 'clone/deep'));
    expect((JSON.parse(stdout) as { problems: { rule: string }[] }).problems.map(({ rule }) => rule)).toEqual([
      'KK401',
    ]);
  });

  it('stays calm when its reader goes away', async () => {
    const program = start(['bad']);
    program.stdout.destroy();
    const { stderr, exitCode } = await program;
    expect([exitCode, stderr]).toEqual([1, '']);
  });

  it.each([
    ['a folder that is not there', ['nowhere']],
    ['an unknown format', ['bad', '-o', 'xml']],
    ['two folders', ['bad', 'empty']],
  ])('exits 2 for %s, with nothing on stdout and no stack trace', async (_, args) => {
    const { stdout, stderr, exitCode } = await validate(args);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
