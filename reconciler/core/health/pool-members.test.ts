import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Candidate, FORGIVEN_MS, type Member, RETURN_MS_MAX, RETURN_MS_MIN, stepPool } from './pool-members.ts';

const RULES = { minHealthy: 1 };

function edge(name: string, verdict: Candidate['verdict'] = 'up', rest: Partial<Candidate> = {}): Candidate {
  return { edge: name, wish: 'serve', isReady: true, verdict, reason: 'timeout, seen by reconciler and b', ...rest };
}

function inDns(members: readonly Member[]): string[] {
  return members.filter((member) => member.inDns).map((member) => member.edge);
}

/** Steps one after the other, a second apart, unless a step says when. */
function play(steps: (Candidate[] | [atMs: number, Candidate[]])[], rules = RULES) {
  let members: readonly Member[] = [];
  let atMs = 0;
  const told: string[] = [];
  for (const step of steps) {
    const isTimed = typeof step[0] === 'number';
    atMs = isTimed ? (step[0] as number) : atMs + 1000;
    const after = stepPool(members, (isTimed ? step[1] : step) as Candidate[], rules, atMs);
    members = after.members;
    told.push(...after.transitions.map(({ kind, edge: name }) => `${kind} ${name}`));
  }
  return { members, told, inDns: inDns(members) };
}

describe('who visitors are sent to', () => {
  test('all who may at the very first, whatever was seen of them, so that a new fleet is not without', () => {
    expect(play([[edge('a', 'unknown'), edge('b', 'down')]])).toMatchObject({
      inDns: ['a', 'b'],
      told: ['entered a', 'entered b', 'kept b'],
    });
  });

  test('a newcomer enters when it is seen to serve, and not before', () => {
    expect(play([[edge('a')], [edge('a'), edge('b', 'unknown')]]).inDns).toEqual(['a']);
    expect(play([[edge('a')], [edge('a'), edge('b', 'unknown')], [edge('a'), edge('b')]]).inDns).toEqual(['a', 'b']);
  });

  test('an edge without configuration or address is nowhere', () => {
    expect(play([[edge('a', 'up', { isReady: false })]]).inDns).toEqual([]);
    expect(play([[edge('a'), edge('b', 'up', { isReady: false })]]).inDns).toEqual(['a']);
  });

  test('one that is down leaves, and returns when it is up', () => {
    const pair = (b: Candidate['verdict']) => [edge('a'), edge('b', b)];
    expect(play([pair('up'), pair('down')])).toMatchObject({
      inDns: ['a'],
      told: ['entered a', 'entered b', 'withdrawn b'],
    });
    expect(play([pair('up'), pair('down'), pair('unknown')]).inDns).toEqual(['a']);
    expect(play([pair('up'), pair('down'), pair('up')])).toMatchObject({ inDns: ['a', 'b'] });
    expect(play([pair('up'), pair('down'), pair('up')]).told.at(-1)).toBe('returned b');
  });

  test.each<[string, Candidate[], number, string[]]>([
    ['the only edge stays', [edge('a', 'down')], 1, ['a']],
    ['when all are down, all stay', [edge('a', 'down'), edge('b', 'down')], 1, ['a', 'b']],
    ['of three with two down one stays', [edge('a', 'down'), edge('b', 'down'), edge('c')], 1, ['c']],
    ['minHealthy 2 keeps one that is down', [edge('a', 'down'), edge('b'), edge('c', 'down')], 2, ['a', 'b', 'c']],
    ['minHealthy 2 lets one of three go', [edge('a', 'down'), edge('b'), edge('c')], 2, ['b', 'c']],
    ['nobody knows whether the other serves', [edge('a', 'down'), edge('b', 'unknown')], 1, ['a', 'b']],
    ['a draining edge leaves', [edge('a', 'up', { wish: 'leaving' }), edge('b')], 1, ['b']],
    [
      'a draining edge stays while the other is down',
      [edge('a', 'up', { wish: 'leaving' }), edge('b', 'down')],
      1,
      ['a', 'b'],
    ],
    ['the only edge stays, although it drains', [edge('a', 'up', { wish: 'leaving' })], 1, ['a']],
  ])('%s', (_, then, minHealthy, expected) => {
    const first = then.map(({ edge: name }) => edge(name));
    expect(play([first, then], { minHealthy }).inDns).toEqual(expected);
    expect(
      play([first, then, then, then], { minHealthy }).told.filter((one) => one.startsWith('kept ')).length,
    ).toBeLessThanOrEqual(2);
  });

  test('who is kept is told once, and once that it is well', () => {
    const all = (verdict: Candidate['verdict']) => [edge('a', verdict)];
    expect(play([all('up'), all('down'), all('down'), all('up'), all('up')]).told).toEqual([
      'entered a',
      'kept a',
      'kept_no_more a',
    ]);
  });

  test('one that falls again and again returns ever more slowly, and at last as quickly as ever', () => {
    let members: readonly Member[] = stepPool([], [edge('a'), edge('b')], RULES, 0).members;
    const waits: number[] = [];
    let atMs = 1000;
    for (let fall = 0; fall < 10; fall += 1) {
      members = stepPool(members, [edge('a'), edge('b', 'down')], RULES, atMs).members;
      expect(inDns(members)).toEqual(['a']);
      const since = atMs + 1000;
      for (atMs = since; !inDns(members).includes('b'); atMs += 1000)
        members = stepPool(members, [edge('a'), edge('b')], RULES, atMs).members;
      waits.push(atMs - 1000 - since);
    }
    expect(waits.slice(0, 4)).toEqual([0, RETURN_MS_MIN, 2 * RETURN_MS_MIN, 4 * RETURN_MS_MIN]);
    expect(waits.at(-1)).toBe(RETURN_MS_MAX);
    atMs += FORGIVEN_MS;
    members = stepPool(members, [edge('a'), edge('b', 'down')], RULES, atMs).members;
    members = stepPool(members, [edge('a'), edge('b')], RULES, atMs + 1000).members;
    expect(inDns(members)).toEqual(['a', 'b']);
  });

  test('an edge that is well comes back at once, however often it fell, when nobody else there serves', () => {
    const fallen: Member[] = [
      { edge: 'a', inDns: false, sinceMs: 0, reason: 'timeout', falls: 8 },
      { edge: 'b', inDns: true, sinceMs: 0, falls: 0 },
    ];
    const step = stepPool(fallen, [edge('a'), edge('b', 'down')], RULES, 1_000);
    expect(inDns(step.members)).toEqual(['a']);
    expect(step.transitions.map(({ kind, edge: name }) => `${kind} ${name}`)).toEqual(['returned a', 'withdrawn b']);
    expect(step.members[0]!.falls).toBe(8);
  });

  test('a clock that goes back keeps nobody out for longer than the wait', () => {
    const down = play([
      [edge('a'), edge('b')],
      [edge('a'), edge('b', 'down')],
      [edge('a'), edge('b')],
      [edge('a'), edge('b', 'down')],
    ]);
    const [a, b] = [edge('a'), edge('b')];
    const late = stepPool(down.members, [a, b], RULES, 10_000_000).members;
    const back = stepPool(late, [a, b], RULES, 5_000).members;
    expect(inDns(stepPool(back, [a, b], RULES, 5_000 + RETURN_MS_MIN).members)).toEqual(['a', 'b']);
  });
});

const VERDICTS = ['up', 'down', 'unknown'] as const;
const candidates = fc.array(
  fc.record({ verdict: fc.constantFrom(...VERDICTS), wish: fc.constantFrom('serve' as const, 'leaving' as const) }),
  { minLength: 3, maxLength: 3 },
);

test('whatever is seen, the set is never emptied, and no step withdraws an edge while no healthy one stays', () => {
  fc.assert(
    fc.property(
      fc.array(candidates, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 3 }),
      (steps, minHealthy) => {
        let members: readonly Member[] = [];
        steps.forEach((step, at) => {
          const now = step.map(({ verdict, wish }, index) => edge(`edge-${index}`, verdict, { wish }));
          const after = stepPool(members, now, { minHealthy }, at * 1000);
          expect(inDns(after.members).length).toBeGreaterThan(0);
          for (const one of after.transitions)
            if (one.kind === 'withdrawn') {
              const healthy = now.filter(
                ({ edge: name, verdict, wish }) =>
                  verdict === 'up' && wish === 'serve' && inDns(after.members).includes(name),
              );
              expect(healthy.length).toBeGreaterThanOrEqual(minHealthy);
            }
          members = after.members;
        });
      },
    ),
  );
});
