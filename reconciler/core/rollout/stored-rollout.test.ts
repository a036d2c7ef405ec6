// What the store hands back as a rollout: one, or nobody reached.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isReached } from './rollout.ts';
import { isLost, lostRollout, rolloutProblem } from './stored-rollout.ts';

const GOING = { commit: 'c', settings: 's', settledBlob: 'b', waves: [['e1'], ['e2']], wave: 1, sinceMs: 7 };
const ERROR = { stage: 'probe', code: 'probe_failed', detail: 'gone' };

it.each<[string, object]>([
  ['going', {}],
  ['soaking', { soakSinceMs: 9 }],
  ['stopped', { stopped: { node: 'e1', atMs: 9, error: ERROR } }],
  ['stopped without words', { stopped: { node: 'e1', atMs: 9 } }],
])('takes one that is %s', (_, more) => {
  expect(rolloutProblem({ ...GOING, ...more })).toBeUndefined();
});

it.each<[string, unknown, string]>([
  ['nothing', null, 'commit'],
  ['a text', 'going', 'commit'],
  ['a list', [], 'commit'],
  ['no settled settings', { ...GOING, settledBlob: undefined }, 'settledBlob'],
  ['a wave beyond the last', { ...GOING, wave: 2 }, 'wave'],
  ['a wave before the first', { ...GOING, wave: -1 }, 'wave'],
  ['half a wave', { ...GOING, wave: 0.5 }, 'wave'],
  ['no waves', { ...GOING, waves: undefined }, 'waves'],
  ['more waves than there ever are', { ...GOING, waves: Array(17).fill([]) }, 'waves'],
  ['a number among the names', { ...GOING, waves: [['e1', 2]] }, 'waves'],
  ['no beginning', { ...GOING, sinceMs: '7' }, 'sinceMs'],
  ['a soak from never', { ...GOING, soakSinceMs: null }, 'soakSinceMs'],
  ['a stop by nobody', { ...GOING, stopped: { atMs: 9 } }, 'stopped'],
  ['a stop at no time', { ...GOING, stopped: { node: 'e1' } }, 'stopped'],
  ['a stop without a reason', { ...GOING, stopped: { node: 'e1', atMs: 9, error: null } }, 'stopped'],
])('refuses %s', (_, value, problem) => {
  expect(rolloutProblem(value)).toContain(problem);
});

it('judges any JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(typeof rolloutProblem(value)).toBe('string');
    }),
  );
});

it('counts nobody as reached by one that was lost, and is kept as one', () => {
  const lost = lostRollout('c');
  expect([isLost(lost), isLost(GOING), isReached(lost, 'e1'), rolloutProblem(lost)]).toEqual([
    true,
    false,
    false,
    undefined,
  ]);
});
