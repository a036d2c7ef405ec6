// The fake zone keeps the contract of the real ones, and breaks it only as it is told.
import { expect, it } from 'vitest';
import type { RecordSet, ZoneChange } from '../../reconciler/ports/dns-zone.ts';
import { zoneContract } from '../contract/dns-zone.ts';
import { createMemoryZone, type MemoryZone, type ZoneFaults } from './memory-zone.ts';

const never = new AbortController().signal;
const A: RecordSet = { type: 'A', ttl: 30, values: ['203.0.113.1'] };
const TXT: RecordSet = { type: 'TXT', ttl: 30, values: ['x'] };
const change = (name: string): ZoneChange => [
  { name, before: [], after: [A] },
  { name: `_o.${name}`, before: [], after: [TXT] },
];
const NAMES = ['a.hoge.com', 'b.hoge.com'];
const UNKNOWN = { kind: 'unknown' };
const DONE = { kind: 'done' };

for (const lists of [true, false])
  zoneContract(lists ? 'the zone in memory' : 'the zone in memory that does not list', async () => {
    const access = createMemoryZone('hoge.com');
    access.faults.refusesLists = !lists;
    return {
      zone: 'hoge.com',
      access,
      put: async (...record) => access.put(...record),
      remove: async (...record) => access.remove(...record),
      stands: async (name) => access.stands(name),
      lists,
      close: async () => {},
    };
  });

const standing = (zone: MemoryZone) =>
  NAMES.flatMap((name) => [name, `_o.${name}`]).filter((name) => zone.stands(name));
const ALL = ['a.hoge.com', '_o.a.hoge.com', 'b.hoge.com', '_o.b.hoge.com'];
const REFUSED = { kind: 'refused', reason: expect.stringContaining('_o.a.hoge.com') };

const ROWS: [string, ZoneFaults, { outcomes: unknown[]; code?: string; stands: string[] }][] = [
  ['lies', { lies: true }, { outcomes: [DONE, DONE], stands: [] }],
  ['does half of it', { halves: 'done' }, { outcomes: [DONE, DONE], stands: NAMES }],
  ['dies halfway', { halves: 'stops' }, { outcomes: [UNKNOWN, UNKNOWN], code: 'dns_unreachable', stands: NAMES }],
  ['says nothing', { unreachable: true }, { outcomes: [UNKNOWN, UNKNOWN], code: 'dns_unreachable', stands: [] }],
  [
    'does it and does not say so',
    { timesOutAfterwards: true },
    { outcomes: [UNKNOWN, UNKNOWN], code: 'dns_unreachable', stands: ALL },
  ],
  [
    'has enough after the first',
    { throttles: { afterChanges: 1, retryAfterMs: 7_000 } },
    { outcomes: [DONE, UNKNOWN], code: 'dns_throttled', stands: ALL.slice(0, 2) },
  ],
  ['refuses a name', { refuses: ['_o.a.hoge.com'] }, { outcomes: [REFUSED, DONE], stands: ALL.slice(2) }],
];

it.each(ROWS)('%s when it is told to', async (_, faults, { outcomes, code, stands }) => {
  const zone = createMemoryZone('hoge.com');
  Object.assign(zone.faults, faults);
  const written = await zone.write(NAMES.map(change), never);
  expect(written.outcomes).toEqual(outcomes);
  expect(written.stopped).toEqual(code === undefined ? undefined : expect.objectContaining({ code }));
  expect(written.retryAfterMs).toBe(faults.throttles?.retryAfterMs);
  expect(standing(zone)).toEqual(stands);
});

it('reads nothing while it throttles or is away, and loses names of a list when it is told to', async () => {
  const zone = createMemoryZone('hoge.com');
  await zone.write(NAMES.map(change), never);
  zone.faults.listsOnly = 2;
  expect((await zone.list(never))?.size).toBe(2);
  for (const [fault, code] of [
    [{ throttles: { afterChanges: 0, retryAfterMs: 1 } }, 'dns_throttled'],
    [{ unreachable: true }, 'dns_unreachable'],
  ] as const) {
    zone.faults = fault;
    await expect(zone.list(never)).rejects.toMatchObject({ code });
    await expect(zone.read(NAMES, never)).rejects.toMatchObject({ code });
  }
});

it('waits until it is told to go on, or until nobody waits any more', async () => {
  const zone = createMemoryZone('hoge.com');
  const gate = Promise.withResolvers<void>();
  zone.faults.slow = gate.promise;
  const left = new AbortController();
  const leaving = zone.write([change('a.hoge.com')], left.signal);
  const waiting = zone.write([change('b.hoge.com')], never);
  left.abort(new Error('nobody waits'));
  expect(await leaving).toMatchObject({ outcomes: [UNKNOWN], stopped: { message: 'nobody waits' } });
  expect(standing(zone)).toEqual([]);
  gate.resolve();
  expect((await waiting).outcomes).toEqual([DONE]);
  expect(standing(zone)).toEqual(ALL.slice(2));
});
