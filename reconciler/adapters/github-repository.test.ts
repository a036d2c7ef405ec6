// The double over a real bare repository: what the API and people do there is what git sees.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Forge, Proposal } from '../ports/forge.ts';
import { failure, type Github, startGithub } from './github.fixture.ts';
import type { GithubEvent } from './github-event.fixture.ts';
import { type Git, gitIn } from './github-git.fixture.ts';
import { createGithubPeople, type GithubPeople } from './github-people.fixture.ts';
import { createGitRepository } from './github-repository-git.fixture.ts';

const APP = 'routes/hoge/app.hoge.com.yaml';
const NEW = 'routes/hoge/new.hoge.com.yaml';

let folder: string;
let bare: Git;
let double: Github['double'];
let forge: Forge;
let people: GithubPeople;
let told: GithubEvent[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kokoa-github-'));
  const directory = join(folder, 'data.git');
  bare = gitIn(directory);
  await bare.run(['init', '-q', '--bare', '--initial-branch=main', directory]);
  await commit(directory, 'main', { [APP]: 'hostname: app.hoge.com\n', 'README.md': '# data\n' });
  told = [];
  const github = await startGithub({ repository: createGitRepository(directory), tell: (event) => told.push(event) });
  ({ double } = github);
  forge = github.connect();
  people = createGithubPeople(double, directory);
});

afterEach(async () => {
  forge.close();
  await double.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Commits files on the tip of a branch of a bare repository, in a clone of its own. Answers the commit. */
async function commit(repository: string, branch: string, files: Record<string, string>): Promise<string> {
  const work = mkdtempSync(join(folder, 'work-'));
  const git = gitIn(join(work, '.git'));
  const run = (...args: string[]) => git.run(['--work-tree', work, ...args]);
  await run('init', '-q', '--initial-branch=main');
  await run('remote', 'add', 'origin', repository);
  await run('fetch', '-q', 'origin');
  for (const start of ['origin/main', `origin/${branch}`])
    await git.attempt(['--work-tree', work, 'reset', '-q', '--hard', start]);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(work, dirname(path)), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  await run('add', '-A', '.');
  await run('commit', '-q', '-m', `change ${branch}`);
  await run('push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
  return run('rev-parse', 'HEAD');
}

async function fork(): Promise<string> {
  const directory = join(folder, 'fork.git');
  await gitIn(directory).run(['init', '-q', '--bare', '--initial-branch=main', directory]);
  await gitIn(directory).run(['fetch', '-q', join(folder, 'data.git'), 'main:main']);
  return directory;
}

/** What a reconciler that follows the repository gets for a pull request. */
async function fetched(number: number): Promise<{ sha: string; file(path: string): Promise<string> }> {
  const git = gitIn(mkdtempSync(join(folder, 'mirror-')));
  await git.run(['init', '-q', '--bare']);
  await git.run(['fetch', '-q', `file://${join(folder, 'data.git')}`, `refs/pull/${number}/head:refs/heads/pull`]);
  return { sha: await git.run(['rev-parse', 'pull']), file: (path) => git.run(['cat-file', 'blob', `pull:${path}`]) };
}

const tip = () => bare.run(['rev-parse', 'refs/heads/main']);

describe('a pull request of a fork', () => {
  it('is fetched under its number before and after a push, and told each time', async () => {
    const theirs = await fork();
    const first = await commit(theirs, 'topic', { [NEW]: 'wrong\n' });
    const { number } = await people.openPull({ branch: 'topic', title: 'Add new.hoge.com', fork: theirs });
    expect((await fetched(number)).sha).toBe(first);
    expect(await forge.openPullRequests()).toEqual([{ number, head: first, base: await tip(), isFork: true }]);
    const second = await commit(theirs, 'topic', { [NEW]: 'hostname: new.hoge.com\n' });
    await people.pushed(number);
    const seen = await fetched(number);
    expect([seen.sha, await seen.file(NEW)]).toEqual([second, 'hostname: new.hoge.com']);
    await people.pushed(number);
    await people.close(number);
    expect(told).toMatchObject([
      { kind: 'pull_request', action: 'opened', pull: { number, head: first, state: 'open' } },
      { kind: 'pull_request', action: 'synchronize', pull: { head: second }, before: first },
      { kind: 'pull_request', action: 'closed', pull: { state: 'closed' } },
    ]);
    expect(told).toHaveLength(3);
    expect(await forge.openPullRequests()).toEqual([]);
  });

  it('takes checks, statuses and deployments of its commits, and none of unknown ones', async () => {
    const theirs = await fork();
    const known = await commit(theirs, 'topic', { [NEW]: 'x\n' });
    const { number } = await people.openPull({ branch: 'topic', title: 'x', fork: theirs });
    const check = { name: 'kokoa', outcome: 'success', title: 't', summary: 's', annotations: [] } as const;
    const status = { name: 'kokoa/publish', state: 'success', description: 'd' } as const;
    const deployment = { environment: 'tokyo-1', state: 'success', description: 'd' } as const;
    expect(await forge.putCheck({ ...check, commit: known })).toBe('created');
    expect(await forge.putCommitStatus({ ...status, commit: known })).toBe('created');
    expect(await forge.putDeployment({ ...deployment, commit: known })).toBe('created');
    expect(await forge.putComment({ pullRequest: number, key: 'kokoa', markdown: 'the plan' })).toBe('created');
    const unknown = 'b'.repeat(40);
    for (const put of [
      forge.putCheck({ ...check, commit: unknown }),
      forge.putCommitStatus({ ...status, commit: unknown }),
      forge.putDeployment({ ...deployment, commit: unknown }),
    ])
      expect((await failure(put)).code).toMatch(/forge_(invalid|not_found)/);
  });
});

describe('a merge', () => {
  it.each([
    ['merge', 2],
    ['squash', 1],
  ] as const)('by %s is a real commit of %i parents that names its pull request', async (how, parents) => {
    const before = await tip();
    const head = await commit(join(folder, 'data.git'), 'topic', { [NEW]: 'hostname: new.hoge.com\n' });
    const { number } = await people.openPull({ branch: 'topic', title: 'Add new.hoge.com' });
    const beside = await commit(join(folder, 'data.git'), 'main', { 'README.md': '# other\n' });
    const merged = await people.merge(number, how);
    expect(await tip()).toBe(merged);
    const found = (await bare.run(['rev-list', '--parents', '-n1', merged])).split(' ').slice(1);
    expect(found).toEqual([beside, head].slice(0, parents));
    expect(await bare.run(['show', `${merged}:README.md`])).toBe('# other');
    expect(await bare.run(['show', `${merged}:${NEW}`])).toBe('hostname: new.hoge.com');
    expect(await forge.mergedBy(merged)).toBe(number);
    expect(await forge.mergedBy(head)).toBe(number);
    expect(await forge.mergedBy(beside)).toBeUndefined();
    expect(await forge.mergedBy(before)).toBeUndefined();
    expect(told.slice(1)).toMatchObject([
      { kind: 'push', ref: 'refs/heads/main', before: beside, after: merged },
      { kind: 'pull_request', action: 'closed', pull: { number, merged } },
    ]);
    await expect(people.merge(number, how)).rejects.toThrow('closed');
  });

  it('is refused where both sides changed the same, and changes nothing', async () => {
    await commit(join(folder, 'data.git'), 'topic', { [APP]: 'hostname: one.hoge.com\n' });
    const { number } = await people.openPull({ branch: 'topic', title: 'x' });
    const beside = await commit(join(folder, 'data.git'), 'main', { [APP]: 'hostname: two.hoge.com\n' });
    await expect(people.merge(number, 'merge')).rejects.toThrow('does not merge cleanly');
    expect(await tip()).toBe(beside);
    expect(double.state.pulls[0]).toMatchObject({ state: 'open' });
  });
});

describe('a proposal', () => {
  const proposal = (change: Partial<Proposal> = {}): Proposal => ({
    ...{ key: 'key-1', title: 'Add new.hoge.com', body: 'asked for', message: 'Add new.hoge.com' },
    files: [{ path: NEW, text: 'hostname: new.hoge.com\n' }],
    ...change,
  });

  it('is a branch in the repository with exactly its files changed', async () => {
    const odd = 'routes/hoge/日本 [x]*.yaml';
    const files = [
      { path: APP, text: null },
      { path: odd, text: `# ${'é'.repeat(10)}` },
    ];
    const { number } = await forge.propose(proposal({ files }));
    expect(await forge.propose(proposal({ files }))).toMatchObject({ number, isNew: false });
    const { headRef, head } = double.state.pulls[0]!;
    expect(await bare.run(['rev-parse', `refs/heads/${headRef}`])).toBe(head);
    expect(await bare.run(['rev-parse', `${head}^`])).toBe(await tip());
    const listed = await bare.run(['-c', 'core.quotePath=false', 'ls-tree', '-r', '--name-only', '-z', head]);
    expect(listed.split('\0').filter(Boolean)).toEqual(['README.md', odd]);
    expect(await (await fetched(number)).file(odd)).toBe(`# ${'é'.repeat(10)}`);
    expect(told).toMatchObject([{ kind: 'pull_request', action: 'opened', pull: { number } }]);
    await people.merge(number, 'squash');
    expect(await bare.attempt(['cat-file', '-e', `main:${APP}`])).toMatchObject({ exitCode: 128 });
  });

  it.each([
    ['a file that is not there', [{ path: 'routes/none.yaml', text: null }], 'BadObjectState'],
    ['a folder', [{ path: 'routes', text: null }], 'BadObjectState'],
    ['nothing new', [{ path: APP, text: 'hostname: app.hoge.com\n' }], 'nothing would change'],
  ])('of %s is refused and leaves no branch', async (_, files, said) => {
    expect((await failure(forge.propose(proposal({ files })))).message).toContain(said);
    expect(await bare.run(['for-each-ref', '--format=%(refname)'])).toBe('refs/heads/main');
  });
});
