import { beforeEach, describe, expect, test } from 'vitest';
import type { PeerView, StatusReport } from '../bundle/api.ts';
import { createMemoryStore, type MemoryStore } from '../test/fakes/memory-store.ts';
import type { FleetNode } from './core/fleet.ts';
import type { View } from './core/health/edge-verdict.ts';
import { createFleetHealth, VIEW_MS_MAX } from './fleet-health.ts';

const SINCE = '2026-01-01T00:00:00.000Z';
const UP: View = { up: true, since: SINCE };
const DOWN: View = { up: false, since: SINCE, reason: 'timeout: no answer within 1500 ms' };

let store: MemoryStore;
let nowMs: number;
/** What each edge says of others, when it said it, and whether it has applied anything. */
let reports: Map<string, { atMs: number; checks: PeerView[]; applied: boolean }>;
let own: Map<string, View>;
let silent: Set<string>;
let told: string[];
let moved: number;

beforeEach(() => {
  store = createMemoryStore();
  [nowMs, moved, told] = [1_000_000, 0, []];
  [reports, own, silent] = [new Map(), new Map(), new Set()];
});

function edge(node: string, more: Partial<FleetNode> = {}): FleetNode {
  const publicAddresses = [`198.51.100.${node.slice(1)}`];
  return { node, role: 'edge', state: 'active', pool: 'default', address: '10.100.0.1', publicAddresses, ...more };
}

async function open(fleet: FleetNode[], minHealthy = 1) {
  const health = createFleetHealth({
    ...{ kept: store, own: () => own, silent: () => silent, now: () => nowMs, lookEveryMs: 0 },
    heard: {
      report(node) {
        const said = reports.get(node);
        const report = { checks: said?.checks, ...(said?.applied && { applied: 'a'.repeat(64) }) } as StatusReport;
        return said && { node, lastSeenMs: said.atMs, report };
      },
      lastSeenMs: (node) => reports.get(node)?.atMs,
    },
    told: (_, { kind, edge: name }) => told.push(`${kind} ${name}`),
    moved: () => {
      moved += 1;
    },
    failed: (error) => told.push(`failed ${String((error as Error).message)}`),
  });
  await health.restore();
  health.live({ fleet, pools: new Map([['default', { minHealthy }]]) });
  return health;
}

/** Everybody was just heard, and sees these. */
function heard(views: Record<string, Record<string, View>>): void {
  for (const [node, seen] of Object.entries(views))
    reports.set(node, {
      ...{ atMs: nowMs, applied: true },
      checks: Object.entries(seen).map(([of, view]) => ({ node: of, ...view })),
    });
}

describe('where visitors are sent', () => {
  test('an edge that two see down is left out, and comes back', async () => {
    const health = await open([edge('e1'), edge('e2')]);
    heard({ e1: { e2: UP }, e2: { e1: UP } });
    own = new Map([
      ['e1', UP],
      ['e2', UP],
    ]);
    await health.look();
    expect(health.addressesOf('default')).toEqual(['198.51.100.1', '198.51.100.2']);
    heard({ e1: { e2: DOWN } });
    await health.look();
    expect(health.addressesOf('default')).toHaveLength(2);
    own.set('e2', DOWN);
    await health.look();
    expect(health.addressesOf('default')).toEqual(['198.51.100.1']);
    expect(health.standings().find((one) => one.edge === 'e2')).toMatchObject({
      verdict: { state: 'down', votes: [{ by: 'reconciler' }, { by: 'e1' }] },
      member: { inDns: false, reason: 'timeout: no answer within 1500 ms, seen by reconciler and e1' },
    });
    heard({ e1: { e2: UP } });
    own.set('e2', UP);
    await health.look();
    expect(health.addressesOf('default')).toHaveLength(2);
    expect(told).toEqual(['entered e1', 'entered e2', 'withdrawn e2', 'returned e2']);
    expect(moved).toBe(3);
  });

  test('what an edge said long ago, or before the clock was set, counts for nothing', async () => {
    const health = await open([edge('e1'), edge('e2')]);
    heard({ e1: { e2: DOWN }, e2: {} });
    own = new Map([
      ['e1', UP],
      ['e2', DOWN],
    ]);
    for (const atMs of [nowMs + VIEW_MS_MAX, nowMs - VIEW_MS_MAX]) {
      nowMs = atMs;
      await health.look();
      expect(health.addressesOf('default')).toHaveLength(2);
    }
  });

  test('a reconciler that hears nobody is cut off: what it sees itself counts for nothing', async () => {
    const health = await open([edge('e1'), edge('e2'), edge('e3')]);
    heard({ e1: {}, e2: {}, e3: {} });
    await health.look();
    nowMs += VIEW_MS_MAX;
    own = new Map([
      ['e1', DOWN],
      ['e2', DOWN],
      ['e3', UP],
    ]);
    silent = new Set(['e1', 'e2']);
    await health.look();
    expect(health.addressesOf('default')).toHaveLength(3);
    expect(health.standings().map(({ verdict }) => verdict.state)).toEqual(['unknown', 'unknown', 'unknown']);
  });

  test('a machine without configuration or address is no place for visitors, and a newcomer waits until it is seen', async () => {
    const { publicAddresses: _, ...unknown } = edge('e2');
    const fleet = [edge('e1'), unknown, edge('e3')];
    const health = await open(fleet);
    heard({ e1: {}, e2: {} });
    reports.set('e3', { atMs: nowMs, applied: false, checks: [] });
    await health.look();
    expect(health.addressesOf('default')).toEqual(['198.51.100.1']);
    heard({ e1: { e3: UP }, e3: {} });
    await health.look();
    expect(health.addressesOf('default')).toEqual(['198.51.100.1', '198.51.100.3']);
  });

  test('a restart changes nothing, and what cannot be kept is not carried out', async () => {
    const first = await open([edge('e1'), edge('e2')]);
    heard({ e1: { e2: DOWN }, e2: {} });
    own = new Map([
      ['e1', UP],
      ['e2', DOWN],
    ]);
    await first.look();
    await first.look();
    expect(first.addressesOf('default')).toEqual(['198.51.100.1']);
    own = new Map();
    reports.clear();
    const second = await open([edge('e1'), edge('e2')]);
    expect(second.addressesOf('default')).toEqual(['198.51.100.1']);
    heard({ e1: { e2: UP }, e2: {} });
    own = new Map([['e2', UP]]);
    store.failNext('savePoolMembers', new Error('disk full'));
    await second.look();
    expect(second.addressesOf('default')).toEqual(['198.51.100.1']);
    expect(told.at(-1)).toBe('failed disk full');
    await second.look();
    expect(second.addressesOf('default')).toHaveLength(2);
  });

  test('a pool whose name is not ours is judged and kept nowhere; one that lost its edges keeps what stands in DNS', async () => {
    const health = await open([edge('e1'), edge('x1', { pool: 'people' })]);
    heard({ e1: {}, x1: {} });
    await health.look();
    expect([...(await store.poolMembers()).keys()]).toEqual(['default']);
    expect(health.standings().map((one) => [one.edge, one.member?.inDns])).toEqual([
      ['e1', true],
      ['x1', undefined],
    ]);
    health.live({ fleet: [], pools: new Map([['default', { minHealthy: 1 }]]) });
    await health.look();
    expect(await store.poolMembers()).toEqual(new Map());
    expect(health.addressesOf('default')).toEqual([]);
  });

  test('an edge that is itself seen down keeps no other out by what it says', async () => {
    const health = await open([edge('e1'), edge('e2')]);
    heard({ e1: { e2: UP }, e2: { e1: UP } });
    own = new Map([
      ['e1', UP],
      ['e2', UP],
    ]);
    await health.look();
    heard({ e1: { e2: DOWN }, e2: { e1: DOWN } });
    own.set('e1', DOWN);
    await health.look();
    expect(health.addressesOf('default')).toEqual(['198.51.100.2']);
  });

  test('another address of an edge is where visitors are sent', async () => {
    const health = await open([edge('e1')]);
    heard({ e1: {} });
    await health.look();
    const before = moved;
    health.live({
      fleet: [edge('e1', { publicAddresses: ['198.51.100.77'] })],
      pools: new Map([['default', { minHealthy: 1 }]]),
    });
    await health.look();
    expect(moved).toBe(before + 1);
    expect(health.addressesOf('default')).toEqual(['198.51.100.77']);
  });

  test('many looks at once are one, and the last word counts', async () => {
    const health = await open([edge('e1')]);
    heard({ e1: {} });
    await Promise.all(Array.from({ length: 100 }, () => health.look()));
    expect(told).toEqual(['entered e1']);
  });
});
