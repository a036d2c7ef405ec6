// The whole way with real parts: git, the loop, what is said, the adapter, and GitHub on loopback, which checks every request.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import type { StatusReport } from '../../bundle/api.ts';
import { createMemoryStore } from '../../test/fakes/memory-store.ts';
import { openGitSource } from '../adapters/git.ts';
import { NEW_COMMENT, OLD_COMMENT, startGithub } from '../adapters/github.fixture.ts';
import { addPull } from '../adapters/github-state.fixture.ts';
import { announcement } from '../core/world.fixture.ts';
import { openFleetReports } from '../http/fleet-reports.ts';
import { createLoop } from '../loop.ts';
import type { Outcome } from '../reconcile.ts';
import { createSite, type Files, FLEET, route } from '../site.fixture.ts';
import { NOTHING_YET, type Standing } from '../standing.ts';
import { got } from './after-merge.fixture.ts';
import { createAfterMerge } from './after-merge.ts';
import { createSayings } from './sayings.ts';

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const WITHIN = { timeout: 30_000, interval: 20 };

const ends: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

it('edits one comment from the merge until it is live, and then asks GitHub for nothing', async () => {
  const world = await startWorld();
  await world.merge(undefined, FLEET);
  for (const node of ['e1', 'e2']) await world.report(node);

  const { number, commit } = await world.merge('open', { 'routes/hoge/blog.yaml': route('blog.hoge.com') });
  await world.comment(/Published: 0 of 1 host live[\s\S]*not yet at `e1`, `e2`/);
  await world.report('e1', { quarantined: [{ hostname: 'blog.hoge.com', reason: 'being ordered' }] });
  await world.comment(/waiting for its certificate at `e1`/);
  await world.report('e1', got({ 'blog.hoge.com': 200 }));
  await world.report('e2', got({ 'blog.hoge.com': 200 }));
  await world.comment(/### Live: 1 host added[\s\S]*<https:\/\/blog\.hoge\.com>: 200 from `e1`, `e2`/);
  await world.sayings.idle();

  const { state } = world.double;
  expect(state.comments.map(({ pull }) => pull)).toEqual([number]);
  expect(world.changes(NEW_COMMENT)).toBe(1);
  expect(world.changes(OLD_COMMENT)).toBeLessThanOrEqual(3);
  const statuses = state.statuses.filter(({ sha }) => sha === commit);
  expect(statuses.map((one) => `${one.context} ${one.state}: ${one.description}`).toSorted()).toEqual([
    'kokoa/compile success: 3 hosts',
    'kokoa/publish success: published',
  ]);
  const deployments = state.deployments.filter(({ sha }) => sha === commit);
  expect(deployments.map(({ environment }) => environment).toSorted()).toEqual(['e1', 'e2']);
  for (const { statuses: said } of deployments)
    expect(said.at(-1)).toMatchObject({ state: 'success', environment_url: 'https://blog.hoge.com' });

  const asked = world.double.asked.length;
  const { runs } = world;
  for (let n = 0; n < 3; n += 1) {
    await world.report('e1', got({ 'blog.hoge.com': 200 }));
    const before = runs.length;
    world.loop.dirty('announcement');
    await expect.poll(() => runs.length, WITHIN).toBeGreaterThan(before);
  }
  await world.sayings.idle();
  expect(world.double.asked.length).toBe(asked);
});

it('publishes every merge while GitHub is down, and says how they ended when it is back', async () => {
  const world = await startWorld();
  await world.merge(undefined, FLEET);
  for (const node of ['e1', 'e2']) await world.report(node);
  await world.sayings.idle();
  world.forge.isDown = true;
  const numbers: number[] = [];
  for (const name of ['a', 'b', 'c']) {
    const { number, commit } = await world.merge('open', { [`routes/hoge/${name}.yaml`]: route(`${name}.hoge.com`) });
    numbers.push(number);
    expect(world.runs.at(-1)).toMatchObject({ kind: 'published', standing: { head: { commit } } });
  }
  for (const node of ['e1', 'e2'])
    await world.report(node, got({ 'a.hoge.com': 200, 'b.hoge.com': 302, 'c.hoge.com': 401 }));
  await expect.poll(() => world.forge.refused, WITHIN).toBeGreaterThan(3);
  expect(world.double.state.comments).toEqual([]);

  world.forge.isDown = false;
  await expect.poll(() => world.double.state.comments.length, WITHIN).toBe(3);
  await world.sayings.idle();
  const said = new Map(world.double.state.comments.map(({ pull, body }) => [pull, body]));
  const answers = ['200 from `e1`, `e2`', '302 from `e1`, `e2`', '401 from `e1`, `e2`'];
  for (const [at, number] of numbers.entries()) {
    expect(said.get(number)).toContain('### Live: 1 host added');
    expect(said.get(number)).toContain(answers[at]);
  }
  expect(world.changes(NEW_COMMENT)).toBe(3);
});

async function startWorld() {
  const top = await mkdtemp(join(tmpdir(), 'kokoa-after-merge-'));
  ends.push(() => rm(top, { recursive: true, force: true }));
  const { double, connect } = await startGithub();
  ends.push(() => double.close());
  const gate = await startGate(double.url);
  ends.push(() => gate.close());
  const forge = connect({ apiUrl: gate.url });
  ends.push(() => forge.close());
  const repository = await startRepository(join(top, 'work'));
  const source = await openGitSource({ url: repository.work, branch: 'main', mirrorDir: join(top, 'mirror') });
  ends.push(() => source.close());

  const store = createMemoryStore();
  const reports = await openFleetReports(store, Date.now());
  const sayings = createSayings({
    forge,
    log: SILENT,
    counted: () => undefined,
    pauseMsMin: 20,
  });
  ends.push(() => sayings.close());
  const runs: Outcome[] = [];
  let standing: Standing = NOTHING_YET;
  const story = createAfterMerge({
    ...{ source, forge, sayings, reports, log: SILENT },
    standing: () => standing,
    clock: () => new Date(),
    metrics: { following: () => undefined, mergeLive: () => undefined },
    pace: { restMs: 5, lookMs: 200, askAgainMs: 20 },
  });
  const { signing, deps } = createSite();
  const loop = createLoop({
    ...{ source, store, signing, secrets: deps.secrets, heard: reports, pollMs: 600_000 },
    now: () => new Date(),
    timed: () => undefined,
    serve(report) {
      standing = report.standing;
      story.moved();
    },
    ran: (outcome) => void runs.push(outcome),
    failed: () => undefined,
  });
  await loop.restore();
  const stopping = new AbortController();
  const ended: Promise<void>[] = [];
  ends.push(async () => {
    stopping.abort();
    await Promise.all(ended);
  });

  return {
    ...{ double, sayings, runs, loop, forge: gate.mood },
    changes: (name: string) => double.changes().filter((one) => one === name).length,
    /** Commits to the branch, as a merged pull request or as a push, and waits for the run that finds it. */
    async merge(by: 'open' | undefined, files: Files) {
      const commit = await repository.commit(files);
      double.state.heads.add(commit);
      const number = by === 'open' ? addPull(double.state, { merged: commit, state: 'closed' }).number : 0;
      if (ended.length === 0) ended.push(loop.run(stopping.signal), story.run(stopping.signal));
      else loop.dirty('push');
      await expect.poll(() => runs.at(-1)?.standing.commit, WITHIN).toBe(commit);
      return { number, commit };
    },
    async report(node: string, more: Partial<StatusReport> = {}) {
      const applied = standing.nodes.get(node)?.configHash ?? '';
      const report = { agentVersion: '1', state: 'applied' as const, offered: applied, applied, answers: [] };
      await reports.save(node, { ...report, enrolment: announcement(node), ...more }, Date.now());
      story.reported();
    },
    comment: (expected: RegExp) =>
      expect.poll(() => double.state.comments.at(-1)?.body ?? '', WITHIN).toMatch(expected),
  };
}

/** What lies between: everything passes, or every connection is cut. */
async function startGate(target: string) {
  const mood = { isDown: false, refused: 0 };
  const server = createServer((incoming, outgoing) => {
    if (mood.isDown) {
      mood.refused += 1;
      return void incoming.socket.destroy();
    }
    const { method, headers, url } = incoming;
    const passed = httpRequest(new URL(url!, target), { method: method!, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => incoming.socket.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { mood, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

async function startRepository(work: string) {
  await mkdir(work);
  const git = async (...args: string[]) => {
    const env = { PATH: process.env.PATH!, HOME: work, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
    return (await execa('git', [...identity, ...args], { cwd: work, env, extendEnv: false, stdin: 'ignore' })).stdout;
  };
  await git('init', '--quiet', '-b', 'main');
  return {
    work,
    async commit(files: Files): Promise<string> {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(work, path)), { recursive: true });
        if (content === undefined) await rm(join(work, path));
        else await writeFile(join(work, path), content);
      }
      await git('add', '-A');
      await git('commit', '--quiet', '-m', 'change');
      return git('rev-parse', 'HEAD');
    },
  };
}
