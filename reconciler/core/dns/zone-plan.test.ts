import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NameRecords, RecordSet } from '../../ports/dns-zone.ts';
import { ownerRecord, ownerText } from './owner-text.ts';
import { ownedNames, planZone } from './zone-plan.ts';

const [ZONE, OURS, THEIRS] = ['hoge.com', '0'.repeat(32), 'f'.repeat(32)];
const ALIAS: RecordSet = { type: 'CNAME', ttl: 30, values: ['edges.hoge.com'] };

function standing(names: readonly string[], owner = OURS): Map<string, NameRecords> {
  return new Map(
    names.flatMap((name): [string, NameRecords][] => [
      [name, { sets: [ALIAS], others: [] }],
      [ownerRecord(name, ZONE), { sets: [{ type: 'TXT', ttl: 30, values: [ownerText({ owner, name })] }], others: [] }],
    ]),
  );
}

const named = (count: number) =>
  Array.from({ length: count }, (_, index) => `h${String(index).padStart(3, '0')}.hoge.com`);

/** `gone` of `count` names that are ours are not wanted any more. */
function deleting(gone: number, count: number, agreed = 0) {
  const names = named(count);
  const wanted = new Map(names.map((name, index) => [name, index < gone ? [] : [ALIAS]]));
  const plan = planZone({
    zone: ZONE,
    owner: OURS,
    wanted,
    found: standing(names),
    owned: count,
    deletionsAgreed: agreed,
  });
  return [plan.changes.length, plan.held.length];
}

test.each<[string, number, number, number, number[]]>([
  ['a few of a few', 5, 5, 0, [5, 0]],
  ['nine are never many', 9, 9, 0, [9, 0]],
  ['ten of ten', 10, 10, 0, [0, 10]],
  ['thirty of a hundred', 30, 100, 0, [30, 0]],
  ['thirty-one of a hundred', 31, 100, 0, [0, 31]],
  ['a person agreed to so many', 31, 100, 31, [31, 0]],
  ['a person agreed to fewer', 31, 100, 30, [0, 31]],
])('deletions: %s', (_, gone, count, agreed, expected) => {
  expect(deleting(gone, count, agreed)).toEqual(expected);
});

test('a name that holds addresses waits for a person, however few go', () => {
  const found = standing(['edges.hoge.com', 'a.hoge.com']);
  found.set('edges.hoge.com', { sets: [{ type: 'A', ttl: 30, values: ['198.51.100.1'] }], others: [] });
  const wanted = new Map([
    ['edges.hoge.com', []],
    ['a.hoge.com', []],
  ]);
  const plan = (deletionsAgreed: number) => {
    const { changes, held } = planZone({ zone: ZONE, owner: OURS, wanted, found, owned: 2, deletionsAgreed });
    return [changes.map(({ name }) => name), held.map(({ name }) => name)];
  };
  expect(plan(0)).toEqual([['a.hoge.com'], ['edges.hoge.com']]);
  expect(plan(2)).toEqual([['a.hoge.com', 'edges.hoge.com'], []]);
});

test('names are ours by their owner records, and by no others', () => {
  const found = new Map([...standing(['a.hoge.com', 'b.hoge.com']), ...standing(['c.hoge.com'], THEIRS)]);
  found.set('d.hoge.com', {
    sets: [{ type: 'TXT', ttl: 30, values: [ownerText({ owner: OURS, name: 'd.hoge.com' })] }],
    others: [],
  });
  expect(ownedNames(ZONE, OURS, found)).toEqual(new Set(['a.hoge.com', 'b.hoge.com']));
});

test('a plan that was carried out leaves nothing to do, and names of others are as they were', () => {
  const name = fc.constantFrom(...named(12));
  fc.assert(
    fc.property(fc.uniqueArray(name), fc.uniqueArray(name), fc.uniqueArray(name), (ours, theirs, wish) => {
      const found = new Map([
        ...standing(ours),
        ...standing(
          theirs.filter((one) => !ours.includes(one)),
          THEIRS,
        ),
      ]);
      const before = new Map(found);
      const wanted = new Map<string, RecordSet[]>(
        [...ours.map((one) => [one, []] as const), ...wish.map((one) => [one, [ALIAS]] as const)].map(([one, sets]) => [
          one,
          [...sets],
        ]),
      );
      const input = { zone: ZONE, owner: OURS, wanted, owned: ours.length, deletionsAgreed: 100 };
      const plan = planZone({ ...input, found });
      for (const { change } of plan.changes)
        for (const { name: at, after } of change)
          if (after.length === 0) found.delete(at);
          else found.set(at, { sets: after, others: [] });
      expect(planZone({ ...input, found }).changes).toEqual([]);
      for (const one of theirs.filter((other) => !ours.includes(other)))
        for (const at of [one, ownerRecord(one, ZONE)]) expect(found.get(at)).toBe(before.get(at));
      expect(plan.foreign.map((one) => one.name).sort()).toEqual(
        wish.filter((one) => theirs.includes(one) && !ours.includes(one)).sort(),
      );
    }),
  );
});
