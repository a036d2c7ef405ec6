// The choice of one node per host: independent of order, and moved only by what concerns the host.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rendezvous, rendezvousAfter } from './rendezvous.ts';

const nodes = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 8 });
const hosts = Array.from({ length: 40 }, (_, n) => `host${n}.hoge.com`);

test('removing one node moves only the hosts of that node', () => {
  fc.assert(
    fc.property(nodes, fc.nat(), (all, at) => {
      const gone = all[at % all.length];
      const left = all.filter((node) => node !== gone);
      for (const host of hosts) {
        const before = rendezvous(host, all);
        if (before !== gone) expect(rendezvous(host, left)).toBe(before);
      }
    }),
    { numRuns: 50 },
  );
});

test('the order of the nodes does not matter, and no nodes choose nobody', () => {
  fc.assert(
    fc.property(nodes, (all) => {
      for (const host of hosts) expect(rendezvous(host, all.toReversed())).toBe(rendezvous(host, all));
    }),
    { numRuns: 30 },
  );
  expect(rendezvous('a.hoge.com', [])).toBeUndefined();
});

test('a choice made from an earlier one is the choice made afresh', () => {
  fc.assert(
    fc.property(nodes, nodes, (before, after) => {
      for (const host of hosts) {
        const earlier = { winner: rendezvous(host, before), nodes: new Set(before) };
        expect(rendezvousAfter(host, new Set(after), earlier)).toBe(rendezvous(host, after));
      }
    }),
    { numRuns: 50 },
  );
});

test('hosts spread over the nodes', () => {
  const counts = Map.groupBy(
    Array.from({ length: 3000 }, (_, n) => `h${n}.hoge.com`),
    (host) => rendezvous(host, ['osaka-1', 'tokyo-1', 'tokyo-2']),
  );
  for (const list of counts.values()) expect(Math.abs(list.length - 1000)).toBeLessThan(150);
});
