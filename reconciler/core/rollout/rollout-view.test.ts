// A rollout as it is shown: what it waits for, until when, or why it stopped.
import { expect, it } from 'vitest';
import type { ReachedEdge, Rollout } from './rollout.ts';
import { rolloutView } from './rollout-view.ts';

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const ERROR = { stage: 'test', code: 'nginx_refused', detail: 'line 3' };
const ROLLOUT: Rollout = {
  ...{ commit: 'c', settings: 's', settledBlob: 'b', waves: [['e1', 'e2'], ['e3']], wave: 0 },
  sinceMs: NOW_MS - 5000,
};
const COMMON = { commit: 'c', wave: 1, waves: [['e1', 'e2'], ['e3']], since: '2026-11-22T11:59:55.000Z' };

const edge = (node: string, more: Partial<ReachedEdge['report']>): ReachedEdge => ({
  ...{ node, pool: 'p', state: 'active', published: 'new', lastSeenMs: NOW_MS },
  report: { state: 'applied', offered: 'new', applied: 'old', ...more },
});
const EDGES = [edge('e1', { applied: 'new' }), edge('e2', { error: ERROR }), edge('e3', {})];

it.each<[string, Partial<Rollout>, object]>([
  ['waiting', {}, { state: 'waiting', waitsFor: [{ node: 'e2', error: ERROR }] }],
  [
    'waiting for who has not spoken since the soak',
    { soakSinceMs: NOW_MS - 60_001 },
    { state: 'waiting', waitsFor: [{ node: 'e1' }, { node: 'e2', error: ERROR }] },
  ],
  ['soaking', { soakSinceMs: NOW_MS }, { state: 'soaking', soakEnds: '2026-11-22T12:01:00.000Z' }],
  [
    'stopped',
    { soakSinceMs: NOW_MS, stopped: { node: 'e2', atMs: NOW_MS, error: ERROR } },
    { state: 'stopped', stopped: { node: 'e2', since: '2026-11-22T12:00:00.000Z', error: ERROR } },
  ],
])('is %s', (_, more, expected) => {
  const view = rolloutView({ ...ROLLOUT, ...more }, EDGES, { nowMs: NOW_MS, soakMs: 60_000 });
  expect(view).toEqual({ ...COMMON, ...expected });
});

it('counts waves from 1', () => {
  expect(rolloutView({ ...ROLLOUT, wave: 1 }, EDGES, { nowMs: NOW_MS, soakMs: 0 })).toEqual({
    ...COMMON,
    ...{ wave: 2, state: 'waiting', waitsFor: [{ node: 'e3' }] },
  });
});
