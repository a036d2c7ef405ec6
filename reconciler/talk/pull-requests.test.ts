// Pull requests from a real repository, judged beside a published fleet, said on a GitHub that is held against its own description.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { generateOnlineKeys } from '../../bundle/keys.ts';
import { createMemoryStore } from '../../test/fakes/memory-store.ts';
import { openGitSource } from '../adapters/git.ts';
import { openGitPulls } from '../adapters/git-pulls.ts';
import { createGithubForge } from '../adapters/github.ts';
import { APP_ID, APP_KEY, type GithubDouble, startGithubDouble } from '../adapters/github-double.fixture.ts';
import { gitIn } from '../adapters/github-git.fixture.ts';
import { createGithubPeople, type GithubPeople } from '../adapters/github-people.fixture.ts';
import { createGitRepository } from '../adapters/github-repository-git.fixture.ts';
import { BRANCH, OWNER, REPOSITORY } from '../adapters/github-state.fixture.ts';
import { NOTHING_SEALED } from '../core/sealed.ts';
import { type Reconciler, reconcile } from '../reconcile.ts';
import { edge, type Files, FLEET, kokoa, manyRoutes, route } from '../site.fixture.ts';
import { NOTHING_YET, type Standing } from '../standing.ts';
import { createPullRequests, type PullRequests } from './pull-requests.ts';
import { createSayings } from './sayings.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Scene {
  double: GithubDouble;
  people: GithubPeople;
  requests: PullRequests;
  standing: Standing;
  /** What became of each judgement. */
  judged: string[];
  /** A commit on a branch, on top of `from`. */
  commit(branch: string, files: Files, from?: string): Promise<string>;
  publish(): Promise<void>;
  /** Waits until nothing is left to be said. */
  settled(): Promise<void>;
}

async function scene(files: Files = FLEET): Promise<Scene> {
  const top = await mkdtemp(join(tmpdir(), 'kokoa-pr-'));
  ends.push(() => rm(top, { recursive: true, force: true }));
  const bare = join(top, 'data.git');
  await gitIn(top).run(['init', '--quiet', '--bare', `--initial-branch=${BRANCH}`, bare]);
  const git = gitIn(bare);
  const commit = async (branch: string, changes: Files, from?: string) => {
    const ref = `refs/heads/${branch}`;
    const parent = from ?? ((await git.attempt(['rev-parse', '--verify', '--quiet', ref])).stdout || undefined);
    const env = { GIT_INDEX_FILE: join(top, 'index') };
    await git.run(['read-tree', ...(parent === undefined ? ['--empty'] : [parent])], { env });
    for (const [path, text] of Object.entries(changes)) {
      const blob =
        text === undefined ? '0'.repeat(40) : await git.run(['hash-object', '-w', '--stdin'], { input: text });
      const entry = `${text === undefined ? '0' : '100644'} ${blob}\t${path}\0`;
      await git.run(['update-index', '-z', '--index-info'], { env, input: entry });
    }
    const tree = await git.run(['write-tree'], { env });
    const parents = parent === undefined ? [] : ['-p', parent];
    const made = await git.run(['commit-tree', tree, ...parents, '-m', 'change']);
    await git.run(['update-ref', ref, made]);
    return made;
  };
  await commit(BRANCH, files);
  const double = await startGithubDouble({ repository: createGitRepository(bare) });
  ends.push(async () => {
    await double.close();
    expect(double.problems).toEqual([]);
  });
  const repository = { url: bare, branch: BRANCH, mirrorDir: join(top, 'mirror') };
  const source = await openGitSource(repository);
  const pulls = await openGitPulls({ ...repository, pullsDir: join(top, 'pulls') });
  ends.push(() => Promise.all([source.close(), pulls.close()]));
  const store = createMemoryStore();
  const deps: Reconciler = {
    ...{ source, store, signing: { keys: generateOnlineKeys() }, now: () => new Date() },
    secrets: { prepare: async () => ({ ...NOTHING_SEALED, complete: true }) },
    heard: { report: () => undefined, lastSeenMs: () => undefined },
    timed: () => undefined,
  };
  const credential = { kind: 'app', appId: APP_ID, readPrivateKey: async () => APP_KEY } as const;
  const forge = createGithubForge({
    ...{ apiUrl: double.url, owner: OWNER, repository: REPOSITORY, branch: BRANCH, credential },
    wait: async () => undefined,
  });
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const sayings = createSayings({ forge, log: quiet, counted: () => undefined, pauseMsMin: 5 });
  ends.push(async () => sayings.close());
  const judged: string[] = [];
  const requests = createPullRequests({
    ...{ forge, source: pulls, store, sayings, branch: BRANCH, now: deps.now, pollMs: 3_600_000, log: quiet },
    standing: () => at.standing,
    isFollowed: () => false,
    judged: (result) => void judged.push(result),
    open: () => undefined,
  });
  const at: Scene = {
    ...{ double, requests, judged, commit, standing: NOTHING_YET },
    people: createGithubPeople(double, bare),
    async publish() {
      at.standing = (await reconcile(at.standing, deps)).standing;
      requests.moved();
    },
    async settled() {
      const stopping = new AbortController();
      const before = double.asked.length;
      requests.dirty();
      const running = requests.run(stopping.signal);
      // The list, then whatever it brings.
      await until(() => double.asked.slice(before).includes('get /repos/{owner}/{repo}/pulls'));
      let quietFor = 0;
      for (let seen = -1; quietFor < 10; ) {
        const now = double.asked.length + judged.length;
        quietFor = now === seen ? quietFor + 1 : 0;
        seen = now;
        await new Promise((resolve) => setTimeout(resolve, 60));
        await sayings.idle();
      }
      stopping.abort();
      await running;
    },
  };
  await at.publish();
  return at;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const comments = ({ double }: Scene) => double.state.comments.map(({ id, body }) => ({ id, body }));
const checks = ({ double }: Scene, head: string) =>
  double.state.checkRuns
    .filter(({ head_sha }) => head_sha === head)
    .map(({ conclusion, title }) => `${conclusion}: ${title}`);

describe('an open pull request', () => {
  it('with two mistakes is told both, each at its place; mended, the same comment has the plan', async () => {
    const at = await scene();
    const first = await at.commit(
      'topic',
      {
        'routes/hoge/blog.yaml': 'hostname: blog.hoge.com\norigin: o1\nprot: 9000\n',
        'routes/fuga/new.yaml': route('new.fuga.com', 'nowhere'),
      },
      at.standing.commit,
    );
    const pull = await at.people.openPull({ branch: 'topic', title: 'a blog' });
    await at.settled();
    expect(checks(at, first)).toEqual(['failure: not possible, 2 problems in 2 files']);
    const [run] = at.double.state.checkRuns;
    expect(run!.annotations.map(({ path, start_line, title }) => `${path}:${start_line} ${title}`)).toEqual([
      'routes/fuga/new.yaml:2 KK304',
      'routes/hoge/blog.yaml:3 KK112',
    ]);
    const [comment, ...others] = comments(at);
    expect(others).toEqual([]);
    expect(comment!.body).toContain('`routes/hoge/blog.yaml:3:1` **KK112**');
    expect(comment!.body).toContain('did you mean port?');

    const second = await at.commit('topic', {
      'routes/hoge/blog.yaml': route('blog.hoge.com', 'o1', 9000),
      'routes/fuga/new.yaml': route('new.fuga.com'),
    });
    await at.people.pushed(pull.number);
    await at.settled();
    expect(checks(at, second)).toEqual(['success: 2 hosts added']);
    expect(comments(at).map(({ id }) => id)).toEqual([comment!.id]);
    expect(comments(at)[0]!.body).toContain('### Plan: 2 hosts added');
    expect(comments(at)[0]!.body).toContain('`blog.hoge.com`');
  });

  it('is not judged again while nothing changes, and is when the branch does', async () => {
    const at = await scene();
    await at.commit('topic', { 'routes/hoge/blog.yaml': route('blog.hoge.com') }, at.standing.commit);
    await at.people.openPull({ branch: 'topic', title: 'a blog' });
    await at.settled();
    const changes = at.double.changes().length;
    await at.settled();
    expect([at.judged, at.double.changes().length]).toEqual([['success'], changes]);
    // Somebody else took the name meanwhile.
    await at.commit(BRANCH, { 'routes/hoge/theirs.yaml': route('blog.hoge.com', 'o2') });
    await at.publish();
    await at.settled();
    expect(at.judged).toEqual(['success', 'failure']);
    expect(comments(at)).toHaveLength(1);
    expect(comments(at)[0]!.body).toContain('**KK303**');
  });

  it('that is behind plans what it changes, and nothing of what came to the branch since', async () => {
    const at = await scene();
    await at.commit('topic', { 'routes/hoge/blog.yaml': route('blog.hoge.com') }, at.standing.commit);
    await at.commit(BRANCH, { 'routes/hoge/other.yaml': route('other.hoge.com') });
    await at.publish();
    await at.people.openPull({ branch: 'topic', title: 'a blog' });
    await at.settled();
    expect(comments(at)[0]!.body).toContain('### Plan: 1 host added\n');
    expect(comments(at)[0]!.body).not.toContain('other.hoge.com');
  });

  it('of which the branch changed the same file says which, and what to do', async () => {
    const at = await scene();
    await at.commit('topic', { 'routes/hoge/app.yaml': route('app.hoge.com', 'o1', 1) }, at.standing.commit);
    await at.commit(BRANCH, { 'routes/hoge/app.yaml': route('app.hoge.com', 'o1', 2) });
    await at.publish();
    await at.people.openPull({ branch: 'topic', title: 'a port' });
    await at.settled();
    expect(at.judged).toEqual(['failure']);
    expect(comments(at)[0]!.body).toMatch(/routes\/hoge\/app\.yaml/);
    expect(comments(at)[0]!.body).toMatch(/up to date/);
  });

  it('which git would merge into something else than its files say is told to be brought up to date', async () => {
    const long = `${route('blog.hoge.com')}${'# words\n'.repeat(20)}`;
    const at = await scene({ ...FLEET, 'docs/draft.yaml': long });
    const moved = { 'docs/draft.yaml': undefined, 'routes/hoge/blog.yaml': long };
    const head = await at.commit('topic', moved, at.standing.commit);
    await at.commit(BRANCH, { 'docs/draft.yaml': long.replace('blog', 'login') });
    await at.publish();
    await at.people.openPull({ branch: 'topic', title: 'a draft that is ready' });
    await at.settled();
    expect(checks(at, head)).toEqual(['failure: not possible, 1 file changed on the branch too']);
    expect(comments(at)[0]!.body).toContain('routes/hoge/blog.yaml');
  });

  it('that the guard would hold fails its check with the lines to paste', async () => {
    const at = await scene({ ...FLEET, ...manyRoutes(10) });
    const gone = Object.fromEntries(Object.keys(manyRoutes(8)).map((path) => [path, undefined]));
    const head = await at.commit('topic', gone, at.standing.commit);
    await at.people.openPull({ branch: 'topic', title: 'tidy up' });
    await at.settled();
    expect(checks(at, head)[0]).toMatch(/^failure: the guard refuses this merge: 8 hosts removed/);
    expect(comments(at)[0]!.body).toContain('guards:');
  });

  it('of a file that is no data passes, without a comment', async () => {
    const at = await scene();
    const head = await at.commit('topic', { 'README.md': 'hello\n' }, at.standing.commit);
    await at.people.openPull({ branch: 'topic', title: 'words' });
    await at.settled();
    expect(checks(at, head)).toEqual(['success: nothing of the fleet changes']);
    expect(comments(at)).toEqual([]);
  });

  it('cannot grant itself what it takes', async () => {
    const at = await scene();
    const granting = kokoa().replace("- '*.hoge.com'", "- '*.hoge.com'\n      - '*.evil.com'");
    const head = await at.commit(
      'topic',
      { 'kokoa.yaml': granting, 'routes/hoge/evil.yaml': route('login.evil.com') },
      at.standing.commit,
    );
    await at.people.openPull({ branch: 'topic', title: 'mine' });
    await at.settled();
    expect(checks(at, head)[0]).toMatch(/^failure/);
    expect(comments(at)[0]!.body).toContain('**KK362**');
  });

  it('on a branch that is itself wrong passes as neutral, and says why nothing can be planned', async () => {
    const at = await scene();
    await at.commit(BRANCH, { 'edges/e1.yaml': 'name: [' });
    await at.publish();
    const head = await at.commit('topic', { 'routes/hoge/blog.yaml': route('blog.hoge.com') }, at.standing.commit);
    await at.people.openPull({ branch: 'topic', title: 'a blog' });
    const mended = await at.commit('mend', { 'edges/e1.yaml': edge('e1') }, at.standing.commit);
    await at.people.openPull({ branch: 'mend', title: 'mend it' });
    await at.settled();
    expect(checks(at, head)).toEqual(['neutral: not possible, the branch itself has errors']);
    expect(checks(at, mended)).toEqual(['success: nothing changes']);
  });

  it('is taken up again after the forge was away', async () => {
    const at = await scene();
    await at.commit('topic', { 'routes/hoge/blog.yaml': route('blog.hoge.com') }, at.standing.commit);
    await at.people.openPull({ branch: 'topic', title: 'a blog' });
    at.double.misbehave(
      'post /repos/{owner}/{repo}/issues/{issue_number}/comments',
      { kind: 'answer', status: 502 },
      4,
    );
    at.double.misbehave('post /repos/{owner}/{repo}/check-runs', { kind: 'cut' });
    await at.settled();
    expect(comments(at)).toHaveLength(1);
    expect(at.double.state.checkRuns.map(({ conclusion }) => conclusion)).toEqual(['success']);
  });
});
