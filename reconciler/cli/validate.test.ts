import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

/** A clone with the example data, committed on main; then `change` is laid over its files. */
async function changedClone(change: Record<string, string | undefined>): Promise<string> {
  const clone = mkdtempSync(join(work, 'clone-'));
  for (const part of ['kokoa.yaml', 'origins', 'edges', 'routes'])
    cpSync(join(TOP, part), join(clone, part), { recursive: true });
  const env = { PATH: process.env.PATH!, HOME: clone, GIT_CONFIG_NOSYSTEM: '1' };
  const git = (...args: string[]) => execa('git', args, { cwd: clone, env, extendEnv: false });
  await git('init', '--quiet', '-b', 'main');
  await git('add', '-A');
  await git('-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--quiet', '-m', 'base');
  for (const [path, text] of Object.entries(change)) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    if (text === undefined) rmSync(join(clone, path));
    else writeFileSync(join(clone, path), text);
  }
  return clone;
}

const KOKOA = readFileSync(join(TOP, 'kokoa.yaml'), 'utf8');
const NOVA = 'hostname: app.nova.com\norigin: home\nport: 80\n';

describe('kokoa validate --base', { timeout: 60_000 }, () => {
  it('says ok for a change that keeps to what is its own, from any folder of the clone', async () => {
    const clone = await changedClone({ 'routes/hoge/x.yaml': 'hostname: x.hoge.com\norigin: home\nport: 80\n' });
    const expected = { stdout: 'ok: 3 routes, 2 origins, 2 edges', stderr: '', exitCode: 0 };
    expect(await validate(['--base', 'main'], {}, clone)).toEqual(expected);
    expect(await validate(['--base', 'HEAD'], {}, join(clone, 'routes'))).toEqual(expected);
  });

  it('refuses a grant and a route below it in one change, which without a base are fine', async () => {
    const grant = KOKOA.replace("      - '*.fuga.com'\n", "      - '*.fuga.com'\n      - '*.hoge.com'\n");
    const clone = await changedClone({
      'kokoa.yaml': grant,
      'routes/fuga/shop.yaml': 'hostname: shop.hoge.com\norigin: office\nport: 80\n',
    });
    expect((await validate([clone])).exitCode).toBe(0);
    const { stdout, exitCode } = await validate([clone, '--base', 'main', '-o', 'github']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^::error file=.*routes\/fuga\/shop\.yaml,line=1,col=11,title=KK362::found shop\.hoge\.com/);
    expect(stdout).toContain('owners of kokoa.yaml in CODEOWNERS');
    expect(stdout).toContain('@octo-org/hoge');
  });

  it("prints the lines that kokoa.yaml needs for a team's first pull request, and who approves them", async () => {
    const clone = await changedClone({ 'routes/nova/app.yaml': NOVA });
    const { stdout, exitCode } = await validate([clone, '--base', 'main'], { FORCE_COLOR: '' });
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      '\n\nkokoa.yaml needs this below teams:, in a change of its own that is approved by\nthe operators (owners of kokoa.yaml in CODEOWNERS):\n\n  - name: nova\n    hostnames:\n      - app.nova.com\n\norigins/home.yaml needs this in place of its teams:, in a change of its own that\nis approved by @octo-org/hoge and the operators (owners of kokoa.yaml in\nCODEOWNERS):\n\nteams:\n  - hoge\n  - nova\n\n2 problems',
    );
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('warns of what was wrong before, and fails when the change touches it', async () => {
    const clone = await changedClone({ 'routes/nova/app.yaml': NOVA });
    const env = { PATH: process.env.PATH!, HOME: clone };
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
    await execa('git', ['add', '-A'], { cwd: clone, env, extendEnv: false });
    await execa('git', [...identity, 'commit', '--quiet', '-m', 'wrong'], { cwd: clone, env, extendEnv: false });
    const untouched = await validate([clone, '--base', 'main']);
    expect([untouched.exitCode, untouched.stdout]).toEqual([0, expect.stringContaining('warning KK301')]);
    writeFileSync(join(clone, 'routes/nova/app.yaml'), `${NOVA}# touched\n`);
    expect((await validate([clone, '--base', 'main'])).exitCode).toBe(1);
    expect((await validate([clone, '--base', 'main~1'])).exitCode).toBe(1);
  });

  it.each([
    ['an option in place of a commit', ['--base=--help']],
    ['another one', ['--base=-x']],
    ['a commit that is not there', ['--base', 'nowhere']],
    ['no commit', ['--base']],
  ])('exits 2 for %s, with nothing on stdout', async (_, args) => {
    const clone = await changedClone({});
    const { stdout, stderr, exitCode } = await validate([clone, ...args]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('exits 2 outside of a clone', async () => {
    const { stderr, exitCode } = await validate(['bad', '--base', 'main']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('is in no clone')]);
  });

  it('explains itself in 80 columns', async () => {
    const { stdout } = await validate(['--help']);
    expect(stdout).toContain('--base');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

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
    expect(stdout).toMatch(
      /\n\n4 problems in 3 files \(1 warning\)\nMore may follow: how the values of a file go together, and with the other files,\nis looked at when each of them is valid\.$/,
    );
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
