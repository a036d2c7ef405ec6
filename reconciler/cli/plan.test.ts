// The plan command over real repositories: what it compares, what it refuses, how it ends, and that it runs nothing of a repository.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Changes } from '../core/changes/change.ts';
import { planOfDir } from './plan.ts';

const TOP = join(import.meta.dirname, '..', '..');
const MAIN = join(TOP, 'reconciler/main.ts');
const NOW = new Date('2026-11-21T12:00:00Z');
const BAD = 'hostname: blog.hoge.com\norigin: hom\nport: 9000\n';
const BLOG = 'hostname: blog.hoge.com\norigin: home\nport: 9000\n';

let work: string;
let repository: string;
/** Where the data is in the repository. */
let data: string;

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'kokoa-plan-'));
  await makeRepository('.');
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

async function makeRepository(folder: string): Promise<void> {
  repository = mkdtempSync(join(work, 'repository-'));
  data = join(repository, folder);
  mkdirSync(data, { recursive: true });
  for (const part of ['kokoa.yaml', 'origins', 'edges', 'routes'])
    cpSync(join(TOP, part), join(data, part), { recursive: true });
  await git('init', '--quiet', '--initial-branch=main');
  await commit('the first commit');
}

async function git(...args: string[]): Promise<string> {
  const person = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgSign=false'];
  const { stdout } = await execa('git', [...person, ...args], {
    cwd: repository,
    env: { GIT_CONFIG_GLOBAL: '/dev/null' },
  });
  return stdout;
}

/** Answers the id of a commit of all that is there. */
async function commit(message: string): Promise<string> {
  await git('add', '--all');
  await git('commit', '--quiet', '--allow-empty', '-m', message);
  return git('rev-parse', 'HEAD');
}

function write(path: string, text: string): void {
  writeFileSync(join(data, path), text);
}

/** Starts the command as a program of its own. */
async function plan(args: string[], cwd = data) {
  const argv = [MAIN, 'plan', ...args];
  const { stdout, stderr, exitCode } = await execa(process.execPath, argv, { cwd, reject: false, timeout: 60_000 });
  return { stdout, stderr, exitCode };
}

async function validate(base: string) {
  return execa(process.execPath, [MAIN, 'validate', '--base', base], { cwd: data, reject: false, timeout: 60_000 });
}

async function planned(from: string, to?: string) {
  const found = await planOfDir(data, { from, ...(to !== undefined && { to }) }, NOW);
  if (found.kind === 'errors') throw new Error(JSON.stringify(found.judgement.problems));
  return found;
}

async function changes(from: string, to?: string): Promise<Changes> {
  return (await planned(from, to)).changes;
}

const names = (list: { name: string }[]) => list.map(({ name }) => name);

describe('kokoa plan', () => {
  test('compares a commit with the files that are there, committed or not', async () => {
    write('routes/hoge/blog.hoge.com.yaml', BLOG);
    const found = await changes('main');
    expect(found.base).toBe(await git('rev-parse', 'main'));
    expect(names(found.hosts.added)).toEqual(['blog.hoge.com']);
    expect(found.guard.kind).toBe('pass');
  });

  test('compares two commits, by branch, tag or id, whatever is checked out', async () => {
    const first = await git('rev-parse', 'HEAD');
    await git('tag', 'v1');
    write('routes/hoge/blog.hoge.com.yaml', BLOG);
    rmSync(join(data, 'routes/hoge/app.hoge.com.yaml'));
    await commit('blog for app');
    write('routes/hoge/not-yaml.yaml', '{');
    for (const from of ['v1', first, first.slice(0, 12), 'HEAD~1']) {
      const { hosts } = await changes(from, 'main');
      expect([names(hosts.removed), names(hosts.added)]).toEqual([['app.hoge.com'], ['blog.hoge.com']]);
    }
  });

  test('works where the data is a folder of the repository, by its name and from inside', async () => {
    await makeRepository('fleet/data');
    write('routes/hoge/blog.hoge.com.yaml', BLOG);
    expect(names((await changes('HEAD')).hosts.added)).toEqual(['blog.hoge.com']);
    const { stdout } = await plan(['--from', 'HEAD', '-o', 'json'], join(data, 'routes'));
    expect(names((JSON.parse(stdout) as Changes).hosts.added)).toEqual(['blog.hoge.com']);
  });

  test('of a first commit adds everything, and nothing can be lost', async () => {
    await git('rm', '--quiet', '-r', '.');
    const empty = await commit('nothing');
    await git('revert', '--no-edit', 'HEAD');
    const found = await changes(empty);
    expect([found.base, names(found.hosts.added), found.nodes.added.length]).toEqual([
      undefined,
      ['app.hoge.com', 'wiki.fuga.com'],
      4,
    ]);
  });

  test('prints an override that lets the very plan pass once it is in kokoa.yaml', async () => {
    rmSync(join(data, 'edges/osaka-1.yaml'));
    const { guard } = await changes('main');
    if (guard.kind !== 'refused') throw new Error(guard.kind);
    write('kokoa.yaml', readFileSync(join(data, 'kokoa.yaml'), 'utf8') + guard.override);
    expect((await changes('main')).guard.kind).toBe('overridden');
  });

  test('says when the base has what the other side lacks', async () => {
    await git('switch', '--quiet', '-c', 'mine');
    await git('switch', '--quiet', 'main');
    write('routes/hoge/blog.hoge.com.yaml', BLOG);
    await commit('blog');
    const { notes, changes: found } = await planned('main', 'mine');
    expect(names(found.hosts.removed)).toEqual(['blog.hoge.com']);
    expect(notes).toEqual([expect.stringMatching(/^"main" has commits that the other side lacks/)]);
  });
});

describe('exit codes', () => {
  test('are 0 and 1, and with --detailed-exitcode 2 where something changes', async () => {
    const codes = async () =>
      (await Promise.all([plan(['--from', 'main']), plan(['--from', 'main', '--detailed-exitcode'])])).map(
        ({ exitCode }) => exitCode,
      );
    expect(await codes()).toEqual([0, 0]);
    write('routes/hoge/blog.hoge.com.yaml', BLOG);
    expect(await codes()).toEqual([0, 2]);
    write('routes/hoge/blog.hoge.com.yaml', BAD);
    expect(await codes()).toEqual([1, 1]);
  });

  test('are 1 where the guard refuses, because nothing would be published', async () => {
    rmSync(join(data, 'edges/osaka-1.yaml'));
    for (const more of [[], ['--detailed-exitcode']]) {
      const { stdout, exitCode } = await plan(['--from', 'main', ...more]);
      expect([exitCode, stdout]).toEqual([1, expect.stringContaining('!! GUARD: REFUSED')]);
    }
  });

  test.each([
    [['--from=-x'], 'found the revision "-x", expected'],
    [['no-such-folder', '--from', 'main'], 'cannot read the folder'],
    [[], "required option '--from <rev>' not specified\n  --from <rev>  what is published now, such as origin/main\n"],
    [['--from', 'main', '-o', 'html'], 'Allowed choices are text, markdown, json'],
  ])('of wrong usage are 1: %j', async (args, message) => {
    const { stdout, stderr, exitCode } = await plan(args);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toContain(message);
  });

  test.each([
    ['nowhere', undefined, '"nowhere"'],
    ['--output=/tmp/x', undefined, '"--output=/tmp/x"'],
    ['main:kokoa.yaml', undefined, '"main:kokoa.yaml"'],
    ['', undefined, '""'],
    ['main\u001b[31m', undefined, '"main\\u001b[31m"'],
    ['main\nmain', undefined, '"main\\nmain"'],
    ['x'.repeat(2000), undefined, `"${'x'.repeat(256)}"`],
    ['main', '0'.repeat(40), `"${'0'.repeat(40)}"`],
  ])('a revision that is none is named: %j, %j', async (from, to, named) => {
    await expect(planned(from, to)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(`found the revision ${named}, expected `),
    });
  });

  test('a folder in no repository is refused', async () => {
    cpSync(data, join(work, 'plain'), { recursive: true, filter: (path) => !path.endsWith('.git') });
    const found = planOfDir(join(work, 'plain'), { from: 'main' }, NOW);
    await expect(found).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('is in no clone') });
  });
});

describe('a change that brings its own grant', () => {
  /** Team, origin grant and route in one, as somebody may who does not know better. */
  const ownGrant = () => {
    const kokoa = readFileSync(join(data, 'kokoa.yaml'), 'utf8');
    write('kokoa.yaml', kokoa.replace(/^teams:\n/m, 'teams:\n  - name: piyo\n    hostnames: [piyo.example.org]\n'));
    write(
      'origins/home.yaml',
      readFileSync(join(data, 'origins/home.yaml'), 'utf8').replace('  - hoge\n', '  - hoge\n  - piyo\n'),
    );
    mkdirSync(join(data, 'routes/piyo'));
    write('routes/piyo/piyo.example.org.yaml', BLOG.replace('blog.hoge.com', 'piyo.example.org'));
  };

  test('is refused as the check of its pull request refuses it', async () => {
    ownGrant();
    const { stdout, exitCode } = await plan(['--from', 'main']);
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('KK363')]);
    expect(stdout).toBe((await validate('main')).stdout);
    expect((await plan(['--from', 'main', '-o', 'markdown'])).stdout).toMatch(/^### Plan: the data has errors\n/);
  });

  test('is compared as it is where both commits are named, and a note says that it would be refused', async () => {
    const first = await git('rev-parse', 'HEAD');
    ownGrant();
    await commit('all in one');
    const { stdout, stderr, exitCode } = await plan(['--from', first, '--to', 'main']);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('1 host added')]);
    expect(stderr).toMatch(/^note: a pull request from "[0-9a-f]{40}" to this\s+would be refused: KK36\d in \S+/m);
    expect(stderr.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect((await planned(first, first)).notes).toEqual([]);
  });
});

describe('data with errors', () => {
  test.each([
    ['text', /^routes\/hoge\/bad\.yaml:2:9 error KK304\n/],
    ['markdown', /^### Plan: the data has errors\n\n {4}routes\/hoge\/bad\.yaml:2:9 error KK304\n/],
    ['json', /"rule": "KK304"/],
  ])('is named as validate does, as %s', async (output, said) => {
    write('routes/hoge/bad.yaml', BAD);
    await commit('bad');
    const { stdout, exitCode } = await plan(['--from', 'HEAD~1', '--to', 'HEAD', '-o', output]);
    expect([exitCode, stdout]).toEqual([1, expect.stringMatching(said)]);
  });

  test('in a route of the base: it counts as absent there, and the plan says so', async () => {
    write('routes/hoge/bad.yaml', BAD);
    await commit('bad');
    write('routes/hoge/bad.yaml', BLOG);
    const found = await changes('HEAD');
    expect([names(found.hosts.added), found.absentAtBase]).toEqual([['blog.hoge.com'], ['routes/hoge/bad.yaml']]);
  });

  test('in kokoa.yaml of the base: there is no plan, and it says why', async () => {
    const good = readFileSync(join(data, 'kokoa.yaml'), 'utf8');
    write('kokoa.yaml', `${good}bad: 1\n`);
    await commit('bad');
    write('kokoa.yaml', good);
    const { stdout, stderr, exitCode } = await plan(['--from', 'HEAD']);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('(base_invalid)')]);
    expect(stdout).toContain('error KK112');
  });
});

describe('a repository that means harm', () => {
  test('has no hook, monitor, filter or external diff run, and nothing is written', async () => {
    const trap = join(work, 'trap');
    writeFileSync(trap, `#!/bin/sh\ntouch ${join(work, 'sprung')}\ncat\n`);
    chmodSync(trap, 0o755);
    for (const [key, value] of Object.entries({
      'core.fsmonitor': trap,
      'core.hooksPath': work,
      'diff.external': trap,
      'filter.bad.smudge': trap,
      'filter.bad.clean': trap,
      'filter.bad.required': 'true',
      'diff.bad.textconv': trap,
      'core.alternateRefsCommand': trap,
      'core.pager': trap,
    }))
      await git('config', key, value);
    for (const hook of ['post-index-change', 'post-checkout', 'reference-transaction']) cpSync(trap, join(work, hook));
    writeFileSync(join(repository, '.git/info/attributes'), '* filter=bad diff=bad\n');
    write('routes/hoge/blog.hoge.com.yaml', BLOG);
    const index = readFileSync(join(repository, '.git/index'));
    expect(names((await changes('main')).hosts.added)).toEqual(['blog.hoge.com']);
    expect(existsSync(join(work, 'sprung'))).toBe(false);
    expect(readFileSync(join(repository, '.git/index')).equals(index)).toBe(true);
  });

  test('has its links and its large files refused, never followed or read', async () => {
    renameSync(join(data, 'routes/hoge/app.hoge.com.yaml'), join(work, 'secret.yaml'));
    symlinkSync(join(work, 'secret.yaml'), join(data, 'routes/hoge/app.hoge.com.yaml'));
    write('routes/hoge/large.yaml', `# ${'x'.repeat(1024 * 1024)}\n`);
    await commit('links');
    const found = await planOfDir(data, { from: 'HEAD~1', to: 'HEAD' }, NOW);
    const problems = found.kind === 'errors' ? found.judgement.problems : [];
    expect(problems.map(({ file, rule }) => `${file} ${rule}`)).toEqual([
      'routes/hoge/app.hoge.com.yaml KK104',
      'routes/hoge/large.yaml KK001',
    ]);
    rmSync(join(data, 'routes/hoge/app.hoge.com.yaml'));
    rmSync(join(data, 'routes/hoge/large.yaml'));
    expect((await changes('HEAD')).absentAtBase).toEqual(['routes/hoge/app.hoge.com.yaml', 'routes/hoge/large.yaml']);
  });

  test('cannot put another commit in the place of one', async () => {
    const real = await git('rev-parse', 'HEAD');
    write('routes/hoge/blog.hoge.com.yaml', BLOG);
    const other = await commit('blog');
    await git('replace', real, other);
    expect(names((await changes(real, other)).hosts.added)).toEqual(['blog.hoge.com']);
  });
});
