// Pull requests as anybody may make them, in real repositories: each hostile one has its name here, what is said of it, and nothing that
// stays behind in the mirror that is published from.
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import type { KokoaError } from '../../bundle/error.ts';
import type { PullSource } from '../ports/pull-source.ts';
import type { Source } from '../ports/source.ts';
import { openGitSource } from './git.ts';
import { openGitPulls } from './git-pulls.ts';
import type { PullLimits } from './git-pulls-bounds.ts';

const ROUTE = 'hostname: app.hoge.com\norigin: home\nport: 8080\n';
const HOSTILE_MS = 60_000;
/** KOKOA_SLOW=1: in full size, which takes a minute. */
const IS_SLOW = process.env.KOKOA_SLOW === '1';
const MIB = 1024 * 1024;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function git(cwd: string, args: string[], input?: string | Uint8Array): Promise<string> {
  const env = { PATH: process.env.PATH!, HOME: cwd, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
  const stdin = input === undefined ? { stdin: 'ignore' as const } : { input };
  return (await execa('git', [...identity, ...args], { cwd, env, extendEnv: false, ...stdin })).stdout;
}

interface Scene {
  work: string;
  top: string;
  source: Source;
  pulls: PullSource;
  base: string;
  /** Makes what is in the work tree pull request N, and answers its commit. */
  propose(number: number): Promise<string>;
  /** The same of a tree that was made by hand. */
  proposeTree(number: number, tree: string): Promise<string>;
}

async function scene(limits: Partial<PullLimits> = {}): Promise<Scene> {
  const top = await mkdtemp(join(tmpdir(), 'kokoa-pulls-'));
  ends.push(() => rm(top, { recursive: true, force: true }));
  const [work, mirrorDir, pullsDir] = [join(top, 'work'), join(top, 'mirror'), join(top, 'pulls')];
  await git(top, ['init', '--quiet', '-b', 'main', work]);
  await write(work, { 'kokoa.yaml': 'teams: []\n', 'routes/hoge/app.yaml': ROUTE });
  await git(work, ['add', '-A']);
  await git(work, ['commit', '--quiet', '-m', 'the first']);
  const base = await git(work, ['rev-parse', 'HEAD']);
  const source = await openGitSource({ url: work, branch: 'main', mirrorDir });
  await source.fetch();
  const pulls = await openGitPulls({ url: work, branch: 'main', mirrorDir, pullsDir, limits });
  ends.push(() => Promise.all([source.close(), pulls.close()]));
  await git(work, ['checkout', '--quiet', '--detach']);
  const proposeTree = async (number: number, tree: string) => {
    const commit = await git(work, ['commit-tree', tree, '-p', base, '-m', 'a proposal']);
    await git(work, ['update-ref', `refs/pull/${number}/head`, commit]);
    return commit;
  };
  return {
    ...{ work, top, source, pulls, base, proposeTree },
    async propose(number) {
      await git(work, ['add', '-A']);
      return proposeTree(number, await git(work, ['write-tree']));
    },
  };
}

async function write(work: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(work, path)), { recursive: true });
    await writeFile(join(work, path), content);
  }
}

async function problemsOf({ pulls, base }: Scene, head: string): Promise<string[]> {
  return (await pulls.changes(base, head)).map(({ path, blob, problem }) =>
    problem === undefined
      ? `${path} ${blob === undefined ? 'gone' : 'read'}`
      : `${path} ${problem.severity} ${problem.message}`,
  );
}

async function refusal(promise: Promise<unknown>): Promise<KokoaError> {
  return promise.then(
    () => expect.unreachable('it should have been refused'),
    (error: KokoaError) => error,
  );
}

describe('a pull request', () => {
  it('is read as data: what it adds, changes and removes, with what was there before', async () => {
    const at = await scene();
    await write(at.work, { 'routes/hoge/blog.yaml': ROUTE, 'kokoa.yaml': 'teams: [x]\n', 'README.md': 'none of ours' });
    await rm(join(at.work, 'routes/hoge/app.yaml'));
    const head = await at.propose(1);
    expect(await at.pulls.fetch(1, head)).toBe(head);
    expect(await at.pulls.mergeBase(at.base, head)).toBe(at.base);
    const files = await at.pulls.changes(at.base, head);
    expect(files.map(({ path, before, blob }) => [path, before === undefined, blob === undefined])).toEqual([
      ['kokoa.yaml', false, false],
      ['routes/hoge/app.yaml', false, true],
      ['routes/hoge/blog.yaml', true, false],
    ]);
    expect(Buffer.from(files[2]!.bytes!).toString()).toBe(ROUTE);
    const known = new Map((await at.source.changes(undefined, at.base)).map((file) => [file.path, file.blob]));
    expect(files[1]!.before).toBe(known.get('routes/hoge/app.yaml'));
  });

  it('that was pushed to again is the newer one, and its own words are not asked for twice', async () => {
    const at = await scene();
    await write(at.work, { 'routes/hoge/blog.yaml': ROUTE });
    const first = await at.propose(1);
    await at.pulls.fetch(1, first);
    await write(at.work, { 'routes/hoge/blog.yaml': `${ROUTE}# again\n` });
    const second = await at.propose(1);
    // The forge still names the first: nothing is fetched for it.
    expect(await at.pulls.fetch(1, first)).toBe(first);
    expect(await at.pulls.fetch(1, second)).toBe(second);
  });

  it('sees what came to the branch after it was opened', async () => {
    const at = await scene();
    await write(at.work, { 'routes/hoge/blog.yaml': ROUTE });
    const head = await at.propose(1);
    await at.pulls.fetch(1, head);
    await git(at.work, ['checkout', '--quiet', '--force', 'main']);
    await git(at.work, ['commit', '--quiet', '--allow-empty', '-m', 'meanwhile']);
    const tip = await at.source.fetch();
    expect(await at.pulls.mergeBase(tip, head)).toBe(at.base);
  });

  it('whose history crosses that of the branch is what git makes of it, not what one common commit tells', async () => {
    const at = await scene();
    const commitOf = async (files: Record<string, string>, parents: string[]) => {
      await git(at.work, ['read-tree', at.base]);
      for (const [path, text] of Object.entries(files)) {
        const blob = await git(at.work, ['hash-object', '-w', '--stdin'], text);
        await git(at.work, ['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`]);
      }
      const tree = await git(at.work, ['write-tree']);
      return git(at.work, ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-m', 'x']);
    };
    // The branch takes kokoa.yaml forward and merges something harmless; the proposal merges the same two and takes it back.
    const forward = { 'kokoa.yaml': 'teams: [new]\n' };
    const theirs = await commitOf(forward, [at.base]);
    const mine = await commitOf({ 'README.md': 'harmless\n' }, [at.base]);
    const branch = await commitOf({ ...forward, 'README.md': 'harmless\n' }, [theirs, mine]);
    const head = await commitOf({ 'README.md': 'harmless\n' }, [mine, theirs]);
    await git(at.work, ['update-ref', 'refs/heads/main', branch]);
    await git(at.work, ['update-ref', 'refs/pull/1/head', head]);
    await at.source.fetch();
    await at.pulls.fetch(1, head);
    const common = [theirs, mine];
    expect(common).toContain(await at.pulls.mergeBase(branch, head));
    expect(await at.pulls.changes(mine, head)).toEqual([]);
    expect(await at.pulls.mergedOtherwise(branch, head, [])).toEqual(['kokoa.yaml']);
  });

  it('that makes data of a file which the branch went on with is what git makes of it', async () => {
    const at = await scene();
    const long = Array.from({ length: 20 }, (_, n) => `# line ${n}\n`).join('');
    const branchOn = async (text: string) => {
      await git(at.work, ['checkout', '--quiet', '--force', 'main']);
      await write(at.work, { 'docs/x.yaml': text });
      await git(at.work, ['add', '-A']);
      await git(at.work, ['commit', '--quiet', '-m', 'words']);
      return git(at.work, ['rev-parse', 'HEAD']);
    };
    const from = await branchOn(long + ROUTE);
    await git(at.work, ['mv', 'docs/x.yaml', 'routes/hoge/x.yaml']);
    const tree = await git(at.work, ['write-tree']);
    const head = await git(at.work, ['commit-tree', tree, '-p', from, '-m', 'moved']);
    await git(at.work, ['update-ref', 'refs/pull/1/head', head]);
    const same = await at.source.fetch();
    await at.pulls.fetch(1, head);
    const files = await at.pulls.changes(from, head);
    expect(await at.pulls.mergedOtherwise(same, head, files)).toEqual([]);
    await branchOn(`${long}${ROUTE}# and what nobody saw in the plan\n`);
    const tip = await at.source.fetch();
    expect(await at.pulls.mergedOtherwise(tip, head, files)).toEqual(['routes/hoge/x.yaml']);
  });

  it('that is not there is missing', async () => {
    const at = await scene();
    expect(await refusal(at.pulls.fetch(7, '0'.repeat(40)))).toMatchObject({ code: 'pull_missing' });
  });

  it('from a history of its own has nothing in common', async () => {
    const at = await scene();
    const tree = await git(at.work, ['rev-parse', 'HEAD^{tree}']);
    const head = await git(at.work, ['commit-tree', tree, '-m', 'another root']);
    await git(at.work, ['update-ref', 'refs/pull/3/head', head]);
    await at.pulls.fetch(3, head);
    expect(await at.pulls.mergeBase(at.base, head)).toBeUndefined();
  });
});

describe('hostile pull requests', () => {
  it('symbolic-link: is named, and what it points at is not opened', async () => {
    const at = await scene();
    await symlink('/etc/passwd', join(at.work, 'routes/hoge/link.yaml'));
    await rm(join(at.work, 'kokoa.yaml'));
    await symlink('/etc/shadow', join(at.work, 'kokoa.yaml'));
    const head = await at.propose(1);
    await at.pulls.fetch(1, head);
    expect(await problemsOf(at, head)).toEqual([
      'kokoa.yaml error found a symbolic link, expected a plain file',
      'routes/hoge/link.yaml error found a symbolic link, expected a plain file',
    ]);
  });

  it('symbolic-link-folder: a data folder that is none any more is named', async () => {
    const at = await scene();
    await rm(join(at.work, 'routes'), { recursive: true });
    await symlink('/etc', join(at.work, 'routes'));
    const head = await at.propose(1);
    await at.pulls.fetch(1, head);
    expect(await problemsOf(at, head)).toEqual([
      'routes error found a file, expected a folder',
      'routes/hoge/app.yaml gone',
    ]);
  });

  it('submodule: is named, and nothing is fetched for it', async () => {
    const at = await scene();
    const module = `160000,${at.base},routes/hoge/module.yaml`;
    await git(at.work, ['update-index', '--add', '--cacheinfo', module]);
    await write(at.work, { '.gitmodules': '[submodule "x"]\n\tpath = routes/hoge/module.yaml\n\turl = /nowhere\n' });
    const head = await at.proposeTree(1, await git(at.work, ['write-tree']));
    await at.pulls.fetch(1, head);
    expect(await problemsOf(at, head)).toEqual([
      'routes/hoge/module.yaml error found a submodule, expected a plain file',
    ]);
  });

  it('odd-names: no byte in a name becomes structure', async () => {
    const at = await scene();
    const blob = await git(at.work, ['hash-object', '-w', '--stdin'], ROUTE);
    const names = [
      Buffer.from('a\nb.yaml'),
      Buffer.from('\xff\xfe.yaml', 'latin1'),
      Buffer.from('-rf.yaml'),
      Buffer.from('\u202e.yaml'),
    ];
    const entries = names.map((name) => Buffer.concat([Buffer.from(`100644 blob ${blob}\t`), name, Buffer.from([0])]));
    const team = await git(at.work, ['mktree', '-z'], Buffer.concat(entries));
    const routes = await git(at.work, ['mktree'], `040000 tree ${team}\thoge\n`);
    const tree = await git(at.work, ['mktree'], `040000 tree ${routes}\troutes\n`);
    const head = await at.proposeTree(1, tree);
    await at.pulls.fetch(1, head);
    expect((await at.pulls.changes(at.base, head)).map(({ path }) => path)).toEqual([
      'kokoa.yaml',
      'routes/hoge/-rf.yaml',
      'routes/hoge/\\xff\\xfe.yaml',
      'routes/hoge/a\nb.yaml',
      'routes/hoge/app.yaml',
      'routes/hoge/\u202e.yaml',
    ]);
  });

  it('filter: attributes of the proposal change no byte and start no program', async () => {
    const at = await scene();
    const touched = join(at.top, 'ran');
    await write(at.work, {
      '.gitattributes': '*.yaml filter=evil ident diff=evil working-tree-encoding=UTF-16\n',
      'routes/hoge/x.yaml': '# $Id$\n',
    });
    const blob = await git(at.work, ['hash-object', '-w', '--no-filters', '--stdin'], '# $Id$\n');
    await git(at.work, ['update-index', '--add', '--cacheinfo', `100644,${blob},routes/hoge/x.yaml`]);
    const head = await at.proposeTree(1, await git(at.work, ['write-tree']));
    await git(at.work, ['config', 'filter.evil.smudge', `touch ${touched}`]);
    await git(at.work, ['config', 'diff.evil.textconv', `touch ${touched}`]);
    await at.pulls.fetch(1, head);
    const [file] = await at.pulls.changes(at.base, head);
    expect(Buffer.from(file!.bytes!).toString()).toBe('# $Id$\n');
    expect(await readdir(at.top)).not.toContain('ran');
  });

  it('tree-bomb: folders that hold each other over and over are refused', { timeout: HOSTILE_MS }, async () => {
    const at = await scene(IS_SLOW ? {} : { stepMs: 2000 });
    const blob = await git(at.work, ['hash-object', '-w', '--stdin'], ROUTE);
    const many = (mode: string, id: string, ending: string) =>
      Array.from({ length: 10 }, (_, n) => `${mode} ${id}\tn${n}${ending}\n`).join('');
    let tree = await git(at.work, ['mktree'], many('100644 blob', blob, '.yaml'));
    for (let depth = 0; depth < 10; depth += 1) tree = await git(at.work, ['mktree'], many('040000 tree', tree, ''));
    const head = await at.proposeTree(1, await git(at.work, ['mktree'], `040000 tree ${tree}\troutes\n`));
    await at.pulls.fetch(1, head);
    expect(await refusal(at.pulls.changes(at.base, head))).toMatchObject({ code: 'pull_too_large' });
    // And what comes after it is read as if nothing had been.
    await write(at.work, { 'routes/hoge/blog.yaml': ROUTE });
    const next = await at.propose(2);
    await at.pulls.fetch(2, next);
    expect(await problemsOf(at, next)).toEqual(['routes/hoge/blog.yaml read']);
  });

  it('word-bomb: a commit whose words are long is not read', async () => {
    const at = await scene();
    const tree = await git(at.work, ['rev-parse', 'HEAD^{tree}']);
    const head = await git(at.work, ['commit-tree', tree, '-p', at.base, '-F', '-'], 'x'.repeat(2 * 1024 * 1024));
    await git(at.work, ['update-ref', 'refs/pull/1/head', head]);
    await at.pulls.fetch(1, head);
    expect(await refusal(at.pulls.changes(at.base, head))).toMatchObject({ code: 'pull_too_large' });
  });

  it('many-packs: a mirror of many small fetches begins anew', async () => {
    const at = await scene({ keptBytes: 1024 * 1024 });
    for (let number = 1; number <= 6; number += 1) {
      await write(at.work, { 'routes/hoge/blog.yaml': `${ROUTE}# ${number}\n` });
      await at.pulls.fetch(number, await at.propose(number));
    }
    const packs = (await readdir(join(at.top, 'pulls/objects/pack'))).filter((name) => name.endsWith('.pack'));
    expect(packs.length).toBeLessThan(6);
  });

  it('deflate-bomb: a file that unpacks into much is never unpacked', { timeout: HOSTILE_MS }, async () => {
    const at = await scene();
    await write(at.work, { 'routes/hoge/zeros.yaml': new Uint8Array((IS_SLOW ? 100 : 20) * MIB) });
    const head = await at.propose(1);
    await at.pulls.fetch(1, head);
    const [file] = await at.pulls.changes(at.base, head);
    expect(file!.bytes!.length).toBe(1024 * 1024 + 1);
  });

  it('million-files: are refused before they are read', { timeout: HOSTILE_MS }, async () => {
    const [count, limits] = IS_SLOW ? [1_000_000, {}] : [10_000, { listBytes: MIB / 2 }];
    const at = await scene(limits);
    const blob = await git(at.work, ['hash-object', '-w', '--stdin'], ROUTE);
    const lines = Array.from({ length: count }, (_, n) => `100644 blob ${blob}\tr${n}.yaml`).join('\n');
    const team = await git(at.work, ['mktree'], `${lines}\n`);
    const routes = await git(at.work, ['mktree'], `040000 tree ${team}\thoge\n`);
    const head = await at.proposeTree(1, await git(at.work, ['mktree'], `040000 tree ${routes}\troutes\n`));
    await at.pulls.fetch(1, head);
    expect(await refusal(at.pulls.changes(at.base, head))).toMatchObject({ code: 'pull_too_large' });
  });

  it.each<[string, Partial<PullLimits>, RegExp]>([
    ['too-many-files', { files: 3 }, /changes more than 3 files/],
    ['too-many-bytes', { fileBytes: 100 }, /hold more than/],
  ])('%s: is refused with the bound', async (_, limits, message) => {
    const at = await scene(limits);
    await write(at.work, Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`routes/hoge/${n}.yaml`, ROUTE])));
    const head = await at.propose(1);
    await at.pulls.fetch(1, head);
    const error = await refusal(at.pulls.changes(at.base, head));
    expect(error).toMatchObject({ code: 'pull_too_large', hint: expect.stringMatching(/split/) });
    expect(error.message).toMatch(message);
  });

  it.each<[string, Partial<PullLimits>, RegExp]>([
    ['endless-pack', { fetchBytes: 1024 * 1024 }, /brings more than 1 MiB/],
    ['slow-fetch', { fetchMs: 1 }, /took more than/],
  ])('%s: a fetch is ended at its bound, and leaves nothing', { timeout: HOSTILE_MS }, async (_, limits, message) => {
    const at = await scene(limits);
    const noise = Buffer.alloc(24 * MIB);
    for (let offset = 0; offset < noise.length; offset += 65_536)
      crypto.getRandomValues(noise.subarray(offset, offset + 65_536));
    await write(at.work, { 'noise.bin': noise });
    const head = await at.propose(1);
    const error = await refusal(at.pulls.fetch(1, head));
    expect(error.message).toMatch(message);
    expect(error.code).toBe('pull_too_large');
    expect(await readdir(join(at.top, 'pulls/objects/pack'))).toEqual([]);
  });

  it('nothing of a proposal is in the mirror that is published from', async () => {
    const at = await scene();
    await write(at.work, { 'routes/hoge/blog.yaml': ROUTE });
    const head = await at.propose(1);
    const before = await git(join(at.top, 'mirror'), ['count-objects', '-v']);
    await at.pulls.fetch(1, head);
    await at.pulls.changes(at.base, head);
    expect(await git(join(at.top, 'mirror'), ['count-objects', '-v'])).toBe(before);
    expect(await at.source.isAncestor(head, head)).toBe(false);
  });
});
