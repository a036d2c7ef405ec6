// The wired reconciler and the forge, closed to a circle: a program asks for a hostname, the reconciler opens the pull request, hears of it, and
// says on it what it would do. Real git, a real port, GitHub held against its own description.
import { createHmac } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createGithubForge } from './adapters/github.ts';
import { APP_ID, APP_KEY, type GithubDouble, startGithubDouble, TOKEN } from './adapters/github-double.fixture.ts';
import { createGitRepository } from './adapters/github-repository-git.fixture.ts';
import { BRANCH, OWNER, REPOSITORY } from './adapters/github-state.fixture.ts';
import { createRunningSite, WEBHOOK_SECRET } from './running-site.fixture.ts';
import { kokoa, sha } from './site.fixture.ts';
import type { RunningReconciler } from './wiring.ts';

const TEAM_TOKEN = `kokoa_team_${'h'.repeat(43)}`;
const WAIT = { timeout: 30_000, interval: 50 };
const AS_APP = { kind: 'app', appId: APP_ID, readPrivateKey: async () => APP_KEY } as const;
const AS_TOKEN = { kind: 'token', read: async () => TOKEN } as const;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function world(credential: typeof AS_APP | typeof AS_TOKEN) {
  const site = await createRunningSite();
  ends.push(() => site.end());
  const tokens = `    tokens:\n      - name: ci\n        sha256: ${sha(TEAM_TOKEN)}\n`;
  await site.commit({ 'kokoa.yaml': kokoa().replace('  - name: hoge\n', `$&${tokens}`) });
  const bare = join(site.top, 'data.git');
  await site.git('clone', '--quiet', '--bare', '.', bare);
  const double = await startGithubDouble({ repository: createGitRepository(bare) });
  ends.push(async () => {
    await double.close();
    expect(double.problems).toEqual([]);
  });
  const names = { apiUrl: double.url, owner: OWNER, repository: REPOSITORY, branch: BRANCH };
  const reconciler = await site.start({ repository: bare, forge: createGithubForge({ ...names, credential }) });
  await expect.poll(async () => (await fetch(`${reconciler.url}/readyz`)).status, WAIT).toBe(200);
  return { site, double, reconciler };
}

it.each([
  ['an App', AS_APP],
  ['a token', AS_TOKEN],
] as const)(
  'as %s opens what a program asks for, and says on it what it would do',
  { timeout: 60_000 },
  async (_, credential) => {
    const { double, reconciler } = await world(credential);
    const added = await ask(reconciler, 'POST', '', { hostname: 'blog.hoge.com', origin_id: 'o1', target_port: 9000 });
    expect([added.status, added.body.state]).toEqual([201, 'open']);
    expect(await announced(reconciler)).toBe(200);
    await expect.poll(() => saidOn(double), WAIT).toHaveLength(1);
    expect(saidOn(double)[0]).toMatch(/### Plan: 1 host added[\s\S]*`blog\.hoge\.com` → `o1:9000`/);
    await expect.poll(() => checksOf(double), WAIT).toEqual(['success: 1 host added']);

    const changed = await ask(reconciler, 'PATCH', '/app.hoge.com', { port: 8181 });
    expect([changed.status, changed.body.file]).toEqual([201, 'routes/hoge/app.yaml']);
    const refused = await ask(reconciler, 'PATCH', '/wiki.fuga.com', { port: 1 });
    expect(refused.status).toBe(403);
  },
);

it('publishes all the same when the directory for proposals is of no use, and says so', async () => {
  const site = await createRunningSite();
  ends.push(() => site.end());
  await mkdir(join(site.dataDir, 'pulls'), { recursive: true });
  await writeFile(join(site.dataDir, 'pulls/thesis.txt'), 'of somebody else');
  const double = await startGithubDouble();
  ends.push(() => double.close());
  const names = { apiUrl: double.url, owner: OWNER, repository: REPOSITORY, branch: BRANCH };
  const reconciler = await site.start({ forge: createGithubForge({ ...names, credential: AS_APP }) });
  await expect.poll(async () => (await fetch(`${reconciler.url}/readyz`)).status, WAIT).toBe(200);
  expect(site.lines.filter((line) => line.includes('pull requests cannot be read'))).toHaveLength(1);
  expect(site.lines.join('')).toContain('is not empty and is no mirror of Kokoa');
});

async function ask({ url }: RunningReconciler, method: string, path: string, body: unknown) {
  const headers = { authorization: `Bearer ${TEAM_TOKEN}`, 'content-type': 'application/json' };
  const answer = await fetch(`${url}/api/v1/routes${path}`, { method, headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** As GitHub tells of a pull request that was opened. */
async function announced({ url }: RunningReconciler): Promise<number> {
  const body = JSON.stringify({ action: 'opened', pull_request: { base: { ref: BRANCH } } });
  const signature = `sha256=${createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex')}`;
  const headers = {
    ...{ 'content-type': 'application/json', 'x-github-event': 'pull_request' },
    ...{ 'x-github-delivery': 'd', 'x-hub-signature-256': signature },
  };
  return (await fetch(`${url}/webhooks/github`, { method: 'POST', headers, body })).status;
}

const saidOn = (double: GithubDouble) => double.state.comments.map(({ body }) => body);

/** As check runs, or where there are none, as commit statuses. */
function checksOf({ state }: GithubDouble): string[] {
  const runs = state.checkRuns.map(({ conclusion, title }) => `${conclusion}: ${title}`);
  const statuses = state.statuses.filter(({ context }) => context === 'kokoa');
  return [...runs, ...statuses.map((status) => `${status.state}: ${status.description}`)];
}
