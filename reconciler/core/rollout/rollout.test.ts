// How a rollout goes on: table by table.
import { expect, it } from 'vitest';
import { AWAY_MS } from '../pull-request/edge-progress.ts';
import { isReached, type ReachedEdge, type Rollout, type RolloutStep, stepRollout, waitedFor } from './rollout.ts';

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const SOAK_MS = 60_000;
/** Its soak has ended two seconds ago. */
const OVER_MS = NOW_MS - SOAK_MS - 2000;
const ERROR = { stage: 'probe', code: 'probe_failed', detail: 'gone' };

const base: Rollout = {
  ...{ commit: 'c', settings: 's', settledBlob: 'b' },
  ...{ waves: [['e1', 'e2'], ['e3']], wave: 0, sinceMs: NOW_MS - 5000 },
};

type How = 'took' | 'in trouble' | 'behind' | 'away' | 'unknown' | 'refuses' | 'rolls back' | 'old refusal';

/** `took`, or what it does instead. */
function edge(node: string, how: How, silentMs = how === 'away' ? AWAY_MS + 1 : 1000): ReachedEdge {
  const published = `new of ${node}`;
  const spoken = { lastSeenMs: NOW_MS - silentMs, reportedMs: NOW_MS - silentMs };
  const common = { node, pool: 'p', state: 'active', published, ...spoken } as const;
  const took = { state: 'applied', offered: published, applied: published } as const;
  if (how === 'unknown') return { ...common, lastSeenMs: undefined, reportedMs: undefined, report: undefined };
  if (how === 'took') return { ...common, report: took };
  if (how === 'in trouble') return { ...common, report: { ...took, state: 'degraded', error: ERROR } };
  if (how === 'behind' || how === 'away')
    return { ...common, report: { state: 'applied', offered: 'old', applied: 'old' } };
  const offered = how === 'old refusal' ? 'older' : published;
  const state = how === 'rolls back' ? 'rolled_back' : 'refused';
  return { ...common, report: { state, offered, applied: 'old', error: ERROR } };
}

const step = (rollout: Partial<Rollout>, edges: ReachedEdge[], soakMs = SOAK_MS): RolloutStep =>
  stepRollout({ ...base, ...rollout }, edges, { nowMs: NOW_MS, soakMs });

const [FIRST, SECOND] = [edge('e1', 'took'), edge('e2', 'took')];

it.each<[string, RolloutStep, Partial<RolloutStep>]>([
  ['waits for an edge that is there', step({}, [FIRST, edge('e2', 'behind')]), { kind: 'waits', rollout: base }],
  ['waits for who refused something older', step({}, [FIRST, edge('e2', 'old refusal')]), { kind: 'waits' }],
  [
    'soaks from the moment at which all took it',
    step({}, [FIRST, SECOND]),
    { kind: 'soaks', rollout: { ...base, soakSinceMs: NOW_MS } },
  ],
  ['does not wait for who is away', step({}, [FIRST, edge('e2', 'away')]), { kind: 'soaks' }],
  [
    'waits when nobody of the wave is there any more who was when it began',
    step({ sinceMs: NOW_MS - AWAY_MS }, [edge('e1', 'away'), edge('e2', 'away'), edge('e3', 'took')]),
    { kind: 'waits' },
  ],
  [
    'waits for a wave that took it and fell silent',
    step({ sinceMs: NOW_MS - AWAY_MS }, [edge('e1', 'took', AWAY_MS + 1)]),
    { kind: 'waits' },
  ],
  ['does not wait for a wave that was away before', step({}, [edge('e1', 'away', 2 * AWAY_MS)]), { kind: 'soaks' }],
  ['does not wait for who never came', step({}, [FIRST, edge('e2', 'unknown')]), { kind: 'soaks' }],
  ['does not wait for who left', step({}, [FIRST]), { kind: 'soaks' }],
  ['waits for who took it with trouble', step({}, [FIRST, edge('e2', 'in trouble')]), { kind: 'waits' }],
  [
    'does not wait for trouble that is away',
    step({}, [FIRST, edge('e2', 'in trouble', AWAY_MS + 1)]),
    { kind: 'soaks' },
  ],
  ['soaks to the end', step({ soakSinceMs: NOW_MS - SOAK_MS + 1 }, [FIRST, SECOND]), { kind: 'waits' }],
  [
    'goes on after it',
    step({ soakSinceMs: OVER_MS }, [FIRST, SECOND]),
    { kind: 'advances', rollout: { ...base, wave: 1, sinceMs: NOW_MS } },
  ],
  [
    'goes on although a change of routes is on its way to an edge of the wave',
    step({ soakSinceMs: OVER_MS }, [FIRST, edge('e2', 'behind')]),
    { kind: 'advances' },
  ],
  ['goes on at once without a soak', step({}, [FIRST, SECOND], 0), { kind: 'advances' }],
  [
    'looks at the edges of the newest wave',
    step({ wave: 1 }, [edge('e1', 'behind'), SECOND, edge('e3', 'took')]),
    { kind: 'soaks' },
  ],
  ['waits for the newest wave alone', step({ wave: 1 }, [FIRST, SECOND, edge('e3', 'behind')]), { kind: 'waits' }],
  ['ends with the last wave', step({ wave: 1, soakSinceMs: OVER_MS }, [FIRST]), { kind: 'ends' }],
  ...([0, 1] as const).flatMap((wave): [string, RolloutStep, Partial<RolloutStep>][] => {
    const after = (...edges: ReachedEdge[]) => step({ wave, soakSinceMs: OVER_MS }, [...edges, edge('e3', 'took')]);
    const next: Partial<RolloutStep> = wave === 0 ? { kind: 'advances' } : { kind: 'ends' };
    const at = `with wave ${wave + 1}`;
    return [
      [`asks after the soak, ${at}`, after(FIRST, edge('e2', 'took', 3000)), { kind: 'waits' }],
      [`goes on when all have answered, ${at}`, after(FIRST, SECOND), next],
      [
        `counts asking for a bundle as no answer, ${at}`,
        after(FIRST, { ...edge('e2', 'took', 3000), lastSeenMs: NOW_MS }),
        { kind: 'waits' },
      ],
      [`waits for trouble that came in the soak, ${at}`, after(FIRST, edge('e2', 'in trouble')), { kind: 'waits' }],
      [`waits for a refusal without a name, ${at}`, after(FIRST, edge('e2', 'old refusal')), { kind: 'waits' }],
      [`stops at a refusal that came in the soak, ${at}`, after(FIRST, edge('e2', 'refuses')), { kind: 'stops' }],
      [`does not wait for ever for one that died, ${at}`, after(FIRST, edge('e2', 'away')), next],
      [`waits for a wave that died, ${at}`, after(edge('e1', 'away'), edge('e2', 'away')), { kind: 'waits' }],
      [`does not wait for who left, ${at}`, after(FIRST), next],
    ];
  }),
  [
    'asks nobody where there is no soak',
    step({ wave: 1 }, [edge('e1', 'took', 3000), edge('e3', 'took')], 0),
    { kind: 'ends' },
  ],
  ['soaks anew after a clock was set back', step({ soakSinceMs: NOW_MS + 1e9 }, [FIRST]), { kind: 'soaks' }],
  [
    'stops at a refusal',
    step({}, [FIRST, edge('e2', 'refuses')]),
    { kind: 'stops', stopped: { node: 'e2', atMs: NOW_MS, error: ERROR } },
  ],
  ['stops when an edge rolled back', step({}, [edge('e1', 'rolls back'), SECOND]), { kind: 'stops' }],
  ['stops in the middle of a soak', step({ soakSinceMs: OVER_MS }, [edge('e1', 'refuses'), SECOND]), { kind: 'stops' }],
  [
    'stops at an edge of an earlier wave',
    step({ wave: 1 }, [edge('e1', 'refuses'), edge('e3', 'took')]),
    { kind: 'stops' },
  ],
  [
    'stays stopped whatever is said later',
    step({ soakSinceMs: NOW_MS - SOAK_MS, stopped: { node: 'e2', atMs: 1 } }, [FIRST, SECOND]),
    { kind: 'waits' },
  ],
])('%s', (_, found, expected) => {
  expect(found).toMatchObject(expected);
});

it('keeps no soak of an earlier wave', () => {
  const found = step({ soakSinceMs: OVER_MS }, [FIRST, SECOND]);
  expect('soakSinceMs' in found.rollout).toBe(false);
});

it('reaches the waves up to the newest, and nobody of the last one', () => {
  const reached = (wave: number) => ['e1', 'e2', 'e3', 'e4'].map((node) => isReached({ ...base, wave }, node));
  expect([reached(0), reached(1)]).toEqual([
    [true, true, false, false],
    [true, true, true, false],
  ]);
});

it('says for whom it waits', () => {
  const edges = [FIRST, edge('e2', 'behind'), edge('e3', 'behind')];
  const at = { nowMs: NOW_MS, soakMs: SOAK_MS };
  expect(waitedFor(base, edges, at).map(({ node }) => node)).toEqual(['e2']);
  const silent = [edge('e1', 'away'), edge('e2', 'away', 3 * AWAY_MS)];
  expect(waitedFor(base, silent, at).map(({ node }) => node)).toEqual(['e1']);
  const quiet = [edge('e1', 'took', 3000), SECOND, edge('e3', 'took', 3000)];
  const during = { ...base, wave: 1, soakSinceMs: NOW_MS - 1 };
  expect(waitedFor(during, quiet, at)).toEqual([]);
  expect(waitedFor({ ...during, soakSinceMs: OVER_MS }, quiet, at).map(({ node }) => node)).toEqual(['e1', 'e3']);
});
