// The override of a guard is good once: for one plan, on top of one published commit, through restarts and whatever git does afterwards.
import { beforeEach, describe, expect, it } from 'vitest';
import {
  createSite,
  edge,
  type Files,
  FLEET,
  kokoa,
  manyRoutes,
  type Site,
  stateOfToken,
  tokenOf,
} from './site.fixture.ts';

const MANY = manyRoutes(12);
const GONE: Files = Object.fromEntries(Object.keys(MANY).map((path) => [path, undefined]));
const overriding = (plan: string, base: string): Files => ({
  'kokoa.yaml': kokoa(`guards:\n  override:\n    plan: ${plan}\n    base: ${base}\n    reason: it is meant\n`),
});
const hostCount = async (site: Site) => Object.keys(await site.hosts('e1')).length;

let site: Site;
let base: string;
let plan: string;
beforeEach(async () => {
  site = createSite({ ...FLEET, ...MANY });
  base = (await site.run()).standing.commit!;
  plan = (await site.push(GONE)).standing.hold!.refused!.plan;
});

it('lets the plan pass after a restart, and after a publish that failed', async () => {
  await site.restart();
  site.store.failNext('publish', new Error('disk full'));
  await expect(site.push(overriding(plan, base))).rejects.toThrow('disk full');
  expect((await site.store.head())?.overrideBase).toBeUndefined();
  expect(await site.run()).toMatchObject({ kind: 'published', standing: { hold: undefined } });
  expect([await hostCount(site), (await site.store.head())?.overrideBase]).toEqual([2, base]);
});

it.each<[string, (plan: string, base: string) => Files]>([
  ['another plan', (_, from) => overriding('f'.repeat(64), from)],
  ['another base', (of) => overriding(of, 'f'.repeat(40))],
  ['neither', () => ({})],
])('lets nothing pass that names %s', async (_, written) => {
  expect((await site.push(written(plan, base))).standing.hold?.refused).toEqual({ plan, base });
  expect(await hostCount(site)).toBe(14);
});

it('is for what was published then: a publish in between asks for another', async () => {
  await site.push({ ...MANY, 'routes/hoge/h0.yaml': undefined });
  const { hold } = (await site.push({ ...GONE, ...overriding(plan, base) })).standing;
  expect(hold?.refused?.base).not.toBe(base);
  expect(hold?.refused?.plan).not.toBe(plan);
});

it('may say what it likes where no guard refuses, and is not used up by that', async () => {
  await site.push({ ...MANY, ...overriding(plan, base) });
  expect([site.standing.hold, (await site.store.head())?.overrideBase]).toEqual([undefined, undefined]);
});

describe.each([
  ['', async () => undefined],
  [', with a restart before each commit', () => site.restart()],
])('once it was used%s', (_, between) => {
  const push = async (files: Files) => {
    await between();
    return (await site.push(files)).standing.hold?.reason;
  };
  beforeEach(async () => {
    expect(await push(overriding(plan, base))).toBeUndefined();
    expect(await hostCount(site)).toBe(2);
  });

  it('left over in kokoa.yaml it does nothing for other commits, and nothing for the same plan again', async () => {
    expect(await push({ 'edges/e3.yaml': edge('e3') })).toBeUndefined();
    expect(await push(MANY)).toBeUndefined();
    expect(await push(GONE)).toBe('guard');
    expect(await hostCount(site)).toBe(14);
  });

  it('comes to nothing when its commit is reverted, and the revert is reverted', async () => {
    expect(await push({ ...MANY, 'kokoa.yaml': kokoa() })).toBeUndefined();
    expect(await hostCount(site)).toBe(14);
    expect(await push({ ...GONE, ...overriding(plan, base) })).toBe('guard');
    expect(await hostCount(site)).toBe(14);
  });

  it('is used up for its base itself, when a force push puts that back', async () => {
    const emptied = site.standing.head!.commit;
    site.source.commit(overriding('f'.repeat(64), emptied), base);
    await between();
    expect((await site.run()).standing.hold).toBeUndefined();
    expect(await push({ ...GONE, ...overriding(plan, base) })).toBe('guard');
    expect(await hostCount(site)).toBe(14);
  });
});

it('is not needed by a restriction, which no guard holds', async () => {
  const { kind, standing, removed } = await site.push({ 'edges/e2.yaml': edge('e2', { state: 'revoked' }) });
  expect([kind, standing.hold?.reason, removed]).toEqual(['held', 'guard', ['e2']]);
  expect(stateOfToken(standing, tokenOf('e2'))).toBe('revoked');
  // Nor does it make another plan of what is held.
  expect(standing.hold!.refused).toEqual({ plan, base });
  expect(await site.push(overriding(plan, base))).toMatchObject({ kind: 'published', standing: { hold: undefined } });
});
