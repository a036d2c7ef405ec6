// Plans: nothing for the same state, enough to get from one to the other, and a hash that only effects change.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile } from './compile.ts';
import { updateDesired } from './desired.ts';
import {
  type HostTarget,
  hostsOf,
  isEmptyPlan,
  nodesOf,
  type Plan,
  type PlannedNode,
  planHash,
  planOf,
} from './plan.ts';
import { anyWorld, changesBetween, desiredOf, edge, kokoa, NOW, origin, route, type World } from './world.fixture.ts';

const compiledOf = ({ files, enrolments, leases }: World) => compile(desiredOf(files), enrolments, leases, NOW);
const small = (...files: ReturnType<typeof kokoa>[]) => compile(desiredOf([kokoa(), ...files]), new Map(), [], NOW);

interface State {
  hosts: Map<string, HostTarget>;
  nodes: PlannedNode[];
}

function applied({ hosts, nodes }: State, plan: Plan): State {
  const next = new Map(hosts);
  for (const { hostname, from } of [...plan.hosts.removed, ...plan.hosts.moved]) {
    expect(next.get(hostname)).toEqual(from);
    next.delete(hostname);
  }
  for (const { hostname, to } of [...plan.hosts.added, ...plan.hosts.moved]) {
    expect(next.has(hostname)).toBe(false);
    next.set(hostname, to);
  }
  const removed = new Set(plan.nodes.removed.map((node) => JSON.stringify(node)));
  const left = nodes.filter((node) => !removed.has(JSON.stringify(node)));
  return {
    hosts: new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1))),
    nodes: [...left, ...plan.nodes.added].sort((a, b) => (a.node < b.node ? -1 : 1)),
  };
}

test('a plan applied to where it starts gives where it leads, whether or not the compile was incremental', () => {
  fc.assert(
    fc.property(anyWorld, anyWorld, (a, b) => {
      const from = compiledOf(a);
      const to = compile(
        updateDesired(from.desired, changesBetween(a.files, b.files)),
        b.enrolments,
        b.leases,
        NOW,
        from,
      );
      const plan = planOf(from, to);
      expect(applied({ hosts: hostsOf(from), nodes: nodesOf(from) }, plan)).toEqual({
        hosts: hostsOf(to),
        nodes: nodesOf(to),
      });
      expect(planHash(planOf(compiledOf(a), compiledOf(b)))).toBe(planHash(plan));
    }),
    { numRuns: 80 },
  );
});

test('a plan from a state to itself is empty', () => {
  fc.assert(
    fc.property(anyWorld, (world) => {
      expect(isEmptyPlan(planOf(compiledOf(world), compiledOf(world)))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('the first plan adds everything, and says where each host goes', () => {
  const plan = planOf(undefined, small(edge('e1'), origin('o1'), route('a.hoge.com', 'o1', 8080)));
  const to = { pool: 'default', backends: [{ origin: 'o1', address: '10.100.1.2', port: 8080 }] };
  expect(plan).toEqual({
    hosts: { added: [{ hostname: 'a.hoge.com', to }], removed: [], moved: [] },
    nodes: {
      added: [
        { node: 'e1', role: 'edge', pool: 'default' },
        { node: 'o1', role: 'origin' },
      ],
      removed: [],
    },
  });
});

test.each([
  ['another port', route('a.hoge.com', 'o1', 81), 1],
  ['another origin', route('a.hoge.com', 'o2', 80), 1],
  ['another pool', route('a.hoge.com', 'o1', 80, { pool: 'spare' }), 1],
  ['another limit', route('a.hoge.com', 'o1', 80, { limits: { connections: 5 } }), 0],
])('a route with %s is %3$i moved host', (_, after, moved) => {
  const before = small(origin('o1'), origin('o2'), route('a.hoge.com', 'o1', 80));
  expect(planOf(before, small(origin('o1'), origin('o2'), after)).hosts.moved).toHaveLength(moved);
});

test('the hash covers hosts and nodes and never the guards', () => {
  const before = small(origin('o1'), route('a.hoge.com', 'o1'));
  const override = { plan: '0'.repeat(64), base: '0'.repeat(40), reason: 'x' };
  const guarded = kokoa({ guards: { override } });
  const plain = planHash(planOf(before, compile(desiredOf([kokoa(), origin('o1')]), new Map(), [], NOW)));
  expect(planHash(planOf(before, compile(desiredOf([guarded, origin('o1')]), new Map(), [], NOW)))).toBe(plain);
  expect(planHash(planOf(before, compile(desiredOf([kokoa()]), new Map(), [], NOW)))).not.toBe(plain);
});
