// The lab's GitHub: pull requests of people in a real repository, told by webhooks, and an API that the product's own adapter speaks to.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhooks } from '@octokit/webhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Github, startGithub } from '../../lab/github.ts';
import { createLoopbackGit, type LoopbackGit } from '../../lab/loopback-git.ts';
import { freePort } from '../../lab/loopback-port.ts';
import { addLoopbackHost, type Host } from '../../lab/namespace.ts';
import { createPki } from '../../lab/pki.ts';
import { createPullRequests, type PullRequests } from '../../lab/pull-requests.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { createGithubForge } from '../../reconciler/adapters/github.ts';
import type { Forge } from '../../reconciler/ports/forge.ts';
import { unlikeGitHub } from './webhook-examples.ts';

const SECRET = 'not a secret';
const FILE = 'routes/hoge/new.hoge.com.yaml';

interface Post {
  event: string;
  signature: string;
  body: string;
}

describe('the GitHub of the lab', () => {
  let run: Run;
  let host: Host;
  let receiver: Server;
  let git: LoopbackGit;
  let github: Github;
  let pullRequests: PullRequests;
  let forge: Forge;
  const posts: Post[] = [];

  beforeAll(async () => {
    run = createRun();
    host = addLoopbackHost(run, 'git');
    receiver = createServer(async (request, response) => {
      const header = (name: string) => String(request.headers[name]);
      posts.push({
        ...{ event: header('x-github-event'), signature: header('x-hub-signature-256') },
        body: await text(request),
      });
      response.end('ok');
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { caFile } = await createPki(run);
    const webhook = { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, secret: SECRET };
    git = await createLoopbackGit(host, { webhook, caFile });
    const { repository, names } = git;
    const listen = { address: '127.0.0.1', port: await freePort() };
    github = await startGithub({ host, repository, names, caFile, webhook, ...listen });
    await git.developer.commit({ 'kokoa.yaml': 'a: 1\n' }, 'First');
    pullRequests = await createPullRequests({ host, url: repository, caFile }, github, git.developer);
    forge = forgeOf(github);
  }, 60_000);

  afterAll(async () => {
    forge?.close();
    receiver?.closeAllConnections();
    receiver?.close();
    expect(await run?.end()).toEqual([]);
  }, 30_000);

  /** What was posted since, once there are `count`. */
  async function postsFrom(since: number, count: number): Promise<Post[]> {
    await expect.poll(() => posts.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(since + count);
    expect(posts).toHaveLength(since + count);
    return posts.slice(since);
  }

  it('tells of a pull request from its opening to its merge, and of a push to main once', async () => {
    const since = posts.length;
    const first = await pullRequests.open('Add new.hoge.com', { [FILE]: 'wrong\n' }, 'fork');
    expect(await forge.openPullRequests()).toMatchObject([{ number: first.number, head: first.head, isFork: true }]);
    const second = await pullRequests.push(first, 'Mend it', { [FILE]: 'right\n' });
    const { commit } = await pullRequests.merge(second);
    expect(await forge.mergedBy(commit)).toBe(first.number);
    const after = await git.developer.commit({ 'kokoa.yaml': 'a: 2\n' }, 'On top of the merge');

    const told = (await postsFrom(since, 5)).map(({ event, body }) => ({ event, ...JSON.parse(body) }));
    const { number } = first;
    expect(told).toMatchObject([
      { event: 'pull_request', action: 'opened', number, pull_request: { head: { sha: first.head }, merged: false } },
      { event: 'pull_request', action: 'synchronize', number, before: first.head, after: second.head },
      { event: 'push', ref: 'refs/heads/main', after: commit, forced: false },
      { event: 'pull_request', action: 'closed', pull_request: { merged: true, merge_commit_sha: commit } },
      { event: 'push', ref: 'refs/heads/main', before: commit, after: after.commit },
    ]);
    const webhooks = new Webhooks({ secret: SECRET });
    for (const { body, signature } of posts.slice(since)) expect(await webhooks.verify(body, signature)).toBe(true);
    for (const { event, ...payload } of told.slice(0, 4)) {
      const isSameKind = (example: Record<string, unknown>) =>
        event === 'push'
          ? (example.commits as unknown[]).length > 0
          : ['opened', 'synchronize', 'closed'].includes(String(example.action));
      expect(unlikeGitHub(event, payload, isSameKind)).toEqual([]);
    }
  });

  it('takes a merge back by another one', async () => {
    const opened = await pullRequests.open('Add it', { 'routes/a.yaml': 'a\n' }, 'repository');
    const { commit } = await pullRequests.merge(opened);
    const reverted = await pullRequests.revert('Take it back', commit);
    await pullRequests.merge(reverted, 'squash');
    const { stdout } = await host.exec('git', ['--git-dir', git.repository, 'ls-tree', '-r', '--name-only', 'main']);
    expect(stdout.split('\n')).not.toContain('routes/a.yaml');
  });

  it('loses webhooks when told to, and only those', async () => {
    await expect.poll(async () => posts.at(-1)?.body.includes('"closed"')).toBe(true);
    const since = posts.length;
    await github.loseWebhooks(true);
    const opened = await pullRequests.open('Unheard', { 'routes/b.yaml': 'b\n' }, 'fork');
    await github.loseWebhooks(false);
    await github.close(opened.number);
    expect(await postsFrom(since, 1)).toMatchObject([{ body: expect.stringContaining('"action":"closed"') }]);
  });

  it('is down for its API alone, and says what stands on its pages', async () => {
    const opened = await pullRequests.open('Said', { 'routes/c.yaml': 'c\n' }, 'repository');
    const comment = { pullRequest: opened.number, key: 'kokoa', markdown: 'the plan' };
    await github.setOutage(true);
    await expect(forge.putComment(comment)).rejects.toMatchObject({ code: 'forge_down' });
    const { commit } = await pullRequests.merge(opened);
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
    await github.setOutage(false);
    expect(await forge.putComment(comment)).toBe('created');
    const { comments, problems } = await github.said();
    expect(comments).toMatchObject([{ pull: opened.number, body: expect.stringContaining('the plan') }]);
    expect(problems).toEqual([]);
  });

  it('says why it cannot', async () => {
    await expect(github.merge(9999, 'merge')).rejects.toMatchObject({
      code: 'lab_github_failed',
      message: expect.stringContaining('pull request 9999 is not there'),
    });
  });
});

/** As `kokoa serve` would make it of the options. */
function forgeOf({ serveOptions }: Github): Forge {
  const option = (name: string) => serveOptions[serveOptions.indexOf(name) + 1]!;
  const [owner = '', repository = ''] = option('--github').split('/');
  const readPrivateKey = async () => readFileSync(option('--github-app-key'), 'utf8');
  return createGithubForge({
    ...{ apiUrl: option('--github-api'), owner, repository, branch: 'main', wait: async () => undefined },
    credential: { kind: 'app', appId: Number(option('--github-app-id')), readPrivateKey },
  });
}
