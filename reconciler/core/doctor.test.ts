// What a doctor says of a reconciler's files, nodes and names: tables.
import { describe, expect, test } from 'vitest';
import type { NameRecords } from '../ports/dns-zone.ts';
import { judgeByHand, judgePoolName } from './doctor-dns.ts';
import { judgeKeys, judgeNodes, judgeStore, judgeTls } from './doctor-reconciler.ts';

const NOW = Date.UTC(2026, 10, 23);
const DAY = 86_400_000;

describe('files', () => {
  test.each([
    [false, 400, true, ['ok']],
    [true, 400, false, ['ok']],
    [true, 400, true, ['trouble', 'ok']],
    [false, 30, false, ['warning']],
    [false, -1, false, ['trouble']],
  ])('keys, development %s, %d days left, public %s', (development, days, isPublic, levels) => {
    const found = judgeKeys({ development, rootExpiresMs: NOW + days * DAY }, isPublic, NOW);
    expect(found.map(({ level }) => level)).toEqual(levels);
  });

  test.each([
    [{}, [/ok: it ends on 2027-01-22/]],
    [{ isOfKey: false }, [/trouble: --tls-key is not/]],
    [{ lacks: ['control.hoge.com'] }, [/trouble: it does not name control.hoge.com/]],
    [{ endMs: NOW + DAY }, [/warning: it ends on 2026-11-24/]],
    [{ endMs: NOW - DAY, isOfKey: false }, [/trouble: --tls-key/, /trouble: it ends on 2026-11-22/]],
  ])('a certificate: %j', (facts, found) => {
    const said = judgeTls({ endMs: NOW + 60 * DAY, isOfKey: true, lacks: [], ...facts }, NOW);
    expect(said.map((one) => `${one.level}: ${one.found}`)).toEqual(found.map((text) => expect.stringMatching(text)));
  });

  test('a store on a full disk', () => {
    expect(judgeStore({ bytes: 5_000_000, freeBytes: 1e9 })).toMatchObject({
      level: 'ok',
      found: '5 MiB, 954 MiB are free',
    });
    expect(judgeStore({ bytes: 5_000_000, freeBytes: 1e6 }).level).toBe('warning');
  });
});

describe('nodes', () => {
  const node = (name: string, agoMs: number | undefined, agentVersion?: string) => ({
    ...{ node: name, lastSeenMs: agoMs === undefined ? undefined : NOW - agoMs, agentVersion },
  });
  const said = (nodes: ReturnType<typeof node>[], isRunning = true) =>
    judgeNodes(nodes, '0.2.0', isRunning, NOW).map((one) => `${one.level} ${one.what}: ${one.found}`);

  test('that are silent or old are named; without a reconciler nobody is silent', () => {
    expect(said([node('a', 1000, '0.2.0'), node('b', 1000, '0.10.0')])).toEqual([
      expect.stringMatching(/^ok nodes: all 2/),
    ]);
    expect(said([node('a', undefined), node('b', 300_000), node('c', 1, '0.1.9')])).toEqual([
      'warning nodes: 2 of 3 are silent: a, b',
      'warning versions of agents: older than 0.2.0: c (0.1.9)',
    ]);
    expect(said([node('a', undefined)], false)).toEqual(['warning the reconciler: it does not run with this --data']);
    expect(said([node('a', 1, '\u001b[2J')])).toEqual([expect.stringMatching(/^ok/)]);
  });
});

describe('names of pools', () => {
  const of = (...values: string[]): NameRecords => ({ sets: [{ type: 'A', ttl: 30, values }], others: [] });
  const judged = (facts: object, ttlMin = 0) =>
    judgePoolName(
      { hostname: 'edges.hoge.com', ttl: 30, held: of('198.51.100.11'), seen: of('198.51.100.11'), ...facts },
      ttlMin,
    );

  test.each([
    [{}, 0, 'ok', /as in the zone: 198.51.100.11/],
    [{ seen: undefined }, 0, 'trouble', /in public it does not exist/],
    [{ seen: of('203.0.113.9') }, 0, 'warning', /in public it is 203.0.113.9/],
    [{ seen: 'unknown' }, 0, 'warning', /did not answer/],
    [{ held: undefined }, 0, 'warning', /holds no address/],
    [{ ttl: 3600 }, 0, 'warning', /ttl is 3600 s/],
    [{}, 60, 'warning', /for 60 s or more/],
  ])('%j, shortest life %d: %s', (facts, ttlMin, level, found) => {
    expect(judged(facts, ttlMin)[0]).toMatchObject({ level, found: expect.stringMatching(found) });
  });

  test('names of people that lead elsewhere are listed', () => {
    expect(judgeByHand('hoge.com', 3, [])).toMatchObject({ level: 'ok' });
    expect(judgeByHand('hoge.com', 3, [[{ name: 'a.hoge.com', before: [], after: [] }]])).toMatchObject({
      ...{ level: 'warning', found: '1 of 3 names lead elsewhere or nowhere: a.hoge.com' },
    });
  });
});
