import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createMemoryStore } from '../../test/fakes/memory-store.ts';
import { createMemoryZone, type MemoryZone } from '../../test/fakes/memory-zone.ts';
import { updateDesired } from '../core/desired.ts';
import { ownerRecord, ownerText } from '../core/dns/owner-text.ts';
import { desiredOf, kokoa, route } from '../core/world.fixture.ts';
import { createDnsRecords, namesByZone } from './keep-records.ts';
import type { ZoneStanding } from './zone-standing.ts';

const OWNER = '0'.repeat(32);
const THEIRS = 'f'.repeat(32);
const POLL = { timeout: 20_000, interval: 10 };
const ZONE = 'hoge.com';
const KOKOA = kokoa({
  zones: [{ name: ZONE, provider: 'rfc2136' }],
  pools: [{ name: 'default', hostname: 'edges.hoge.com' }],
});

let stop: AbortController;
let running: Promise<void>;
afterEach(async () => {
  stop?.abort();
  await running;
});

/** A fleet whose edges are `addresses`, the routes `hosts`, and a zone that may misbehave. */
function open(hosts: readonly string[], zone: MemoryZone = createMemoryZone(ZONE), store = createMemoryStore()) {
  let addresses = ['198.51.100.11', '198.51.100.12'];
  let desired = desiredOf([KOKOA, ...hosts.map((host) => route(host, 'home'))]);
  const told: ZoneStanding[] = [];
  const lines: string[] = [];
  const records = createDnsRecords({
    ...{ owner: OWNER, kept: store, now: Date.now },
    access: async () => zone,
    addressesOf: () => addresses,
    log: { info: (_, message) => lines.push(message), warn: (_, message) => lines.push(message) },
    moved: (standing) => told.push(standing),
  });
  records.live(desired);
  stop = new AbortController();
  running = records.run(stop.signal);
  return {
    ...{ zone, store, records, told, lines },
    standing: () => records.standings()[0]!,
    fails(gone: string) {
      addresses = addresses.filter((one) => one !== gone);
      records.membersMoved();
    },
    all(next: string[]) {
      addresses = next;
      records.membersMoved();
    },
    merge(changes: Record<string, 'here' | 'gone'>) {
      desired = updateDesired(
        desired,
        Object.entries(changes).map(([host, what]) => {
          const file = route(host, 'home');
          return { path: file.path, file: what === 'here' ? file : undefined };
        }),
      );
      records.live(desired);
    },
  };
}

const shown = (zone: MemoryZone, name: string) =>
  zone.stands(name)?.sets.flatMap(({ type, values }) => [type, ...values]);
const aliasAt = (zone: MemoryZone, name: string) =>
  expect.poll(() => shown(zone, name), POLL).toEqual(['CNAME', 'edges.hoge.com']);
const hosts = (count: number) => Array.from({ length: count }, (_, index) => `h${index}.hoge.com`);
/** All that stands there, but for what is ours. */
const EDGES_AT = 'edges.hoge.com';

describe('records of visitors', () => {
  test('come with a fleet, follow its commits, and change at one name when an edge fails', async () => {
    const fleet = open(['app.hoge.com', 'wiki.hoge.com']);
    await aliasAt(fleet.zone, 'app.hoge.com');
    await aliasAt(fleet.zone, 'wiki.hoge.com');
    expect(shown(fleet.zone, EDGES_AT)).toEqual(['A', '198.51.100.11', '198.51.100.12']);
    fleet.merge({ 'new.hoge.com': 'here', 'wiki.hoge.com': 'gone' });
    await aliasAt(fleet.zone, 'new.hoge.com');
    await expect.poll(() => shown(fleet.zone, 'wiki.hoge.com'), POLL).toBeUndefined();
    expect(fleet.zone.stands(ownerRecord('wiki.hoge.com', ZONE))).toBeUndefined();
    const before = fleet.zone.writes.length;
    fleet.fails('198.51.100.11');
    await expect.poll(() => shown(fleet.zone, EDGES_AT), POLL).toEqual(['A', '198.51.100.12']);
    expect(
      fleet.zone.writes
        .slice(before)
        .flat()
        .flat()
        .map(({ name }) => name),
    ).toEqual([EDGES_AT]);
    expect(fleet.standing()).toMatchObject({ unsettled: [] });
  });

  test('stay as they are when no edge has an address any more', async () => {
    const fleet = open(['app.hoge.com']);
    await aliasAt(fleet.zone, 'app.hoge.com');
    const before = fleet.zone.writes.length;
    fleet.all([]);
    fleet.merge({ 'new.hoge.com': 'here' });
    await aliasAt(fleet.zone, 'new.hoge.com');
    expect(shown(fleet.zone, EDGES_AT)).toEqual(['A', '198.51.100.11', '198.51.100.12']);
    expect(
      fleet.zone.writes
        .slice(before)
        .flat()
        .flat()
        .some(({ name }) => name === EDGES_AT),
    ).toBe(false);
  });

  test('of others are told and not touched, and the rest goes on', async () => {
    const zone = createMemoryZone(ZONE);
    zone.put('app.hoge.com', 'A', 300, ['203.0.113.9']);
    zone.put('mail.hoge.com', 'MX', 300, ['10 mx.hoge.com.']);
    zone.put('theirs.hoge.com', 'CNAME', 300, ['edges.hoge.com']);
    zone.put(ownerRecord('theirs.hoge.com', ZONE), 'TXT', 300, [
      `"${ownerText({ owner: THEIRS, name: 'theirs.hoge.com' })}"`,
    ]);
    const fleet = open(['app.hoge.com', 'mail.hoge.com', 'theirs.hoge.com', 'wiki.hoge.com'], zone);
    await aliasAt(zone, 'wiki.hoge.com');
    await expect
      .poll(() => fleet.standing().unsettled.map(({ name, kind, reason }) => [name, kind, reason]), POLL)
      .toEqual([
        ['app.hoge.com', 'foreign', 'A 203.0.113.9 stands there, and is not ours'],
        ['mail.hoge.com', 'foreign', 'MX stands beside it, and a CNAME stands alone'],
        ['theirs.hoge.com', 'foreign', `it belongs to installation ${THEIRS}`],
      ]);
    expect(shown(zone, 'app.hoge.com')).toEqual(['A', '203.0.113.9']);
    expect(
      zone.writes
        .flat()
        .flat()
        .map(({ name }) => name),
    ).not.toContain('app.hoge.com');
    expect(fleet.lines.filter((line) => line.includes('not as git wants'))).toHaveLength(1);
  });

  test('that somebody changed are put back at the next comparison', async () => {
    const fleet = open(['app.hoge.com']);
    await aliasAt(fleet.zone, 'app.hoge.com');
    fleet.zone.put('app.hoge.com', 'CNAME', 300, ['evil.example']);
    fleet.zone.remove(EDGES_AT, 'A');
    // kokoa.yaml is another file: everything is compared.
    fleet.records.live(updateDesired(desiredOf([KOKOA, route('app.hoge.com', 'home')]), []));
    const same = kokoa({
      zones: [{ name: ZONE, provider: 'rfc2136' }],
      pools: [{ name: 'default', hostname: EDGES_AT }],
    });
    fleet.records.live(desiredOf([same, route('app.hoge.com', 'home')]));
    await aliasAt(fleet.zone, 'app.hoge.com');
    await expect.poll(() => shown(fleet.zone, EDGES_AT), POLL).toEqual(['A', '198.51.100.11', '198.51.100.12']);
  });

  test('that are no longer wanted in masses wait for a person', async () => {
    const names = hosts(40);
    const first = open(names);
    await aliasAt(first.zone, names.at(-1)!);
    await expect.poll(() => first.standing().lookedMs, POLL).toBeDefined();
    stop.abort();
    await running;
    const again = open(names.slice(20), first.zone, first.store);
    await expect.poll(() => again.standing().unsettled.length, POLL).toBe(20);
    expect(again.standing().unsettled[0]).toMatchObject({
      kind: 'held',
      reason: expect.stringMatching(/^one of 20 that wait for a person/),
    });
    await aliasAt(first.zone, 'h0.hoge.com');
    // A merge that takes as many at once is looked at in the same way.
    again.merge(Object.fromEntries(names.slice(20, 34).map((name) => [name, 'gone' as const])));
    await expect.poll(() => again.standing().unsettled.length, POLL).toBe(34);
    await aliasAt(first.zone, 'h25.hoge.com');
    again.merge({ 'new.hoge.com': 'here' });
    await aliasAt(first.zone, 'new.hoge.com');
  });

  test('at a name that holds addresses stay when its pool has another name', async () => {
    const fleet = open(['app.hoge.com']);
    await aliasAt(fleet.zone, 'app.hoge.com');
    const renamed = kokoa({
      ...{
        zones: [{ name: ZONE, provider: 'rfc2136' as const }],
        pools: [{ name: 'default', hostname: 'new.hoge.com' }],
      },
    });
    fleet.records.live(desiredOf([renamed, route('app.hoge.com', 'home')]));
    await expect.poll(() => shown(fleet.zone, 'app.hoge.com'), POLL).toEqual(['CNAME', 'new.hoge.com']);
    await expect
      .poll(() => fleet.standing().unsettled.map(({ name, kind }) => [name, kind]), POLL)
      .toEqual([[EDGES_AT, 'held']]);
    expect(shown(fleet.zone, EDGES_AT)).toEqual(['A', '198.51.100.11', '198.51.100.12']);
    expect(shown(fleet.zone, 'new.hoge.com')).toEqual(['A', '198.51.100.11', '198.51.100.12']);
  });

  test('that another zone has now stay while nobody writes that', async () => {
    const fleet = open(['x.sub.hoge.com']);
    await aliasAt(fleet.zone, 'x.sub.hoge.com');
    const zones = [
      { name: ZONE, provider: 'rfc2136' as const },
      { name: 'sub.hoge.com', provider: 'manual' as const },
    ];
    const carved = kokoa({ zones, pools: [{ name: 'default', hostname: EDGES_AT }] });
    fleet.records.live(desiredOf([carved, route('x.sub.hoge.com', 'home'), route('app.hoge.com', 'home')]));
    await aliasAt(fleet.zone, 'app.hoge.com');
    await delay(200);
    expect(shown(fleet.zone, 'x.sub.hoge.com')).toEqual(['CNAME', EDGES_AT]);
  });

  test('of a first fleet are found by a second life that remembers nothing', async () => {
    const first = open(['app.hoge.com', 'old.hoge.com']);
    await aliasAt(first.zone, 'old.hoge.com');
    stop.abort();
    await running;
    const writes = first.zone.writes.length;
    const again = open(['app.hoge.com'], first.zone, createMemoryStore());
    await expect.poll(() => shown(first.zone, 'old.hoge.com'), POLL).toBeUndefined();
    expect(first.zone.writes.slice(writes).flat()).toHaveLength(1);
    expect(await again.store.dnsNames(ZONE)).toEqual(expect.arrayContaining(['app.hoge.com', EDGES_AT]));
  });

  test('of a zone that cannot be listed are known from what is kept', async () => {
    const zone = createMemoryZone(ZONE);
    zone.faults = { refusesLists: true };
    const first = open(['app.hoge.com', 'old.hoge.com'], zone);
    await aliasAt(zone, 'old.hoge.com');
    stop.abort();
    await running;
    open(['app.hoge.com'], zone, first.store);
    await expect.poll(() => shown(zone, 'old.hoge.com'), POLL).toBeUndefined();
  });
});

describe('a provider that', () => {
  const bad: [string, MemoryZone['faults']][] = [
    ['answers nothing', { unreachable: true }],
    ['says yes and does nothing', { lies: true }],
    ['does half and says yes', { halves: 'done' }],
    ['does half and stops', { halves: 'stops' }],
    ['does it and never answers', { timesOutAfterwards: true }],
    ['wants to be left alone', { throttles: { afterChanges: 1, retryAfterMs: 50 } }],
    ['forgets what it has', { listsOnly: 3 }],
  ];
  test.each(bad)(
    '%s: nothing foreign changes, nothing is emptied, and when it is mended all is there',
    async (_, faults) => {
      const zone = createMemoryZone(ZONE);
      zone.put('mail.hoge.com', 'MX', 300, ['10 mx.hoge.com.']);
      zone.put('www.hoge.com', 'A', 300, ['203.0.113.9']);
      const fleet = open(['app.hoge.com', 'b.hoge.com'], zone);
      await aliasAt(zone, 'b.hoge.com');
      zone.faults = faults;
      fleet.merge({ 'new.hoge.com': 'here', 'b.hoge.com': 'gone' });
      fleet.fails('198.51.100.11');
      fleet.records.live(
        desiredOf([
          kokoa({ zones: [{ name: ZONE, provider: 'rfc2136' }], pools: [{ name: 'default', hostname: EDGES_AT }] }),
          ...['app', 'new'].map((name) => route(`${name}.hoge.com`, 'home')),
        ]),
      );
      for (let looks = 0; looks < 30; looks += 1) {
        expect(shown(zone, EDGES_AT)?.length ?? 0).toBeGreaterThan(1);
        expect(shown(zone, 'www.hoge.com')).toEqual(['A', '203.0.113.9']);
        expect(zone.stands('mail.hoge.com')?.others).toEqual(['MX']);
        await delay(20);
      }
      zone.faults = {};
      await expect.poll(() => shown(zone, EDGES_AT), POLL).toEqual(['A', '198.51.100.12']);
      await aliasAt(zone, 'new.hoge.com');
      await aliasAt(zone, 'app.hoge.com');
      await expect.poll(() => shown(zone, 'b.hoge.com'), POLL).toBeUndefined();
      await expect.poll(() => fleet.standing(), POLL).not.toHaveProperty('trouble');
    },
  );

  test('refuses one name holds up no other', async () => {
    const zone = createMemoryZone(ZONE);
    zone.faults = { refuses: ['app.hoge.com'] };
    const fleet = open(['app.hoge.com', 'b.hoge.com'], zone);
    await aliasAt(zone, 'b.hoge.com');
    await expect
      .poll(() => fleet.standing().unsettled.map(({ name, kind }) => [name, kind]), POLL)
      .toEqual([['app.hoge.com', 'refused']]);
  });

  test('wants to be left alone is, whatever is urgent', async () => {
    const zone = createMemoryZone(ZONE);
    const fleet = open(['app.hoge.com'], zone);
    await aliasAt(zone, 'app.hoge.com');
    zone.faults = { throttles: { afterChanges: 0, retryAfterMs: 60_000 } };
    fleet.fails('198.51.100.11');
    await expect.poll(() => fleet.standing().trouble?.code, POLL).toBe('dns_throttled');
    const asked = zone.reads.read;
    zone.faults = {};
    fleet.all(['198.51.100.12']);
    await delay(1_500);
    expect(zone.reads.read).toBe(asked);
  });

  test('holds back one name in a piece settles the others', async () => {
    const zone = createMemoryZone(ZONE);
    zone.faults = { refuses: ['h3.hoge.com'] };
    const fleet = open(hosts(10), zone);
    await aliasAt(zone, 'h9.hoge.com');
    await expect.poll(() => fleet.standing().unsettled.length, POLL).toBe(1);
    expect(fleet.standing()).not.toHaveProperty('trouble');
  });

  test('refuses a failover is asked again, and it is told', async () => {
    const zone = createMemoryZone(ZONE);
    const fleet = open(['app.hoge.com'], zone);
    await aliasAt(zone, 'app.hoge.com');
    zone.faults = { refuses: [EDGES_AT] };
    fleet.fails('198.51.100.11');
    await expect.poll(() => fleet.standing().trouble?.code, POLL).toBe('dns_refused');
    fleet.merge({ 'new.hoge.com': 'here' });
    await aliasAt(zone, 'new.hoge.com');
    zone.faults = {};
    await expect.poll(() => shown(zone, EDGES_AT), POLL).toEqual(['A', '198.51.100.12']);
    await expect.poll(() => fleet.standing(), POLL).not.toHaveProperty('trouble');
  });

  test('is slow lets a failover pass what was begun before', async () => {
    const zone = createMemoryZone(ZONE);
    let go = (): void => undefined;
    zone.faults = { slow: new Promise<void>((resolve) => (go = resolve)) };
    const fleet = open(hosts(1000), zone);
    await expect.poll(() => zone.reads.read + zone.reads.list, POLL).toBeGreaterThan(0);
    zone.faults = {};
    go();
    await aliasAt(zone, 'h0.hoge.com');
    const begun = zone.writes.length;
    zone.faults = { slow: new Promise<void>((resolve) => (go = resolve)) };
    fleet.fails('198.51.100.11');
    await delay(50);
    zone.faults = {};
    go();
    await expect.poll(() => shown(zone, EDGES_AT), POLL).toEqual(['A', '198.51.100.12']);
    const isFailover = (change: (typeof zone.writes)[number][number]) =>
      change.some(({ name, before }) => name === EDGES_AT && before.length > 0);
    const at = zone.writes.findIndex((write) => write.some(isFailover));
    expect(at).toBeLessThanOrEqual(begun + 1);
    await aliasAt(zone, 'h999.hoge.com');
    expect(zone.writes.length).toBeGreaterThan(5);
  });
});

test('ten thousand names: a failover writes one change, and a second life none', async () => {
  const names = hosts(10_000);
  const fleet = open(names);
  await expect.poll(() => shown(fleet.zone, 'h9999.hoge.com'), { timeout: 60_000 }).toBeDefined();
  await expect.poll(() => fleet.standing().wanted, POLL).toBe(10_001);
  const before = fleet.zone.writes.length;
  fleet.fails('198.51.100.12');
  await expect.poll(() => shown(fleet.zone, EDGES_AT), POLL).toEqual(['A', '198.51.100.11']);
  expect(fleet.zone.writes.slice(before).flat()).toHaveLength(1);
  expect(namesByZone(desiredOf([KOKOA, route('a.hoge.com', 'home')])).get(ZONE)).toHaveLength(2);
  stop.abort();
  await running;
  const writes = fleet.zone.writes.length;
  const again = open(names, fleet.zone, fleet.store);
  again.all(['198.51.100.11']);
  await expect.poll(() => again.standing()?.lookedMs, { timeout: 60_000 }).toBeDefined();
  await expect.poll(() => shown(fleet.zone, EDGES_AT), POLL).toEqual(['A', '198.51.100.11']);
  expect(
    fleet.zone.writes
      .slice(writes)
      .flat()
      .flat()
      .every(({ name }) => name === EDGES_AT),
  ).toBe(true);
});
