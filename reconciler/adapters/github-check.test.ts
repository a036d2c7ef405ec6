// Check runs, commit statuses and deployments: said once per change, never twice.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Annotation, Check, Forge } from '../ports/forge.ts';
import {
  AS_TOKEN,
  DEPLOYMENT,
  DEPLOYMENT_STATUS,
  failure,
  type Github,
  HOSTILE,
  NEW_CHECK,
  OLD_CHECK,
  STATUS,
  startGithub,
} from './github.fixture.ts';
import { addPull, BRANCH, digest } from './github-state.fixture.ts';

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

const annotation = (change: Partial<Annotation> = {}): Annotation => ({
  ...{ path: 'routes/hoge/app.hoge.com.yaml', startLine: 2, endLine: 2, startColumn: 1, endColumn: 5 },
  ...{ level: 'failure', title: 'KK101', message: 'the origin is not known' },
  ...change,
});

const check = (change: Partial<Check> = {}): Check => ({
  ...{ commit: double.state.pulls[0]!.head, name: 'kokoa', outcome: 'failure', title: '1 mistake' },
  ...{ summary: '\n1 mistake in 1 file\n\nmore', annotations: [annotation()] },
  ...change,
});

describe('a check run', () => {
  beforeEach(() => void addPull(double.state));

  it('is made once, and left alone when it says the same', async () => {
    expect(await forge.putCheck(check())).toBe('created');
    expect(await forge.putCheck(check())).toBe('unchanged');
    expect(double.state.checkRuns).toMatchObject([{ status: 'completed', conclusion: 'failure', title: '1 mistake' }]);
    expect(double.state.checkRuns[0]!.annotations).toEqual([
      {
        ...{ path: 'routes/hoge/app.hoge.com.yaml', start_line: 2, end_line: 2, start_column: 1, end_column: 5 },
        ...{ annotation_level: 'failure', title: 'KK101', message: 'the origin is not known' },
      },
    ]);
    expect(double.changes()).toEqual([NEW_CHECK]);
  });

  it('goes from running to its result in place', async () => {
    expect(await forge.putCheck(check({ outcome: 'running', annotations: [] }))).toBe('created');
    expect(double.state.checkRuns[0]!.status).toBe('in_progress');
    expect(await forge.putCheck(check({ outcome: 'success', annotations: [] }))).toBe('updated');
    expect(await forge.putCheck(check())).toBe('updated');
    expect(double.state.checkRuns).toHaveLength(1);
    expect(double.state.checkRuns[0]).toMatchObject({ conclusion: 'failure', annotations: [{ title: 'KK101' }] });
  });

  it('sends 120 annotations in three requests, and ends with the last', async () => {
    const annotations = Array.from({ length: 120 }, (_, at) => annotation({ startLine: at + 1, endLine: at + 1 }));
    expect(await forge.putCheck(check({ annotations }))).toBe('created');
    expect(double.changes()).toEqual([NEW_CHECK, OLD_CHECK, OLD_CHECK]);
    expect(double.state.checkRuns[0]!.annotations.map((one) => one.start_line)).toEqual(
      annotations.map((one) => one.startLine),
    );
    expect(double.state.checkRuns[0]!.conclusion).toBe('failure');
    expect(await forge.putCheck(check({ annotations }))).toBe('unchanged');
  });

  it.each([
    ['first', NEW_CHECK, 'late'],
    ['first', NEW_CHECK, 'cut'],
    ['second', OLD_CHECK, 'late'],
    ['second', OLD_CHECK, 'cut'],
  ] as const)('goes on where it stopped when the answer to the %s request is lost (%s %s)', async (_, on, kind) => {
    forge = connect({ requestMsMax: 1500 });
    const annotations = Array.from({ length: 120 }, (__, at) => annotation({ startLine: at + 1, endLine: at + 1 }));
    double.misbehave(on, { kind });
    await forge.putCheck(check({ annotations }));
    expect(double.state.checkRuns).toHaveLength(1);
    expect(double.state.checkRuns[0]!.annotations.map((one) => one.start_line)).toEqual(
      annotations.map((one) => one.startLine),
    );
    expect(double.state.checkRuns[0]!.conclusion).toBe('failure');
  });

  it('is not over while annotations are missing', async () => {
    double.misbehave(OLD_CHECK, { kind: 'answer', status: 403 });
    const annotations = Array.from({ length: 51 }, () => annotation());
    expect((await failure(forge.putCheck(check({ annotations })))).code).toBe('forge_forbidden');
    expect(double.state.checkRuns[0]).toMatchObject({ status: 'in_progress', conclusion: null });
  });

  it('is made anew when annotations that stand there are no longer true', async () => {
    await forge.putCheck(check());
    expect(await forge.putCheck(check({ outcome: 'success', annotations: [] }))).toBe('created');
    expect(double.state.checkRuns.map(({ conclusion }) => conclusion)).toEqual(['failure', 'success']);
    expect(await forge.putCheck(check({ outcome: 'success', annotations: [] }))).toBe('unchanged');
  });

  it('takes hostile text, and no column of a place that spans lines', async () => {
    const annotations = [annotation({ title: HOSTILE, message: HOSTILE.repeat(200), startLine: 1, endLine: 3 })];
    await forge.putCheck(check({ title: HOSTILE, summary: 'x'.repeat(70_000), annotations }));
    const run = double.state.checkRuns[0]!;
    expect(run.summary).toHaveLength(60_000);
    expect(String(run.annotations[0]!.message).length).toBe(4000);
    expect(run.annotations[0]).not.toHaveProperty('start_column');
    expect(await forge.putCheck(check({ title: HOSTILE, summary: 'x'.repeat(70_000), annotations }))).toBe('unchanged');
  });

  it('refuses more annotations than anybody reads', async () => {
    const annotations = Array.from({ length: 1001 }, () => annotation());
    expect((await failure(forge.putCheck(check({ annotations })))).code).toBe('forge_invalid');
    expect(double.asked).toEqual([]);
  });

  it.each([
    ['running', 'pending'],
    ['success', 'success'],
    ['neutral', 'success'],
    ['failure', 'failure'],
  ] as const)('that is %s is a commit status %s for a token', async (outcome, state) => {
    forge = connect({ credential: AS_TOKEN });
    expect(await forge.putCheck(check({ outcome }))).toBe('created');
    expect(await forge.putCheck(check({ outcome }))).toBe('unchanged');
    expect(double.state.statuses).toMatchObject([{ context: 'kokoa', state, description: '1 mistake in 1 file' }]);
  });
});

describe('a commit status', () => {
  const status = (change: object = {}) => ({
    ...{
      commit: double.state.pulls[0]!.head,
      name: 'kokoa/compile',
      state: 'pending' as const,
      description: 'on its way',
    },
    ...change,
  });
  beforeEach(() => void addPull(double.state));

  it('is said once per change, and apart from those of other names', async () => {
    expect(await forge.putCommitStatus(status())).toBe('created');
    expect(await forge.putCommitStatus(status({ name: 'kokoa/publish' }))).toBe('created');
    expect(await forge.putCommitStatus(status())).toBe('unchanged');
    expect(await forge.putCommitStatus(status({ state: 'success' }))).toBe('updated');
    expect(await forge.putCommitStatus(status({ state: 'success', url: 'https://control.hoge.com/' }))).toBe('updated');
    expect(await forge.putCommitStatus(status({ state: 'success', url: 'https://control.hoge.com/' }))).toBe(
      'unchanged',
    );
    expect(double.changes()).toHaveLength(4);
  });

  it('is found among many of others', async () => {
    const sha = double.state.pulls[0]!.head;
    const other = { sha, state: 'success', description: '', target_url: null };
    for (let i = 0; i < 150; i += 1) double.state.statuses.push({ ...other, context: `ci/${i}` });
    await forge.putCommitStatus(status());
    expect(await forge.putCommitStatus(status())).toBe('unchanged');
  });

  it.each(['late', 'cut'] as const)('is not said twice when the answer is %s', async (kind) => {
    forge = connect({ requestMsMax: 1500 });
    double.misbehave(STATUS, { kind });
    expect(await forge.putCommitStatus(status())).toBe('unchanged');
    expect(double.state.statuses).toHaveLength(1);
  });

  it('cuts a long and hostile description to one line', async () => {
    await forge.putCommitStatus(status({ description: HOSTILE + 'x'.repeat(200) }));
    const { description } = double.state.statuses[0]!;
    expect(description).toHaveLength(140);
    expect(description).not.toMatch(/[\0\n\u001b]/);
    expect(await forge.putCommitStatus(status({ description: HOSTILE + 'x'.repeat(200) }))).toBe('unchanged');
  });

  it('says that the commit is not there', async () => {
    expect((await failure(forge.putCommitStatus(status({ commit: digest('x') })))).code).toBe('forge_not_found');
  });
});

describe('a deployment', () => {
  const deployment = (change: object = {}) => ({
    ...{
      commit: double.state.refs.get(`refs/heads/${BRANCH}`)!,
      environment: 'tokyo-1',
      state: 'in_progress' as const,
    },
    ...{ description: 'applying' },
    ...change,
  });
  it('is made once per commit and edge, and its state is said on change', async () => {
    expect(await forge.putDeployment(deployment())).toBe('created');
    expect(await forge.putDeployment(deployment())).toBe('unchanged');
    expect(await forge.putDeployment(deployment({ environment: 'osaka-1' }))).toBe('created');
    const live = { state: 'success', description: '200', url: 'https://app.hoge.com' };
    expect(await forge.putDeployment(deployment(live))).toBe('updated');
    expect(await forge.putDeployment(deployment(live))).toBe('unchanged');
    expect(double.state.deployments.map(({ environment, statuses }) => [environment, statuses.length])).toEqual([
      ['tokyo-1', 2],
      ['osaka-1', 1],
    ]);
  });

  it('leaves the deployments of others alone', async () => {
    const sha = double.state.refs.get(`refs/heads/${BRANCH}`)!;
    double.state.deployments.push({ id: 1, sha, task: 'deploy', environment: 'tokyo-1', statuses: [] });
    await forge.putDeployment(deployment());
    expect(double.state.deployments.map(({ statuses }) => statuses.length)).toEqual([0, 1]);
  });

  it.each([
    [DEPLOYMENT, 'late'],
    [DEPLOYMENT, 'cut'],
    [DEPLOYMENT_STATUS, 'late'],
    [DEPLOYMENT_STATUS, 'cut'],
  ] as const)('is not made twice when the answer to %s is %s', async (on, kind) => {
    forge = connect({ requestMsMax: 1500 });
    double.misbehave(on, { kind });
    await forge.putDeployment(deployment());
    expect(double.state.deployments.map(({ statuses }) => statuses.length)).toEqual([1]);
  });
});
