// The action of pull requests, run line by line over clones as actions/checkout makes them: of a fork, shallow, with and without mistakes.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runAction } from './workflow-runner.ts';

const TOP = join(import.meta.dirname, '..');
const BLOG = 'hostname: blog.hoge.com\norigin: home\nport: 9000\n';

let work: string;
/** What is on the git server. */
let upstream: string;

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'kokoa-action-'));
  upstream = join(work, 'upstream');
  mkdirSync(upstream);
  for (const part of ['kokoa.yaml', 'origins', 'edges', 'routes', '.github'])
    cpSync(join(TOP, part), join(upstream, part), { recursive: true });
  await git(upstream, 'init', '--quiet', '--initial-branch=main');
  await commitAll(upstream, 'the first commit');
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

async function git(cwd: string, ...args: string[]): Promise<string> {
  const person = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgSign=false'];
  return (await execa('git', [...person, ...args], { cwd, env: { GIT_CONFIG_GLOBAL: '/dev/null' } })).stdout;
}

async function commitAll(dir: string, message: string): Promise<void> {
  await git(dir, 'add', '--all');
  await git(dir, 'commit', '--quiet', '--allow-empty', '-m', message);
}

/** A fork changes files; then GitHub makes the merge commit that a workflow is given. `main` may go on meanwhile. */
async function propose(change: (fork: string) => void, meanwhile: () => Promise<void> = async () => {}): Promise<void> {
  const fork = join(work, 'fork');
  await git(work, 'clone', '--quiet', upstream, fork);
  change(fork);
  await commitAll(fork, 'the change; $(touch /tmp/never) ::error::x');
  await meanwhile();
  await git(upstream, 'fetch', '--quiet', fork, 'HEAD:refs/pull/1/head');
  await git(upstream, 'switch', '--quiet', '--detach', 'main');
  await git(upstream, 'merge', '--quiet', '--no-ff', '-m', 'Merge', 'refs/pull/1/head');
  await git(upstream, 'update-ref', 'refs/pull/1/merge', 'HEAD');
  await git(upstream, 'switch', '--quiet', 'main');
}

/** Answers what the action says of the checkout of the merge commit. */
async function check({ depth = 2, inputs = {} }: { depth?: number; inputs?: Record<string, string> } = {}) {
  const workspace = join(work, 'workspace');
  const data = join(workspace, 'data');
  mkdirSync(data, { recursive: true });
  await git(data, 'init', '--quiet');
  await git(
    data,
    'fetch',
    '--quiet',
    `--depth=${depth}`,
    `file://${upstream}`,
    '+refs/pull/1/merge:refs/remotes/pull/1/merge',
  );
  await git(data, 'checkout', '--quiet', '--force', 'refs/remotes/pull/1/merge');
  const action = { action: join(TOP, 'action.yml'), actionPath: TOP, workspace, without: ['install'] };
  return runAction({ ...action, inputs: { directory: 'data', ...inputs } });
}

const put = (dir: string, path: string, text: string) => writeFileSync(join(dir, path), text);
const errorsIn = (stdout: string) => stdout.split('\n').filter((line) => line.startsWith('::error file='));

test('a good change passes, and the summary says what the merge would do', async () => {
  await propose((fork) => put(fork, 'routes/hoge/blog.hoge.com.yaml', BLOG));
  const { exitCode, stdout, summary } = await check();
  expect([exitCode, errorsIn(stdout)]).toEqual([0, []]);
  expect(stdout).toContain('ok: 3 routes, 2 origins, 2 edges\n');
  expect(summary).toMatch(/^### Plan: 1 host added\n/);
  expect(summary).toContain('**added** `blog.hoge.com`');
});

test('a change with two mistakes fails, with two lines that name their places from the top of the repository', async () => {
  await propose((fork) => {
    put(fork, 'routes/hoge/blog.hoge.com.yaml', BLOG.replace('home', 'hom'));
    put(fork, 'routes/hoge/shop.hoge.com.yaml', BLOG.replace('blog', 'shop').replace('9000', '90000'));
  });
  const { exitCode, stdout, summary } = await check();
  expect(exitCode).toBe(1);
  expect(errorsIn(stdout)).toEqual([
    expect.stringMatching(/^::error file=routes\/hoge\/blog\.hoge\.com\.yaml,line=2,/),
    expect.stringMatching(/^::error file=routes\/hoge\/shop\.hoge\.com\.yaml,line=3,/),
  ]);
  expect(summary).toMatch(/^### The check fails\n\n {4}routes\/hoge\/blog\.hoge\.com\.yaml:2:9 error KK304\n/);
  expect(summary).not.toContain('### Plan');
});

test('what the change grants itself does not count, and what others merged meanwhile is not this change', async () => {
  await propose(
    (fork) => {
      put(
        fork,
        'kokoa.yaml',
        readFileSync(join(fork, 'kokoa.yaml'), 'utf8').replace("'*.hoge.com'", "'*.hoge.com'\n      - '*.evil.com'"),
      );
      put(fork, 'routes/hoge/x.evil.com.yaml', BLOG.replace('blog.hoge', 'x.evil'));
    },
    async () => {
      put(upstream, 'routes/fuga/late.fuga.com.yaml', 'hostname: late.fuga.com\norigin: office\nport: 80\n');
      await commitAll(upstream, 'late');
    },
  );
  const { exitCode, stdout, summary } = await check();
  expect(exitCode).toBe(1);
  expect(errorsIn(stdout)).toEqual([expect.stringContaining('file=routes/hoge/x.evil.com.yaml,')]);
  expect(summary).toContain('**added** `x.evil.com`');
  expect(summary).not.toContain('late.fuga.com');
});

test('a plan that the guard refuses is shown and decides nothing', async () => {
  await propose((fork) => rmSync(join(fork, 'edges/osaka-1.yaml')));
  const { exitCode, stdout, summary } = await check();
  expect([exitCode, summary]).toEqual([0, expect.stringContaining('**Guard: refused**')]);
  expect(stdout).not.toContain('::notice');
});

test('a change that mends a broken branch passes without a plan', async () => {
  const good = readFileSync(join(upstream, 'edges/tokyo-1.yaml'), 'utf8');
  put(upstream, 'edges/tokyo-1.yaml', good.replace('51820', 'x'));
  await commitAll(upstream, 'broken');
  await propose((fork) => put(fork, 'edges/tokyo-1.yaml', good));
  const { exitCode, stdout, summary } = await check();
  expect([exitCode, summary]).toEqual([0, '']);
  expect(stdout).toContain('::notice title=No plan::');
});

test('a CODEOWNERS that kokoa.yaml does not want fails, unless nobody asks', async () => {
  const kokoa = readFileSync(join(upstream, 'kokoa.yaml'), 'utf8');
  await propose((fork) => put(fork, 'kokoa.yaml', kokoa.replaceAll('@octo-org/hoge', '@ann')));
  expect(await check()).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('+/routes/hoge/ @ann') });
  expect(await check({ inputs: { codeowners: 'false' } })).toMatchObject({ exitCode: 0 });
});

test('no line of the files is a command of the workflow', async () => {
  const owners = readFileSync(join(upstream, '.github/CODEOWNERS'), 'utf8');
  await propose((fork) => {
    put(fork, '.github/CODEOWNERS', owners.replace('/routes/hoge/', '::add-mask::hoge\n/routes/hoge/'));
    put(fork, 'routes/hoge/x.yaml', BLOG.replace('home', '"::warning::x ##[error]y"'));
  });
  const { stdout } = await check();
  const commands = outsideOfStops(stdout).filter((line) => /^\s*(::|##\[)/.test(line));
  expect(commands).toEqual([
    expect.stringMatching(/^::error file=routes\/hoge\/x\.yaml,/),
    expect.stringMatching(/^::notice title=No plan::/),
  ]);
  expect(commands.join('')).not.toContain('##[');
  expect(stdout).toContain('::add-mask::hoge');
});

/** As the runner reads them: from `::stop-commands::TOKEN` to `::TOKEN::` nothing is one. */
function outsideOfStops(stdout: string): string[] {
  let token: string | undefined;
  return stdout.split('\n').filter((line) => {
    const begins = /^::stop-commands::(.+)$/.exec(line);
    if (token === undefined && begins) token = begins[1];
    else if (token !== undefined && line === `::${token}::`) token = undefined;
    else return token === undefined;
    return false;
  });
}

test('a checkout without the base says which option is missing', async () => {
  await propose((fork) => put(fork, 'routes/hoge/blog.hoge.com.yaml', BLOG));
  const { exitCode, stdout } = await check({ depth: 1 });
  expect(exitCode).toBe(1);
  expect(stdout).toContain('fetch-depth: 2.');
});
