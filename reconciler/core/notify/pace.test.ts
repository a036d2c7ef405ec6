// When an event becomes a message: once for each change, a few for what flaps, never twice after a restart.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NotifyState, notifyEvent } from './event.ts';
import { CALM_MS, MESSAGES_PER_HOUR_MAX, paceEvent, settleTopic, type Topic, topicsToForget } from './pace.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-11-22T12:00:00Z');
const eventAt = (state: NotifyState, ms: number, reason = 'timeout') =>
  notifyEvent({ kind: 'node-silent', subject: 'tokyo-1', state, at: new Date(ms).toISOString(), reason });

/** [minute, state or 'ask'] → what is told: the state, `flaps STATE`, or nothing. */
type Step = [minute: number, what: NotifyState | 'ask'];
function play(steps: readonly Step[]): { told: string[]; topic: Topic | undefined } {
  let topic: Topic | undefined;
  const told = steps.map(([minute, what]) => {
    const nowMs = START + minute * MINUTE;
    const paced = what === 'ask' ? topic && settleTopic(topic, nowMs) : paceEvent(topic, eventAt(what, nowMs), nowMs);
    // Kept and read again, as after a restart.
    if (paced?.topic) topic = structuredClone(paced.topic);
    const { notice } = paced ?? {};
    return notice === undefined ? '' : `${notice.isFlapping ? 'flaps ' : ''}${notice.event.state}`;
  });
  return { told, topic };
}

describe('one subject', () => {
  it.each<[string, Step[], string[]]>([
    [
      'trouble is told once',
      [
        [0, 'trouble'],
        [1, 'trouble'],
        [600, 'trouble'],
      ],
      ['trouble', '', ''],
    ],
    [
      'well is told after trouble',
      [
        [0, 'trouble'],
        [1, 'well'],
        [2, 'well'],
      ],
      ['trouble', 'well', ''],
    ],
    [
      'well without trouble is not told',
      [
        [0, 'well'],
        [1, 'trouble'],
      ],
      ['', 'trouble'],
    ],
    [
      'news are told, equal ones once an hour',
      [
        [0, 'told'],
        [1, 'told'],
        [62, 'told'],
      ],
      ['told', '', 'told'],
    ],
    [
      'what flaps is told a few times, then that it flaps, then nothing',
      [
        [0, 'trouble'],
        [1, 'well'],
        [2, 'trouble'],
        [3, 'well'],
        [4, 'trouble'],
        [5, 'well'],
        [6, 'trouble'],
      ],
      ['trouble', 'well', 'trouble', 'well', 'flaps trouble', '', ''],
    ],
    [
      'what flapped and keeps still is told once as it is',
      [
        [0, 'trouble'],
        [1, 'well'],
        [2, 'trouble'],
        [3, 'well'],
        [4, 'trouble'],
        [5, 'well'],
        [12, 'ask'],
        [20, 'ask'],
        [21, 'ask'],
      ],
      ['trouble', 'well', 'trouble', 'well', 'flaps trouble', '', '', 'well', ''],
    ],
    [
      'what flapped, kept still and changes before anybody asked is told',
      [
        [0, 'trouble'],
        [1, 'well'],
        [2, 'trouble'],
        [3, 'well'],
        [4, 'trouble'],
        [5, 'well'],
        [80, 'trouble'],
        [81, 'well'],
      ],
      ['trouble', 'well', 'trouble', 'well', 'flaps trouble', '', 'trouble', 'well'],
    ],
    [
      'changes that are far apart do not flap',
      [
        [0, 'trouble'],
        [20, 'well'],
        [40, 'trouble'],
        [60, 'well'],
        [80, 'trouble'],
        [100, 'well'],
      ],
      ['trouble', 'well', 'trouble', 'well', 'trouble', 'well'],
    ],
    [
      'a clock that is set back a year keeps nobody silent',
      [
        [0, 'trouble'],
        [1, 'well'],
        [2, 'trouble'],
        [3, 'well'],
        [4, 'trouble'],
        [-525_600, 'well'],
      ],
      ['trouble', 'well', 'trouble', 'well', 'flaps trouble', 'well'],
    ],
  ])('%s', (_, steps, told) => {
    expect(play(steps).told).toEqual(told);
  });

  it('what is well and was never in trouble is not even remembered', () => {
    expect(paceEvent(undefined, eventAt('well', START), START)).toEqual({});
  });

  it('what is well again says when the trouble began, also when that was told last before a restart', () => {
    const { topic } = play([
      [0, 'trouble'],
      [1, 'trouble'],
    ]);
    const { notice } = paceEvent(topic, eventAt('well', START + 5 * MINUTE), START + 5 * MINUTE);
    expect(notice).toMatchObject({
      troubleSince: '2026-11-22T12:00:00.000Z',
      event: { at: '2026-11-22T12:05:00.000Z' },
    });
  });

  it.each([MINUTE, 0])('two messages never have one id, %d ms apart', (apartMs) => {
    let topic: Topic | undefined;
    const ids = [0, 1, 2, 3, 4].flatMap((minute) => {
      const state = minute % 2 === 0 ? 'trouble' : 'well';
      const paced = paceEvent(topic, eventAt(state, START), START + minute * apartMs);
      topic = paced.topic ?? topic;
      return paced.notice ? [paced.notice.id] : [];
    });
    expect(ids).toHaveLength(5);
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});

it('whatever happens, an hour has few messages, and who keeps still ends with people knowing how it is', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 600 }), fc.constantFrom<NotifyState>('trouble', 'well')), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, (changes) => {
      let topic: Topic | undefined;
      let nowMs = START;
      const told: { ms: number; state: NotifyState }[] = [];
      const take = (paced: ReturnType<typeof paceEvent>) => {
        topic = paced.topic ?? topic;
        if (paced.notice) told.push({ ms: nowMs, state: paced.notice.event.state });
      };
      for (const [seconds, state] of changes) {
        nowMs += seconds * 1000;
        if (topic) take(settleTopic(topic, nowMs));
        take(paceEvent(topic, eventAt(state, nowMs), nowMs));
      }
      nowMs += CALM_MS;
      if (topic) take(settleTopic(topic, nowMs));
      const firstTrouble = changes.findIndex(([, state]) => state === 'trouble');
      expect(told.at(-1)?.state).toBe(firstTrouble === -1 ? undefined : changes.at(-1)?.[1]);
      // Beside those of the hour, one that it flaps and one how it ended, for each time that it kept still.
      const most = MESSAGES_PER_HOUR_MAX + 2 * (3600_000 / CALM_MS);
      for (const { ms } of told)
        expect(told.filter((one) => one.ms >= ms && one.ms < ms + 3600_000).length).toBeLessThanOrEqual(most);
    }),
  );
});

it('beyond the bound the oldest that are well are forgotten, and only then those in trouble', () => {
  const topics = new Map<string, Topic>();
  for (const [key, state, minute] of [
    ['old-trouble', 'trouble', 0],
    ['new-well', 'well', 3],
    ['old-well', 'well', 1],
    ['new-trouble', 'trouble', 2],
  ] as const) {
    const { topic } = paceEvent(undefined, eventAt('trouble', START), START);
    topics.set(key, { ...topic!, last: eventAt(state, START), changedMs: START + minute * MINUTE });
  }
  expect(topicsToForget(topics, 4)).toEqual([]);
  expect(topicsToForget(topics, 3)).toEqual(['old-well']);
  expect(topicsToForget(topics, 1)).toEqual(['old-well', 'new-well', 'old-trouble']);
});
