// Commit statuses and deployments: the same facts say the same, and nothing is claimed before it is so.
import { describe, expect, it } from 'vitest';
import type { Problem } from '../problem.ts';
import { route } from '../world.fixture.ts';
import type { EdgeReport } from './merge-fleet.ts';
import {
  added,
  answers,
  BLOG,
  behind,
  COMMIT,
  edgeAt,
  fleetOf,
  mergeOf,
  report,
  SETTINGS,
  SINCE_MS,
  WIKI,
} from './progress.fixture.ts';
import { PATIENCE_MS, progressOf } from './progress.ts';
import { type CommitState, deploymentsOf, statusesOf } from './progress-statuses.ts';

const PROBLEM: Problem = {
  ...{ file: 'routes/hoge/a.yaml', line: 3, column: 1, rule: 'KK305', severity: 'error' },
  ...{ message: 'found "hme"', hint: 'did you mean home?' },
};
const GOOD: CommitState = { commit: COMMIT, published: COMMIT, hold: undefined, leftOut: [], hosts: 2 };
const GUARD = { reason: 'guard', message: '12 of 14 hosts would vanish', problems: [] };

it.each<[string, Partial<CommitState>, string, string]>([
  ['published', {}, 'success: 2 hosts', 'success: published'],
  ['not published yet', { published: undefined }, 'success: 2 hosts', 'pending: about to be published'],
  [
    'a file is left out',
    { leftOut: [PROBLEM] },
    'failure: routes/hoge/a.yaml:3: found "hme"',
    'success: published without 1 file',
  ],
  [
    'held by errors',
    {
      hold: { reason: 'invalid', message: 'edges/e1.yaml:3:1: bad', problems: [{ ...PROBLEM, file: 'edges/e1.yaml' }] },
      published: 'other',
    },
    'failure: edges/e1.yaml:3: found "hme"',
    'failure: held back: edges/e1.yaml:3:1: bad',
  ],
  [
    'held by the guard',
    { hold: GUARD, published: 'other' },
    'success: 2 hosts',
    'failure: held back: 12 of 14 hosts would vanish',
  ],
  [
    'hostile words',
    { leftOut: [{ ...PROBLEM, message: 'a\u001b[31m\u202e' }] },
    'failure: routes/hoge/a.yaml:3: a\\u{1b}[31m\\u{202e}',
    'success: published without 1 file',
  ],
])('a commit that is %s', (_, change, compile, publish) => {
  const statuses = statusesOf({ ...GOOD, ...change });
  expect(statuses.map(({ name, commit }) => [name, commit])).toEqual([
    ['kokoa/compile', COMMIT],
    ['kokoa/publish', COMMIT],
  ]);
  expect(statuses.map(({ state, description }) => `${state}: ${description}`)).toEqual([compile, publish]);
});

describe('a deployment per edge', () => {
  const said = (report: EdgeReport | 'silent', nowMs = SINCE_MS, lastSeenMs: number | undefined = nowMs) => {
    const fleet = fleetOf([edgeAt('e1', report, { lastSeenMs })]);
    return deploymentsOf(progressOf(mergeOf(added(BLOG), added(WIKI)), fleet, nowMs)).map(
      ({ environment, state, description }) => `${environment} ${state}: ${description}`,
    );
  };
  const LATE_MS = SINCE_MS + PATIENCE_MS + 1;
  const bad = report({
    ...answers({ 'wiki.hoge.com': 502 }),
    quarantined: [{ hostname: 'blog.hoge.com', reason: 'being ordered' }],
  });

  it.each<[string, string[], string]>([
    ['waits', said(behind()), 'e1 in_progress: waiting for the edge'],
    ['is away', said(behind(), LATE_MS, SINCE_MS), 'e1 queued: the edge is away'],
    [
      'refuses',
      said(report({ state: 'refused', applied: 'b', error: { stage: 's', code: 'nginx_refused', detail: 'd' } })),
      'e1 failure: refused: nginx_refused',
    ],
    ['is not well', said(bad), 'e1 in_progress: 1 name without a good answer, 1 name without a certificate'],
    [
      'is not well for an hour',
      said(bad, LATE_MS),
      'e1 failure: 1 name without a good answer, 1 name without a certificate',
    ],
    ['does not take it for an hour', said(behind(), LATE_MS), 'e1 failure: the edge did not take it within an hour'],
    ['has it', said(report()), 'e1 success: applied'],
    [
      'is live',
      said(report(answers({ 'blog.hoge.com': 200, 'wiki.hoge.com': 404 }))),
      'e1 success: applied, 2 names live',
    ],
  ])('that %s', (_, found, expected) => expect(found).toEqual([expected]));

  it.each<[string, number, string]>([
    ['waits for its wave', SINCE_MS, 'queued: waits for its wave'],
    ['never got its wave', LATE_MS, 'failure: the edge did not take it within an hour'],
  ])('of settings says that an edge %s', (_, nowMs, expected) => {
    const fleet = fleetOf([edgeAt('e1', report(), { isBehind: true, lastSeenMs: nowMs })]);
    const [only] = deploymentsOf(progressOf(mergeOf(SETTINGS), fleet, nowMs));
    expect(`${only!.state}: ${only!.description}`).toBe(expected);
  });

  it('leads to the one page that changed, and to none of several', () => {
    const edges = fleetOf([edgeAt('e1')]);
    const urls = (...hosts: string[]) =>
      deploymentsOf(progressOf(mergeOf(...hosts.map((host) => added(route(host, 'home')))), edges, SINCE_MS)).map(
        ({ url }) => url,
      );
    expect(urls('a.hoge.com')).toEqual(['https://a.hoge.com']);
    expect(urls('a.hoge.com', 'b.hoge.com')).toEqual([undefined]);
  });

  it('is not there before it is published, and for no edge that has nothing to take', () => {
    expect(
      deploymentsOf(progressOf(mergeOf(added(BLOG)), fleetOf([edgeAt('e1')], { isPublished: false }), SINCE_MS)),
    ).toEqual([]);
    expect(deploymentsOf(progressOf(mergeOf(), fleetOf([edgeAt('e1')]), SINCE_MS))).toEqual([]);
  });
});
