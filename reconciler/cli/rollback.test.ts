// Rollbacks of real repositories, proposed to GitHub's double: what comes back, once, and the same by hand.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Github, startGithub } from '../adapters/github.fixture.ts';
import { TOKEN } from '../adapters/github-double.fixture.ts';
import { OWNER, REPOSITORY } from '../adapters/github-state.fixture.ts';
import { registerRollback } from './rollback.ts';
import { runCommand } from './run-command.fixture.ts';

const EXAMPLE = join(import.meta.dirname, '../../test/golden-compile/001-example/input');
const APP = 'routes/hoge/app.hoge.com.yaml';
const BLOG = 'routes/hoge/blog.hoge.com.yaml';

let work: string;
let clone: string;
let data: string;
let github: Github;
beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'kokoa-rollback-'));
  github = await startGithub();
  writeFileSync(join(work, 'token'), TOKEN, { mode: 0o600 });
  await makeClone('.');
});
afterEach(async () => {
  await github.double.close();
  rmSync(work, { recursive: true, force: true });
});

async function makeClone(folder: string): Promise<void> {
  clone = mkdtempSync(join(work, 'clone-'));
  data = join(clone, folder);
  mkdirSync(data, { recursive: true });
  cpSync(EXAMPLE, data, { recursive: true });
  await git('init', '--quiet', '--initial-branch=main');
  await commit('the first commit');
}

async function git(...args: string[]): Promise<string> {
  const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com' };
  const person = { GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' };
  return (await execa('git', args, { cwd: clone, env: { ...env, ...person } })).stdout;
}

async function commit(message: string): Promise<string> {
  await git('add', '--all');
  await git('commit', '--quiet', '--allow-empty', '-m', message);
  return git('rev-parse', 'HEAD');
}

const put = (path: string, text: string) => writeFileSync(join(data, path), text);
const blog = (port = 9000) => put(BLOG, `hostname: blog.hoge.com\norigin: home\nport: ${port}\n`);

const rollback = (...args: string[]) => runCommand(registerRollback, ['rollback', data, ...args]);
async function proposed(...args: string[]) {
  if (github.double.state.pulls.length === 0) await publish();
  return rollback(
    ...['--github', `${OWNER}/${REPOSITORY}`, '--github-api', github.double.url],
    ...['--github-token-file', join(work, 'token'), ...args],
  );
}

/** GitHub has what the branch has here. */
async function publish(): Promise<void> {
  const { state } = github.double;
  const paths = (await git('ls-tree', '-r', '--name-only', 'HEAD')).split('\n');
  const texts = paths.map((path) => [path, readFileSync(join(clone, path), 'utf8')] as const);
  state.trees.set(treeOf('main'), new Map(texts));
}

function treeOf(branch: string): string {
  const { state } = github.double;
  return state.commits.get(state.refs.get(`refs/heads/${branch}`)!)!.tree;
}

/** Path → text, or null, of what the only pull request changes. */
function filesOfPull(): Record<string, string | null> {
  const { trees, pulls } = github.double.state;
  const [before, after] = [trees.get(treeOf('main'))!, trees.get(treeOf(pulls[0]!.headRef))!];
  const changed = [...after].filter(([path, text]) => before.get(path) !== text);
  const removed = [...before.keys()].filter((path) => !after.has(path)).map((path) => [path, null]);
  return Object.fromEntries([...changed, ...removed]);
}

/** By hand, in the same clone. Answers the data that is there then. */
async function byHand(...args: string[]): Promise<string> {
  const { stdout, exitCode } = await rollback('--print', ...args);
  expect(exitCode).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines.at(-1)).toBe('git push -u origin HEAD');
  await execa('bash', ['-ec', lines.slice(0, -1).join('\n')], {
    cwd: clone,
    env: {
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: 'a',
      GIT_AUTHOR_EMAIL: 'a@x.y',
      GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a@x.y',
    },
  });
  return git('ls-tree', '-r', 'HEAD');
}

test('the newest change of the data is undone, whatever else was committed after it, and only once', async () => {
  const before = readFileSync(join(data, APP), 'utf8');
  put(APP, before.replace('8080', '8081'));
  await commit('Move app; @everyone `x`');
  put('notes.txt', 'not data');
  await commit('notes');
  const first = await proposed();
  expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^opened #\d+ https:/) });
  const [pull] = github.double.state.pulls;
  expect(pull).toMatchObject({ title: 'Revert “Move app; @everyone `x`”' });
  expect(pull!.body).toContain('(`` Move app; @everyone `x` ``)');
  expect(pull!.body).toContain('### Plan: 1 host changed');
  expect(filesOfPull()).toEqual({ [APP]: before });
  expect(await proposed()).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('was there already, open: #'),
  });
  expect(github.double.state.pulls.length).toBe(1);
});

test('a merge is undone as a whole, and what it added goes', async () => {
  const before = await git('ls-tree', '-r', 'HEAD');
  await git('switch', '--quiet', '-c', 'topic');
  blog();
  await commit('blog');
  blog(9001);
  await commit('blog again');
  await git('switch', '--quiet', 'main');
  await git('merge', '--quiet', '--no-ff', '-m', 'Merge topic', 'topic');
  await proposed();
  expect(github.double.state.pulls[0]).toMatchObject({ title: 'Revert “Merge topic”' });
  expect(github.double.state.pulls[0]!.body).toContain('**removed** `blog.hoge.com`');
  expect(filesOfPull()).toEqual({ [BLOG]: null });
  expect(await byHand()).toBe(before);
});

test('--to brings the data of a commit back, over several changes, and leaves the rest', async () => {
  const first = await git('rev-parse', 'HEAD');
  const before = await git('ls-tree', '-r', 'HEAD');
  blog();
  await commit('blog');
  const app = readFileSync(join(data, APP), 'utf8');
  rmSync(join(data, APP));
  await commit('no app');
  await proposed('--to', first);
  expect(github.double.state.pulls[0]).toMatchObject({ title: `Bring the data back to ${first.slice(0, 10)}` });
  expect(filesOfPull()).toEqual({ [APP]: app, [BLOG]: null });
  expect(await byHand('--to', first)).toBe(before);
});

test('where the data is a folder of the repository, paths begin at its top', async () => {
  await makeClone('fleet/data');
  const before = await git('ls-tree', '-r', 'HEAD');
  const text = readFileSync(join(data, APP), 'utf8');
  put(APP, text.replace('8080', '8081'));
  await commit('Move app');
  await proposed();
  expect(filesOfPull()).toEqual({ [`fleet/data/${APP}`]: text });
  expect(await byHand()).toBe(before);
});

test('the branch is what the remote has, not what is committed here', async () => {
  const upstream = join(work, 'upstream.git');
  await git('clone', '--quiet', '--bare', clone, upstream);
  blog();
  await commit('blog');
  await git('remote', 'add', 'origin', upstream);
  await git('push', '--quiet', 'origin', 'main');
  await git('fetch', '--quiet', 'origin');
  blog(9001);
  await commit('mine alone');
  await proposed();
  expect(github.double.state.pulls[0]).toMatchObject({ title: 'Revert “blog”' });
});

test.each<[string, () => Promise<string[]>, RegExp]>([
  ['nothing came before', async () => [], /nothing_to_roll_back/],
  ['the data is the same there', async () => ['--to', 'main'], /nothing_to_roll_back/],
  ['the commit is unknown', async () => ['--to', 'nowhere'], /found the revision "nowhere"/],
  ['the commit is an option', async () => ['--to', '--upload-pack=x'], /found the revision/],
  ['the branch is unknown', async () => ['--branch', 'other'], /found the revision "other"/],
  [
    'the older data has errors',
    async () => {
      const good = readFileSync(join(data, APP), 'utf8');
      put(APP, good.replace('home', 'nowhere'));
      await commit('broken');
      put(APP, good);
      await commit('mended');
      return [];
    },
    /KK304[\s\S]*data_invalid/,
  ],
])('nothing is proposed when %s', async (_, prepare, message) => {
  const found = await proposed(...(await prepare()));
  expect(found.exitCode).toBeGreaterThan(0);
  expect(found.stderr).toMatch(message);
  expect(github.double.changes()).toEqual([]);
});

test('--print says what the commands change, and that the guard would refuse it', async () => {
  const first = await git('rev-parse', 'HEAD');
  const osaka = readFileSync(join(data, 'edges/osaka-1.yaml'), 'utf8');
  put(
    'edges/osaka-2.yaml',
    osaka
      .replace('osaka-1', 'osaka-2')
      .replace(/100\.0\.\d+/, '100.0.77')
      .replace(/sha256:..../, 'sha256:abcd'),
  );
  const second = await commit('osaka-2');
  const { exitCode, stdout, stderr } = await rollback('--print');
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`git revert --no-edit ${second}`)]);
  expect(stderr).toBe(`plan: 1 node removed
warning: the guard refuses it, nothing of it would be published:
  edges/osaka-2.yaml is gone or not readable while edge osaka-2 is active
all of it: kokoa plan --from ${second.slice(0, 10)} --to ${first.slice(0, 10)}
`);
});

test('--print of data with errors still prints the commands, and says it', async () => {
  const good = readFileSync(join(data, APP), 'utf8');
  put(APP, good.replace('home', 'nowhere'));
  await commit('broken');
  put(APP, good);
  const mended = await commit('mended');
  const { exitCode, stdout, stderr } = await rollback('--print');
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining(mended)]);
  expect(stderr).toMatch(
    /^warning: the data of [0-9a-f]{10} has errors today; they are named by\n {2}kokoa plan --from/,
  );
});

test('without --github it says so, and which commands would do it', async () => {
  blog();
  const id = await commit('blog');
  const { exitCode, stderr, stdout } = await rollback();
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`  git revert --no-edit ${id}\n`);
});
