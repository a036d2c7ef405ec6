// Restrictions made on the reconciler's machine, over what git says: they only take away, and end only by a new generation.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Edge } from '../../schemas/types.ts';
import type { LocalRestriction } from '../ports/restrictions.ts';
import { accessOf } from './access.ts';
import { compile } from './compile.ts';
import { inForce, layOver } from './local-restriction.ts';
import { isMoreSevere } from './restrict.ts';
import { slotsOf } from './slots.ts';
import { anyWorld, desiredOf, edge, inputOf, origin, route, sha } from './world.fixture.ts';

const token = sha('token of e1');
const fresh = sha('a new token');
const local = (change: Partial<LocalRestriction> = {}): LocalRestriction => ({
  ...{ node: 'e1', state: 'suspended', reason: 'why', sinceMs: 1, generation: 1, tokenSha256: token },
  ...change,
});
const revoked = (change: Partial<LocalRestriction> = {}) => local({ state: 'revoked', ...change });

const cases: [string, Partial<Edge>, LocalRestriction[], string][] = [
  ['active in git, suspended here', {}, [local()], 'suspended'],
  ['active in git, revoked here', {}, [revoked()], 'revoked'],
  ['draining in git, suspended here', { state: 'draining' }, [local()], 'suspended'],
  ['suspended in git, revoked here', { state: 'suspended' }, [revoked()], 'revoked'],
  ['revoked in git, suspended here', { state: 'revoked' }, [local()], 'revoked'],
  ['compromised in git, revoked here', { state: 'compromised' }, [revoked()], 'compromised'],
  ['suspended and revoked here', {}, [revoked(), local()], 'revoked'],
  ['revoked and suspended here, in another order', {}, [local(), revoked()], 'revoked'],
  ['revoked here, then a new token of the same generation', { token: fresh }, [revoked()], 'revoked'],
  ['revoked here, then another generation with the same token', { generation: 2 }, [revoked()], 'revoked'],
  ['revoked here, then a new token and generation', { token: fresh, generation: 2 }, [revoked()], 'active'],
  [
    'revoked here under generation 2, then an older one',
    { token: fresh, generation: 1 },
    [revoked({ generation: 2 })],
    'revoked',
  ],
  [
    'revoked here with no known token, then a new generation',
    { token: fresh, generation: 2 },
    [revoked({ tokenSha256: undefined })],
    'active',
  ],
  ['suspended here, then a new token and generation', { token: fresh, generation: 2 }, [local()], 'suspended'],
  [
    'revoked here for good and suspended, then a new generation',
    { token: fresh, generation: 2 },
    [revoked(), local()],
    'suspended',
  ],
  ['another node suspended here', {}, [local({ node: 'e2' })], 'active'],
  ['nothing here', {}, [], 'active'],
];

test.each(cases)('%s: %3$s', (_, git, restrictions, expected) => {
  const desired = desiredOf([edge('e1', git)]);
  expect(slotsOf(layOver(desired, restrictions))).toMatchObject([{ node: 'e1', state: expected }]);
  // What git says stays as it is, for the day the restriction ends.
  expect(slotsOf(desired)[0]!.state).toBe(git.state ?? 'active');
});

test('what is not restricted is the same value, so that nothing is compiled again', () => {
  const desired = desiredOf([edge('e1', { state: 'revoked' }), origin('o1')]);
  expect(layOver(desired, [])).toBe(desired);
  expect(layOver(desired, [local(), local({ node: 'nobody' })])).toBe(desired);
});

test('nothing but the state of the one file is another', () => {
  const desired = desiredOf([edge('e1'), edge('e2'), origin('o1'), route('a.hoge.com', 'o1')]);
  const laid = layOver(desired, [revoked()]);
  expect(slotsOf(laid)[0]!.file.value).toEqual({ ...slotsOf(desired)[0]!.file.value, state: 'revoked' });
  expect(slotsOf(laid).slice(1)).toEqual(slotsOf(desired).slice(1));
  expect([laid.routesByHost, laid.kokoa]).toEqual([desired.routesByHost, desired.kokoa]);
});

test('names what is in force, the more severe of two, for nodes that there are', () => {
  const desired = desiredOf([edge('e1'), edge('e2', { token: fresh, generation: 2 }), origin('o1')]);
  const [one, two] = [revoked(), local({ node: 'o1' })];
  const all = [two, local(), one, revoked({ node: 'e2' }), local({ node: 'gone' })];
  expect([...inForce(desired, all)]).toEqual([
    ['e1', one],
    ['o1', two],
  ]);
});

const anyRestriction = fc.record({
  node: fc.constantFrom('e0', 'e1', 'e2', 'o0', 'o1'),
  state: fc.constantFrom('suspended', 'revoked'),
  generation: fc.constantFrom(1, 2),
} as const);

test('nobody gains: no node, no milder state, no bearer; and once is as good as twice', () => {
  fc.assert(
    fc.property(anyWorld, fc.array(anyRestriction, { maxLength: 4 }), ({ files }, chosen) => {
      const desired = desiredOf(files);
      const restrictions = chosen.map((one) => local({ ...one, tokenSha256: sha(`token of ${one.node}`) }));
      const laid = layOver(desired, restrictions);
      expect(layOver(laid, restrictions)).toBe(laid);
      const states = new Map(slotsOf(desired).map(({ node, state }) => [node, state]));
      for (const { node, state } of slotsOf(laid)) expect(isMoreSevere(states.get(node)!, state)).toBe(false);
      expect([...accessOf(laid).keys()].sort()).toEqual([...accessOf(desired).keys()].sort());
      const nodes = (of: typeof desired) => new Set(compile(inputOf([], { desired: of })).nodes.keys());
      expect([...nodes(laid)].filter((node) => !nodes(desired).has(node))).toEqual([]);
    }),
    { numRuns: 50 },
  );
});
