// Announcements put together from what is published: peers keep their tunnels, and nobody else is let in.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../bundle/canonical.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import { compile } from './compile.ts';
import { bindEnrolment, type EnrolmentSlot } from './enrolment.ts';
import { mendedEnrolment, UNKNOWN_KEY } from './mended-enrolment.ts';
import { announcement, anyWorld, bound, inputOf, recipient, sha, wireguardKey } from './world.fixture.ts';

test('under announcements that are mended every node is told what it was told', () => {
  fc.assert(
    fc.property(anyWorld, ({ files, enrolments, ...rest }) => {
      const before = compile(inputOf(files, { ...rest, enrolments }));
      const configs = [...before.nodes.values()].map(({ config }) => config);
      const mended = new Map(
        [...enrolments].map(([node, one]): [string, BoundEnrolment] => [
          node,
          { ...one, mended: true, enrolment: mendedEnrolment(node, configs, undefined) },
        ]),
      );
      const after = compile(inputOf(files, { ...rest, enrolments: mended }));
      expect([...after.nodes.values()].map(({ config }) => canonicalJson(config))).toEqual(configs.map(canonicalJson));
    }),
    { numRuns: 50 },
  );
});

test('of what a row still says, members that are valid by themselves count', () => {
  const { wireguardPublicKey, signingKey } = announcement('o1');
  const remnant = { wireguardPublicKey, signingKey, allow: ['no port'], formats: [], recipient: 7, surprise: 1 };
  expect(mendedEnrolment('o1', [], remnant)).toEqual({ wireguardPublicKey, signingKey, formats: [1] });
  for (const nothing of [undefined, null, 7, 'text', [], { __proto__: null }])
    expect(mendedEnrolment('o1', [], nothing)).toMatchObject({ wireguardPublicKey: '', signingKey: '' });
});

const slotOf = (node: string, generation = 1): EnrolmentSlot => ({
  ...{
    node,
    role: node.startsWith('e') ? 'edge' : 'origin',
    generation,
    tokenSha256: sha(`token of ${node}`),
    pins: {},
  },
});
const KNOWS_NOTHING = { wireguardPublicKey: UNKNOWN_KEY, signingKey: UNKNOWN_KEY };
const damaged = (node: string, says: object): BoundEnrolment => {
  const { recipient: _, ...rest } = announcement(node);
  return { ...bound(node), mended: true, enrolment: { ...rest, ...KNOWS_NOTHING, ...says } };
};
const all = (node: string) => {
  const { wireguardPublicKey, signingKey, recipient: own } = announcement(node);
  return { wireguardPublicKey, signingKey, ...(own && { recipient: own }) };
};
const wireguard = (node: string) => ({ wireguardPublicKey: wireguardKey(`wireguard ${node}`) });

test.each<[string, BoundEnrolment, object, string]>([
  ['an edge with its own keys', damaged('e1', all('e1')), {}, 'update'],
  ['an origin with its own keys', damaged('o1', all('o1')), {}, 'update'],
  ['an origin of which only the WireGuard key is known', damaged('o1', wireguard('o1')), {}, 'update'],
  ['an edge of which only the WireGuard key is known', damaged('e1', wireguard('e1')), {}, 'refused'],
  ['an origin of which nothing is known', damaged('o1', {}), {}, 'refused'],
  ['an edge of which nothing is known', damaged('e1', {}), {}, 'refused'],
  ['a thief with another signing key', damaged('e1', all('e1')), { signingKey: 'B'.repeat(43) }, 'refused'],
  ['a thief with another recipient', damaged('e1', all('e1')), { recipient: recipient('thief') }, 'refused'],
  ['a thief with another WireGuard key', damaged('o1', wireguard('o1')), wireguard('thief'), 'refused'],
])('under the token of a damaged row comes %s', (_, row, says, kind) => {
  const announced = { ...announcement(row.node), ...says };
  const binding = bindEnrolment(row, slotOf(row.node), announced);
  expect(binding.kind).toBe(kind);
  if (kind === 'refused') expect(binding.reason).toContain('raise generation above 1 with a new token: kokoa');
  else expect(binding.bound).toEqual({ ...bound(row.node), enrolment: announced });
  expect(bindEnrolment(row, slotOf(row.node, 2), announced)).toMatchObject({ kind: 'bind', reason: 'generation 2' });
});
