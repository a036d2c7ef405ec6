// Pull requests that are opened for others: once per key, from whatever was interrupted.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Forge, Proposal } from '../ports/forge.ts';
import { failure, type Github, NEW_PULL, NEW_REF, startGithub } from './github.fixture.ts';
import { BRANCH } from './github-state.fixture.ts';

let double: Github['double'];
let connect: Github['connect'];
let forge: Forge;

beforeEach(async () => {
  ({ double, connect } = await startGithub());
  forge = connect();
});

afterEach(async () => {
  forge.close();
  await double.close();
});

const proposal = (change: Partial<Proposal> = {}): Proposal => ({
  ...{ key: 'key-1', title: 'Add new.hoge.com', body: 'asked for by hoge', message: 'Add new.hoge.com' },
  files: [{ path: 'routes/hoge/new.hoge.com.yaml', text: 'hostname: new.hoge.com\n' }],
  ...change,
});

describe('a proposal', () => {
  it('is one pull request with the files changed on the tip', async () => {
    const files = [
      { path: 'routes/hoge/app.hoge.com.yaml', text: null },
      { path: 'routes/hoge/日本.yaml', text: `# ${'é'.repeat(10)}\n` },
    ];
    const first = await forge.propose(proposal({ files }));
    expect(first).toMatchObject({ state: 'open', isNew: true, url: expect.stringMatching(/\/pull\/\d+$/) });
    expect(await forge.propose(proposal({ files }))).toEqual({ ...first, isNew: false });
    const [pull] = double.state.pulls;
    expect(pull).toMatchObject({ title: 'Add new.hoge.com', body: 'asked for by hoge' });
    const commit = double.state.commits.get(double.state.refs.get(`refs/heads/${pull!.headRef}`)!)!;
    expect(commit.parents).toEqual([double.state.refs.get(`refs/heads/${BRANCH}`)]);
    expect([...double.state.trees.get(commit.tree)!]).toEqual([['routes/hoge/日本.yaml', `# ${'é'.repeat(10)}\n`]]);
  });

  it('is another one for another key, whatever the key holds', async () => {
    const first = await forge.propose(proposal());
    const second = await forge.propose(proposal({ key: '../../x \0 $(y)' }));
    expect(second.number).not.toBe(first.number);
    expect(double.state.pulls.every(({ headRef }) => /^kokoa\/[0-9a-f]{20}$/.test(headRef))).toBe(true);
  });

  it('stays the same after it was closed', async () => {
    const { number } = await forge.propose(proposal());
    double.state.pulls[0]!.state = 'closed';
    expect(await forge.propose(proposal())).toMatchObject({ number, state: 'closed', isNew: false });
  });

  it.each([
    [NEW_REF, 'late'],
    [NEW_REF, 'cut'],
    [NEW_PULL, 'late'],
    [NEW_PULL, 'cut'],
  ] as const)('is not opened twice when the answer to %s is %s', async (on, kind) => {
    forge = connect({ requestMsMax: 1500 });
    double.misbehave(on, { kind });
    await forge.propose(proposal());
    expect(double.state.pulls).toHaveLength(1);
    expect(double.state.refs.size).toBe(2);
  });

  it('does not take a pull request of a fork with the same branch name for its own', async () => {
    await forge.propose(proposal());
    const [own] = double.state.pulls;
    own!.headRepositoryId = 5;
    expect((await forge.propose(proposal())).isNew).toBe(true);
  });

  it.each([
    ['nothing that changes', [{ path: 'routes/hoge/app.hoge.com.yaml', text: 'hostname: app.hoge.com\n' }]],
    ['no file', []],
    ['a way out', [{ path: '../x', text: '' }]],
    ['an absolute path', [{ path: '/etc/passwd', text: '' }]],
    ['a repository in the repository', [{ path: 'a/.GIT/config', text: '' }]],
    ['a control character', [{ path: 'a\nb', text: '' }]],
    ['half a character', [{ path: 'a', text: '\ud800' }]],
    ['a NUL', [{ path: 'a', text: '\0' }]],
    ['a file twice', [1, 2].map(() => ({ path: 'a', text: '' }))],
    ['5 MiB', [{ path: 'a', text: 'x'.repeat(5 * 1024 * 1024) }]],
    ['1001 files', Array.from({ length: 1001 }, (_, at) => ({ path: `a${at}`, text: '' }))],
  ])('refuses %s and opens nothing', async (_, files) => {
    expect((await failure(forge.propose(proposal({ files })))).code).toBe('forge_invalid');
    expect(double.state.pulls).toEqual([]);
    expect(double.state.refs.size).toBe(1);
  });

  it('says in GitHub’s words when a file that should go is not there', async () => {
    const error = await failure(forge.propose(proposal({ files: [{ path: 'routes/none.yaml', text: null }] })));
    expect(error.code).toBe('forge_invalid');
    expect(error.message).toContain('BadObjectState');
  });
});
