// What an operator does on this machine while git is away: noticed by a running reconciler within a second, carried through restarts.
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mintToken } from './adapters/token-mint.ts';
import { announcePush, configOver, createRunningSite, type RunningSite, withToken } from './running-site.fixture.ts';
import { route } from './site.fixture.ts';
import type { RunningReconciler } from './wiring.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const SOON = { timeout: 20_000, interval: 50 };
const HOSTS = { 'app.hoge.com': '10.100.1.1:8080', 'wiki.fuga.com': '10.100.1.2:9000' };

let site: RunningSite;
beforeEach(async () => {
  site = await createRunningSite();
});
afterEach(() => site.end());

async function kokoa(...args: string[]): Promise<string> {
  return (await execa(process.execPath, [MAIN, ...args, '--data', site.dataDir], { extendEnv: false })).stdout;
}

const config = (one: RunningReconciler, name: 'e1' | 'e2') => configOver(one, site.tokens[name].token);
const published = (one: RunningReconciler) => expect.poll(() => config(one, 'e1'), SOON).toEqual(HOSTS);
const text = async ({ url }: RunningReconciler, path: string) => (await fetch(`${url}${path}`)).text();

/** The repository is gone, as far as git can tell. */
const takeGitAway = () => rename(site.repository, `${site.repository}-gone`);
const bringGitBack = () => rename(`${site.repository}-gone`, site.repository);

it('suspends and resumes a node while git is away, and shows it', async () => {
  const one = await site.start();
  await published(one);
  await takeGitAway();
  expect(await kokoa('suspend', 'e2', '--reason', 'odd traffic')).toMatch(/^effective {4}within a second$/m);
  await expect.poll(() => config(one, 'e2'), SOON).toBe(403);
  expect(await config(one, 'e1')).toEqual(HOSTS);
  const { edges } = JSON.parse(await text(one, '/api/v1/edges')) as { edges: object[] };
  expect(edges).toMatchObject([
    { name: 'e1', state: 'active' },
    {
      ...{ name: 'e2', state: 'active' },
      restriction: { state: 'suspended', reason: 'odd traffic', since: expect.stringMatching(/^20.*Z$/) },
    },
  ]);
  expect(edges[0]).not.toHaveProperty('restriction');
  expect(await text(one, '/metrics')).toMatch(/^kokoa_restrictions\{state="suspended"\} 1$/m);
  expect((await fetch(`${one.url}/readyz`)).status).toBe(200);
  await kokoa('resume', 'e2');
  await expect.poll(() => config(one, 'e2'), SOON).toEqual(HOSTS);
  expect(await text(one, '/metrics')).toMatch(/^kokoa_restrictions\{state="suspended"\} 0$/m);
  expect(site.lines.join('')).toMatch(/a node is restricted here .*node=e2 .*reason="odd traffic"/);
  expect(site.lines.join('')).toMatch(/a restriction made here is lifted; what git says holds .*node=e2/);
});

it('revokes while git is away and kokoa.yaml is invalid, through a restart and a lost mirror, until a new generation', async () => {
  const first = await site.start();
  await published(first);
  await announcePush(first, await site.commit({ 'kokoa.yaml': 'acme: [' }));
  await expect.poll(() => site.lines.join(''), SOON).toContain('the newest commit is held back');
  await takeGitAway();
  await kokoa('revoke', 'e2', '--reason', 'the machine was sold');
  await expect.poll(() => config(first, 'e2'), SOON).toBe(401);
  // Out of the bundles of the others as well, though nothing can be fetched.
  await expect.poll(async () => text(first, '/metrics'), SOON).toMatch(/^kokoa_published_sequence 2$/m);
  await first.stop();

  const second = await site.start();
  expect([await config(second, 'e1'), await config(second, 'e2')]).toEqual([HOSTS, 401]);
  await second.stop();

  await bringGitBack();
  await site.git('revert', '--no-edit', 'HEAD');
  await site.commit({ 'routes/hoge/b.yaml': route('b.hoge.com') });
  await rm(join(site.dataDir, 'mirror'), { recursive: true });
  const third = await site.start();
  await expect.poll(() => config(third, 'e1'), SOON).toEqual({ ...HOSTS, 'b.hoge.com': '10.100.1.1:8080' });
  expect(await config(third, 'e2')).toBe(401);

  const renewed = await mintToken({ node: 'e2', generation: 2 });
  const before = await site.git('rev-parse', 'HEAD');
  await announcePush(third, await site.commit({ 'edges/e2.yaml': withToken('e2', renewed, { generation: 2 }) }));
  await expect.poll(async () => typeof (await configOver(third, renewed.token)), SOON).toBe('object');
  expect(await config(third, 'e2')).toBe(401);
  expect(site.lines.join('')).toContain('a revocation made here is over: git has a newer generation');
  // The old token is never good again, not even when git goes back.
  await site.git('revert', '--no-edit', `${before}..HEAD`);
  await announcePush(third, await site.git('rev-parse', 'HEAD'));
  await expect.poll(() => configOver(third, renewed.token), SOON).toBe(401);
  expect(await config(third, 'e2')).toBe(401);
});

it('takes in at its start, before the first request, what was done while it did not run', async () => {
  const first = await site.start();
  await published(first);
  await first.stop();
  expect(await kokoa('suspend', 'e2')).toMatch(/^effective {4}when kokoa serve starts again/m);
  await takeGitAway();
  const second = await site.start();
  expect(await config(second, 'e2')).toBe(403);
});
