// The guards: what they refuse, from where on, and the one override that lets a plan pass once.
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Kokoa } from '../../schemas/types.ts';
import { type Compiled, compile } from './compile.ts';
import type { AnyLoadedFile } from './files.ts';
import { type GuardReason, judgePlan, POOL_BYTES_MAX, type PublishedState, todoOf, type Verdict } from './guard.ts';
import { planHash, planOf } from './plan.ts';
import { edge, inputOf, kokoa, loaded, origin, portRoute, route } from './world.fixture.ts';

const BASE = 'a'.repeat(40);
const build = (files: AnyLoadedFile[], head = kokoa()) => compile(inputOf([head, ...files]));
const published = (compiled: Compiled, overrideBase?: string): PublishedState => ({
  compiled,
  commit: BASE,
  overrideBase,
});
const hosts = (from: number, to: number, port = 80) =>
  Array.from({ length: to - from }, (_, n) => route(`h${from + n}.hoge.com`, 'o1', port));

function judged(before: AnyLoadedFile[], after: AnyLoadedFile[], head?: AnyLoadedFile, overrideBase?: string): Verdict {
  const [from, to] = [build(before), build(after, head)];
  return judgePlan(published(from, overrideBase), to, planOf(from, to));
}

const codes = (verdict: Verdict) => ('reasons' in verdict ? verdict.reasons.map(({ code }) => code) : []);
const o1 = origin('o1');

test.each([
  ['30 % of 10 removed', hosts(0, 10), hosts(3, 10), []],
  ['40 % of 10 removed', hosts(0, 10), hosts(4, 10), ['many_hosts_change']],
  ['40 % of 10 moved', hosts(0, 10), [...hosts(0, 4, 81), ...hosts(4, 10)], ['many_hosts_change']],
  ['20 % removed and 20 % moved', hosts(0, 10), [...hosts(0, 2, 81), ...hosts(4, 10)], ['many_hosts_change']],
  ['8 of 9 removed', hosts(0, 9), hosts(8, 9), []],
  ['the only host removed', hosts(0, 1), [], ['becomes_empty']],
  ['all of 20 removed', hosts(0, 20), [], ['becomes_empty']],
  ['any number added', hosts(0, 10), hosts(0, 99), []],
  ['nothing, to nothing', [], [], []],
])('%s: %3$j', (_, before, after, expected) => {
  expect(codes(judged([o1, ...before], [o1, ...after]))).toEqual(expected);
});

/** The last of so many hosts, and of so many ports, that may change at once: exactly 30 %, or the last below it. */
test.each([
  [9, 8],
  [10, 3],
  [11, 3],
  [13, 3],
  [14, 4],
  [20, 6],
  [100, 30],
])('of %i hosts or ports %i may change at once, by going or by moving, and not one more', (count, most) => {
  for (const [make, code] of [
    [hosts, 'many_hosts_change'],
    [ports, 'many_ports_change'],
  ] as const) {
    const before = [o1, ...make(0, count)];
    const going = (gone: number) => [o1, ...make(gone, count)];
    const moving = (moved: number) => [o1, ...make(0, moved, 81), ...make(moved, count)];
    for (const after of [going, moving]) {
      expect(codes(judged(before, after(most)))).toEqual([]);
      const oneMore = count < 10 && after === going ? ['becomes_empty'] : count < 10 ? [] : [code];
      expect(codes(judged(before, after(most + 1)))).toEqual(oneMore);
    }
  }
});

const ports = (from: number, to: number, port = 80) =>
  Array.from({ length: to - from }, (_, n) => portRoute(`p${from + n}`, 1000 + from + n, { port }));

test.each([
  ['30 % of 10 ports closed', ports(0, 10), ports(3, 10), []],
  ['40 % of 10 ports closed', ports(0, 10), ports(4, 10), ['many_ports_change']],
  ['20 % closed and 20 % changed', ports(0, 10), [...ports(0, 2, 81), ...ports(4, 10)], ['many_ports_change']],
  ['8 of 9 ports closed', ports(0, 9), ports(8, 9), []],
  ['the only port closed', ports(0, 1), [], ['becomes_empty']],
  ['the only port closed, beside a host', [...hosts(0, 1), ...ports(0, 1)], hosts(0, 1), []],
  ['the only host removed, beside a port', [...hosts(0, 1), ...ports(0, 1)], ports(0, 1), []],
  ['hosts and ports all gone', [...hosts(0, 1), ...ports(0, 1)], [], ['becomes_empty']],
  ['all ports closed among many hosts', [...hosts(0, 99), ...ports(0, 10)], hosts(0, 99), ['many_ports_change']],
  [
    '40 % of the hosts removed among many ports',
    [...hosts(0, 10), ...ports(0, 99)],
    [...hosts(4, 10), ...ports(0, 99)],
    ['many_hosts_change'],
  ],
  [
    '40 % of both',
    [...hosts(0, 10), ...ports(0, 10)],
    [...hosts(4, 10), ...ports(4, 10)],
    ['many_hosts_change', 'many_ports_change'],
  ],
])('%s: %3$j', (_, before, after, expected) => {
  expect(codes(judged([o1, ...before], [o1, ...after]))).toEqual(expected);
});

test.each([
  [hosts(0, 20), [], 'none of the 20 published hosts would be left'],
  [[...hosts(0, 2), ...ports(0, 3)], [], 'none of the 2 published hosts and 3 public ports would be left'],
  [
    ports(0, 10),
    [...ports(0, 2, 81), ...ports(4, 10)],
    '4 of 10 public ports would change (2 removed, 2 changed); one publish may change 30 %',
  ],
  [
    hosts(0, 10),
    [...hosts(0, 2, 81), ...hosts(4, 10)],
    '4 of 10 hosts would change (2 removed, 2 moved); one publish may change 30 %',
  ],
])('a refusal says what would change: %3$s', (before, after, message) => {
  expect(judged([o1, ...before], [o1, ...after])).toMatchObject({ reasons: [{ message }] });
});

test.each([
  ['an active edge removed', [edge('e1')], [], 1],
  ['an active edge not readable', [edge('e1')], [loaded('edge', 'edges/e1.yaml', undefined)], 1],
  ['a suspended edge removed', [edge('e1', { state: 'suspended' })], [], 1],
  ['an active origin removed', [o1], [], 1],
  ['an edge renamed', [edge('e1')], [edge('e2')], 1],
  ['a draining edge removed', [edge('e1', { state: 'draining' })], [], 0],
  ['a revoked edge removed', [edge('e1', { state: 'revoked' })], [], 0],
  ['an edge without a token removed', [edge('e1', { token: undefined })], [], 0],
  ['an active edge revoked', [edge('e1')], [edge('e1', { state: 'revoked' })], 0],
  ['an active edge losing its token', [edge('e1')], [edge('e1', { token: undefined })], 0],
])('%s: %3$i vanishing slots', (_, before, after, expected) => {
  expect(codes(judged(before, after))).toEqual(new Array(expected).fill('slot_vanishes'));
});

const reason = (code: GuardReason['code'], hint: string): GuardReason => ({ code, message: 'm', hint });

test.each([
  ['of one reason alone as it is', [reason('becomes_empty', 'a')], 'a'],
  ['of several with the same step once', [reason('slot_vanishes', 'a'), reason('slot_vanishes', 'a')], 'a'],
  [
    'of several with the one first that gives nothing away',
    [reason('becomes_empty', 'paste'), reason('many_ports_change', 'split'), reason('slot_vanishes', 'put back')],
    '(1) put back (2) paste (3) split',
  ],
  ['of none as nothing', [], ''],
])('what to do is the step %s', (_, reasons, todo) => {
  expect(todoOf(reasons)).toBe(todo);
});

test('a vanished slot is refused with the state to set first', () => {
  const verdict = judged([edge('e1'), o1], []);
  expect(verdict).toMatchObject({
    kind: 'refused',
    reasons: [
      { message: 'edges/e1.yaml is gone or not readable while edge e1 is active' },
      { hint: 'put it back and set state: revoked first; remove it later' },
    ],
  });
  expect('reasons' in verdict && verdict.reasons[0]?.hint).toContain('set state: draining or revoked first');
});

test('the first publish has nothing to lose', () => {
  const first = build([o1, ...hosts(0, 20)]);
  expect(judgePlan(undefined, first, planOf(undefined, first)).kind).toBe('pass');
});

test('the override that a refusal prints lets this plan pass, and is used up by it', () => {
  const before = [o1, ...hosts(0, 10)];
  const refusal = judged(before, [o1]);
  if (refusal.kind !== 'refused') throw new Error('expected a refusal');
  const { guards } = parse(refusal.override ?? '') as Pick<Kokoa, 'guards'>;
  expect(guards?.override).toEqual({ plan: refusal.planHash, base: BASE, reason: expect.any(String) });

  const overridden = kokoa({ ...(guards && { guards }) });
  expect(judged(before, [o1], overridden)).toMatchObject({
    kind: 'overridden',
    base: BASE,
    planHash: refusal.planHash,
  });
  expect(judged(before, [o1], overridden, BASE).kind).toBe('refused');
  expect(judged(before, [], overridden).kind).toBe('refused');
});

test.each([
  ['another plan', { plan: 'b'.repeat(64) }],
  ['another base', { base: 'b'.repeat(40) }],
])('an override made for %s lets nothing pass', (_, wrong) => {
  const [from, to] = [build([o1, ...hosts(0, 10)]), build([o1])];
  const override = { plan: planHash(planOf(from, to)), base: BASE, reason: 'meant', ...wrong };
  const head = kokoa({ guards: { override } });
  expect(judged([o1, ...hosts(0, 10)], [o1], head).kind).toBe('refused');
});

test('routes that no edge would read are refused, and no override lets them pass', () => {
  const before = build([o1, ...hosts(0, 10)]);
  const many = build([o1, ...hosts(0, 20)]);
  const [[pool, chunks] = []] = many.routing.pools;
  const bucket = chunks!.buckets.values().next().value!;
  const swollen = { ...bucket, reference: { ...bucket.reference, bytes: POOL_BYTES_MAX + 1 } };
  const routing = { ...many.routing, pools: new Map([[pool!, { ...chunks!, buckets: new Map([['', swollen]]) }]]) };
  const candidate: Compiled = { ...many, routing };
  const plan = planOf(before, candidate);
  const override = { plan: planHash(plan), base: BASE, reason: 'meant' };
  const meant = { ...candidate, desired: build([o1, ...hosts(0, 20)], kokoa({ guards: { override } })).desired };
  for (const after of [candidate, meant]) {
    const verdict = judgePlan(published(before), after, plan);
    expect(codes(verdict)).toEqual(['pool_too_large']);
    expect(verdict).toMatchObject({
      kind: 'refused',
      reasons: [{ message: expect.stringContaining('16000001 bytes') }],
    });
    expect(verdict).not.toHaveProperty('override');
  }
});

test.each([
  ['become smaller', -1, 'pass'],
  ['stay as it is', 0, 'pass'],
  ['not become larger', 1, 'refused'],
])('a pool that was too large before may %s', (_, more, kind) => {
  const [before, after] = [POOL_BYTES_MAX + 9, POOL_BYTES_MAX + 9 + more].map((bytes) => {
    const compiled = build([o1, ...hosts(0, 10)]);
    const [[pool, chunks] = []] = compiled.routing.pools;
    const bucket = chunks!.buckets.values().next().value!;
    const swollen = { ...bucket, reference: { ...bucket.reference, bytes } };
    const pools = new Map([[pool!, { ...chunks!, buckets: new Map([['', swollen]]) }]]);
    return { ...compiled, routing: { ...compiled.routing, pools } };
  });
  expect(judgePlan(published(before!), after!, planOf(before!, after!)).kind).toBe(kind);
});
