// Which certificates are taken off the disk.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planPruning, UNWANTED_MS_MAX, wantedNames } from './pruning.ts';

const HOUR_MS = 3_600_000;

function after(hours: number, wantedAt: (hour: number) => boolean, stepHours = 1): string[] {
  let unwanted: ReadonlyMap<string, number> = new Map();
  const removed: string[] = [];
  for (let hour = 0; hour <= hours; hour += stepHours) {
    const plan = planPruning({
      names: ['a.hoge.com'],
      isWanted: () => wantedAt(hour),
      unwanted,
      passedMs: stepHours * HOUR_MS,
    });
    unwanted = plan.unwanted;
    removed.push(...plan.remove.map((name) => `${name} at ${hour}`));
  }
  return removed;
}

test('what nothing needs goes after seven days, and not before', () => {
  expect(after(7 * 24, () => false)).toEqual(['a.hoge.com at 168']);
  expect(after(7 * 24 - 1, () => false)).toEqual([]);
  expect(after(30 * 24, () => true)).toEqual([]);
});

test('what is needed again for a moment begins anew', () => {
  expect(after(9 * 24, (hour) => hour === 5 * 24)).toEqual([]);
  expect(after(12 * 24 + 1, (hour) => hour === 5 * 24)).toEqual([`a.hoge.com at ${12 * 24 + 1}`]);
});

test('what is seen for the first time has not been unneeded yet, however long nobody looked', () => {
  const plan = planPruning({
    names: ['a.b'],
    isWanted: () => false,
    unwanted: new Map(),
    passedMs: 2 * UNWANTED_MS_MAX,
  });
  expect(plan).toEqual({ unwanted: new Map([['a.b', 0]]), remove: [] });
});

test('what is not on the disk any more is forgotten', () => {
  const unwanted = new Map([['gone.b', UNWANTED_MS_MAX]]);
  expect(planPruning({ names: [], isWanted: () => false, unwanted, passedMs: 1 })).toEqual({
    unwanted: new Map(),
    remove: [],
  });
});

test.each<[string, string[], [string, string][], string[], string[]]>([
  ['its own', ['a.hoge.com'], [['a.hoge.com', 'a.hoge.com']], ['a.hoge.com'], ['a.hoge.com']],
  ['a wildcard that is held', ['*.hoge.com'], [['a.hoge.com', '*.hoge.com']], ['*.hoge.com'], ['*.hoge.com']],
  ['a wildcard that is to come', ['*.hoge.com'], [['a.hoge.com', '*.hoge.com']], [], ['*.hoge.com', 'a.hoge.com']],
  ['its own again, to come', ['a.hoge.com'], [['a.hoge.com', 'a.hoge.com']], [], ['*.hoge.com', 'a.hoge.com']],
  ['nothing', [], [], ['a.hoge.com'], []],
])('a hostname that is to be served by %s', (_, certificates, servedBy, held, wanted) => {
  const found = wantedNames(certificates, new Map(servedBy), (name) => held.includes(name));
  expect([...found].sort()).toEqual(wanted);
});

test('nothing that is needed now is ever removed, nor anything before seven days have been counted', () => {
  const steps = fc.array(fc.record({ wanted: fc.boolean(), passedMs: fc.nat(3 * 24 * HOUR_MS) }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (all) => {
      let unwanted: ReadonlyMap<string, number> = new Map();
      let countedMs = 0;
      for (const [index, { wanted, passedMs }] of all.entries()) {
        const plan = planPruning({ names: ['a.b'], isWanted: () => wanted, unwanted, passedMs });
        countedMs = wanted || index === 0 || all[index - 1]!.wanted ? 0 : countedMs + passedMs;
        expect(plan.remove).toEqual(countedMs >= UNWANTED_MS_MAX ? ['a.b'] : []);
        unwanted = plan.unwanted;
      }
    }),
  );
});
