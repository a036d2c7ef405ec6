// The persistent map against the built-in one: same answers, old versions untouched, differences complete.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changedKeys, emptyMap, entriesOf, lookup, type PersistentMap, updateMap } from './persistent-map.ts';

const updates = fc.array(
  fc.tuple(
    fc.nat(400).map(String),
    fc.option(
      fc.nat(3).map((n) => n + 1),
      { nil: undefined },
    ),
  ),
  { maxLength: 600 },
);

function asMap<V>(map: PersistentMap<V>): Map<string, V> {
  return new Map([...entriesOf(map)].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function apply(to: Map<string, number>, changes: [string, number | undefined][]): Map<string, number> {
  const next = new Map(to);
  for (const [key, value] of changes) value === undefined ? next.delete(key) : next.set(key, value);
  return new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1)));
}

test('two versions hold what built-in maps would hold, and differ in exactly the keys that differ', () => {
  fc.assert(
    fc.property(updates, updates, (first, second) => {
      const a = updateMap(emptyMap<number>(), first);
      const expectedA = apply(new Map(), first);
      const b = updateMap(a, second);
      const expectedB = apply(expectedA, second);
      expect(asMap(a)).toEqual(expectedA);
      expect(asMap(b)).toEqual(expectedB);
      expect([a.size, b.size]).toEqual([expectedA.size, expectedB.size]);
      for (const key of expectedA.keys()) expect(lookup(b, key)).toBe(expectedB.get(key));
      const differing = [...new Set([...expectedA.keys(), ...expectedB.keys()])].filter(
        (key) => expectedA.get(key) !== expectedB.get(key),
      );
      expect([...changedKeys(a, b)].sort()).toEqual(differing.sort());
    }),
    { numRuns: 60 },
  );
});

test('an update that changes nothing answers the same version', () => {
  const map = updateMap(emptyMap<number>(), [['a', 1]]);
  expect(
    updateMap(map, [
      ['a', 1],
      ['b', undefined],
    ]),
  ).toBe(map);
  expect(updateMap(map, [['a', undefined]])).toBe(emptyMap());
});
