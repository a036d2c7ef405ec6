// Restrictions over a held state: everything that takes away is taken over, nothing that gives.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Edge } from '../../schemas/types.ts';
import { compile } from './compile.ts';
import { lookup } from './persistent-map.ts';
import { restrict } from './restrict.ts';
import { slotsOf } from './slots.ts';
import { anyWorld, desiredOf, edge, inputOf, kokoa, loaded, origin, route, sha } from './world.fixture.ts';

const token = sha('token of e1');
const fresh = sha('a new token');

/** The published e1 and what the head says of it → what is in force. */
const cases: [string, Partial<Edge>, Partial<Edge> | 'removed' | 'not readable', object][] = [
  ['suspended', {}, { state: 'suspended' }, { state: 'suspended' }],
  ['revoked', {}, { state: 'revoked' }, { state: 'revoked' }],
  ['compromised after suspended', { state: 'suspended' }, { state: 'compromised' }, { state: 'compromised' }],
  ['without a token', {}, { token: undefined }, { state: 'revoked' }],
  ['with a new token', {}, { token: `sha256:${fresh}` }, { state: 'active', tokenSha256: fresh }],
  ['with a new token and generation', {}, { token: fresh, generation: 2 }, { tokenSha256: fresh, generation: 2 }],
  [
    'suspended and with a new token',
    {},
    { token: fresh, state: 'suspended' },
    { tokenSha256: fresh, state: 'suspended' },
  ],
  ['draining', {}, { state: 'draining' }, { state: 'active' }],
  ['active again', { state: 'suspended' }, { state: 'active' }, { state: 'suspended' }],
  ['only suspended again', { state: 'revoked' }, { state: 'suspended' }, { state: 'revoked' }],
  ['with a token again', { token: undefined }, { token: fresh }, { state: 'revoked', tokenSha256: undefined }],
  ['in another pool', {}, { pool: 'spare' }, { state: 'active', tokenSha256: token }],
  ['with another generation alone', {}, { generation: 2 }, { generation: 1 }],
  ['removed', {}, 'removed', { state: 'active', tokenSha256: token }],
  ['not readable', {}, 'not readable', { state: 'active', tokenSha256: token }],
];

test.each(cases)('the head has it %s', (_, before, after, expected) => {
  const broken = loaded('edge', 'edges/e1.yaml', undefined);
  const head = after === 'removed' ? [] : after === 'not readable' ? [broken] : [edge('e1', after)];
  const { desired } = restrict(desiredOf([edge('e1', before)]), desiredOf(head));
  expect(slotsOf(desired)).toMatchObject([{ node: 'e1', ...expected }]);
});

test('nothing else of the head is taken over: no pool, address, route, new node or setting', () => {
  const published = desiredOf([kokoa(), edge('e1'), origin('o1'), route('a.hoge.com', 'o1')]);
  const head = desiredOf([
    kokoa({ network: { wireguard: '10.0.0.0/8' } }),
    edge('e1', { state: 'suspended', pool: 'spare', wireguard: { address: '10.100.9.9' } }),
    edge('e2'),
    route('b.hoge.com', 'o1'),
  ]);
  const { desired, restrictions } = restrict(published, head);
  expect(restrictions).toEqual([{ node: 'e1', change: 'suspended' }]);
  expect(desired.kokoa).toBe(published.kokoa);
  expect(desired.routesByHost).toBe(published.routesByHost);
  const before = lookup(published.files, 'edges/e1.yaml')?.value;
  expect(lookup(desired.files, 'edges/e1.yaml')?.value).toEqual({ ...before, state: 'suspended' });
  expect(slotsOf(desired).map(({ node }) => node)).toEqual(['e1', 'o1']);
});

test("another node's token is not taken over", () => {
  const { restrictions } = restrict(
    desiredOf([edge('e1'), edge('e2')]),
    desiredOf([edge('e1', { token: sha('token of e2') })]),
  );
  expect(restrictions).toEqual([]);
});

test('restricting again changes nothing, and nobody gains: no new node, no milder state', () => {
  fc.assert(
    fc.property(anyWorld, anyWorld, (a, b) => {
      const published = desiredOf(a.files);
      const once = restrict(published, desiredOf(b.files)).desired;
      expect(restrict(once, desiredOf(b.files)).restrictions).toEqual([]);
      const nodes = (desired: typeof once) => [...compile(inputOf([], { desired })).nodes.keys()];
      const allowed = new Set(nodes(published));
      expect(nodes(once).filter((node) => !allowed.has(node))).toEqual([]);
    }),
    { numRuns: 50 },
  );
});
