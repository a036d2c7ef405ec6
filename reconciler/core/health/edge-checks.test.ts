import { expect, test } from 'vitest';
import { CHECKS_MAX } from '../../../bundle/config-schema.ts';
import { EDGE_PACE, type FleetNode } from '../fleet.ts';
import { edgeChecks, WATCHERS_MAX } from './edge-checks.ts';

const watched = (...pools: string[]) => ({ watched: pools, paces: {} });
const ALL = watched('default', 'spare', 'small', 'large');

function edge(node: string, more: Partial<FleetNode> = {}): FleetNode {
  const publicAddresses = [`198.51.100.${node.replace(/\D/g, '') || '1'}`];
  return { node, role: 'edge', state: 'active', pool: 'default', address: '10.100.0.1', publicAddresses, ...more };
}

/** Who looks at whom, as `watcher target`. */
function looks(fleet: readonly FleetNode[]): string[] {
  return [...edgeChecks(fleet, ALL)]
    .flatMap(([watcher, checks]) => checks.map(({ node }) => `${watcher} ${node}`))
    .sort();
}

test.each<[string, FleetNode[], string[]]>([
  ['one edge is looked at by nobody', [edge('a1')], []],
  ['two look at each other', [edge('a1'), edge('a2')], ['a1 a2', 'a2 a1']],
  ['edges of other pools help out', [edge('a1'), edge('b1', { pool: 'spare' })], ['a1 b1', 'b1 a1']],
  ['one that drains is looked at and does not look', [edge('a1'), edge('a2', { state: 'draining' })], ['a1 a2']],
  [
    'origins neither look nor are looked at',
    [edge('a1'), edge('a2'), edge('o1', { role: 'origin' })],
    ['a1 a2', 'a2 a1'],
  ],
])('%s', (_, fleet, expected) => {
  expect(looks(fleet)).toEqual(expected);
});

test('an edge whose address nobody knows, or no edge may knock at, looks and is not looked at', () => {
  const { publicAddresses: _, ...unknown } = edge('a2');
  expect(looks([edge('a1'), unknown])).toEqual(['a2 a1']);
  expect(looks([edge('a1'), edge('a2', { publicAddresses: ['10.0.0.2'] })])).toEqual(['a2 a1']);
});

test('two that watch for seventy others have no more to look at than a config holds', () => {
  const fleet = Array.from({ length: 72 }, (_, index) => edge(`e${index + 1}`, index < 2 ? {} : { state: 'draining' }));
  expect([...edgeChecks(fleet, ALL).values()].map(({ length }) => length)).toEqual([CHECKS_MAX, CHECKS_MAX]);
});

test('edges of a pool that is not watched look, and are not looked at', () => {
  const fleet = [edge('a1'), edge('b1', { pool: 'nameless' })];
  expect([...edgeChecks(fleet, watched('default')).keys()]).toEqual(['b1']);
  expect(edgeChecks(fleet, watched()).size).toBe(0);
});

test('of many each is looked at by a few, its own pool first, whatever the order, and an edge has not too many to look at', () => {
  const fleet = Array.from({ length: 100 }, (_, index) =>
    edge(`e${index + 1}`, { pool: index < 3 ? 'small' : 'large' }),
  );
  const all = looks(fleet);
  expect(looks([...fleet].reverse())).toEqual(all);
  const byTarget = Map.groupBy(all, (look) => look.split(' ')[1]);
  expect([...byTarget.values()].every((some) => some.length === WATCHERS_MAX)).toBe(true);
  expect(all).toEqual(expect.arrayContaining(['e1 e2', 'e1 e3', 'e2 e1', 'e2 e3', 'e3 e1', 'e3 e2']));
  const counts = [...edgeChecks(fleet, ALL).values()].map(({ length }) => length);
  expect(Math.max(...counts)).toBeLessThan(CHECKS_MAX);
  for (const [watcher, checks] of edgeChecks(fleet, ALL)) expect(checks.map(({ node }) => node)).not.toContain(watcher);
});

test('an edge is asked as often as its pool says, whoever asks', () => {
  const pace = { intervalMs: 1_000, timeoutMs: 500, healthy: 2, unhealthy: 2 };
  const fleet = [edge('a1'), edge('b1', { pool: 'spare' })];
  const checks = edgeChecks(fleet, { ...watched('default', 'spare'), paces: { spare: pace } });
  expect(checks.get('a1')).toEqual([expect.objectContaining({ node: 'b1', ...pace })]);
  expect(checks.get('b1')).toEqual([expect.objectContaining({ node: 'a1', ...EDGE_PACE })]);
});
