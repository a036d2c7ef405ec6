// Announcements: the first binds, facts update, keys change only with a larger generation.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Enrolment } from '../../bundle/api.ts';
import { validateStatusReport } from '../../bundle/api-schema.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import { bindEnrolment, type EnrolmentSlot, enrolmentSlotOf } from './enrolment.ts';
import { slotsOf } from './slots.ts';
import { announcement, bound, desiredOf, edge, recipient, sha, wireguardKey } from './world.fixture.ts';

const account = (seed: string) => createHash('sha256').update(seed).digest('base64url');
const slot = (more: Partial<EnrolmentSlot> = {}): EnrolmentSlot => ({
  node: 'e1',
  role: 'edge',
  generation: 1,
  tokenSha256: sha('token of e1'),
  pins: {},
  ...more,
});

test('the first announcement binds under the token, and unknown members are dropped', () => {
  const announced = { ...announcement('e1'), surprise: 'x', address: { ipv4: '192.0.2.1', other: 1 } } as Enrolment;
  expect(bindEnrolment(undefined, slot(), announced)).toMatchObject({ kind: 'bind', reason: 'first announcement' });
  expect(bindEnrolment(undefined, slot(), announced).bound).toEqual(bound('e1', { address: { ipv4: '192.0.2.1' } }));
});

const newKeys = { wireguardPublicKey: wireguardKey('other') };
const cases: [string, BoundEnrolment, Partial<EnrolmentSlot>, Partial<Enrolment>, string, string][] = [
  ['the same again', bound('e1'), {}, {}, 'unchanged', ''],
  ['another address', bound('e1'), {}, { address: { ipv6: '2001:db8::1' } }, 'update', 'other facts'],
  ['an account where none was', bound('e1'), {}, { acmeThumbprint: account('a') }, 'update', 'other facts'],
  ['no account after one', bound('e1', { acmeThumbprint: account('a') }), {}, {}, 'unchanged', ''],
  [
    'another account',
    bound('e1', { acmeThumbprint: account('a') }),
    {},
    { acmeThumbprint: account('b') },
    'update',
    'other facts',
  ],
  ['the same under a new token', bound('e1'), { tokenSha256: sha('new') }, {}, 'update', 'new token'],
  ['another WireGuard key', bound('e1'), {}, newKeys, 'refused', 'raise generation above 1'],
  [
    'another key under a new token',
    bound('e1'),
    { tokenSha256: sha('new') },
    newKeys,
    'refused',
    'kokoa edge token e1',
  ],
  ['another signing key', bound('e1'), {}, { signingKey: account('s') }, 'refused', 'signing key'],
  ['another recipient', bound('e1'), {}, { recipient: recipient('x') }, 'refused', 'age recipient'],
  ['other keys with a larger generation', bound('e1'), { generation: 2 }, newKeys, 'bind', 'generation 2'],
  [
    'other keys after git went back',
    bound('e1', {}, { generation: 3 }),
    { generation: 2 },
    newKeys,
    'refused',
    'above 3',
  ],
  ['a key against its pin', bound('e1'), { pins: newKeys, generation: 2 }, {}, 'refused', 'git pins'],
  ['no recipient', bound('e1'), { generation: 2 }, { recipient: undefined }, 'refused', 'age recipient'],
];

test.each(cases)('%s: %4$s', (_, before, slotMore, announced, kind, words) => {
  const binding = bindEnrolment(before, slot(slotMore), { ...announcement('e1'), ...announced } as Enrolment);
  expect(binding.kind).toBe(kind);
  expect(binding.reason).toContain(words);
  if (kind === 'refused' || kind === 'unchanged') expect(binding.bound).toEqual(before);
  else expect(binding.bound).toMatchObject({ tokenSha256: slot(slotMore).tokenSha256, enrolment: announced });
});

test.each([
  ['WireGuard key', { wireguardPublicKey: announcement('o1').wireguardPublicKey }],
  ['signing key', { signingKey: announcement('o1').signingKey }],
  ['age recipient', { recipient: recipient('e2') }],
])('nobody may announce the %s of another node', (words, stolen) => {
  const others = [bound('o1'), bound('e2'), bound('e1')];
  const binding = bindEnrolment(undefined, slot(), announcement('e1', stolen), others);
  expect(binding).toMatchObject({ kind: 'refused', bound: undefined, reason: expect.stringContaining(words) });
  expect(bindEnrolment(undefined, slot(), announcement('e1'), others).kind).toBe('bind');
});

test('a slot brings its pins, and without a token nobody announces for it', () => {
  const pinned = edge('e1', { wireguard: { address: '10.100.0.1', publicKey: wireguardKey('pin') } });
  const [first, second] = slotsOf(desiredOf([pinned, edge('e2', { token: undefined })]));
  expect(enrolmentSlotOf(first!)).toEqual(slot({ pins: { wireguardPublicKey: wireguardKey('pin') } }));
  expect(enrolmentSlotOf(second!)).toBeUndefined();
});

const report = (more: object = {}, enrolment: object = {}) => ({
  agentVersion: '0.1.0',
  state: 'applied',
  ...more,
  enrolment: { ...announcement('e1'), ...enrolment },
});

test.each([
  ['as a node sends it', report({ tunnels: [{ node: 'o1', handshakeAgeSeconds: null }] })],
  ['with members of a newer agent', report({ load: { cpu: 1 } }, { shoeSize: 43 })],
  [
    'with everything',
    report(
      {
        error: { stage: 's', code: 'c', detail: 'd' },
        certificates: [{ hostname: '*.a.com', notAfter: '2026-12-01T00:00:00Z' }],
      },
      { allow: ['80', '8000-8010'], acmeThumbprint: account('a') },
    ),
  ],
])('a status report %s is valid', (_, value) => {
  expect(validateStatusReport(value)).toBeUndefined();
});

test.each([
  ['no object', 'x', 'the body'],
  ['an unknown state', report({ state: 'fine' }), '/state'],
  ['a hash that is none', report({ applied: 'abc' }), '/applied'],
  [
    'a key with a newline',
    report({}, { wireguardPublicKey: `${wireguardKey('x')}\n` }),
    '/enrolment/wireguardPublicKey',
  ],
  [
    'a key of 31 bytes',
    report({}, { wireguardPublicKey: wireguardKey('x').slice(4) }),
    '/enrolment/wireguardPublicKey',
  ],
  ['a recipient that is none', report({}, { recipient: `age1${'b'.repeat(58)}` }), '/enrolment/recipient'],
  ['an address with a command', report({}, { address: { ipv4: '1.2.3.4; reboot' } }), '/enrolment/address/ipv4'],
  ['an address with a zone', report({}, { address: { ipv6: 'fe80::1%eth0' } }), '/enrolment/address/ipv6'],
  ['a port out of range', report({}, { allow: ['70000'] }), '/enrolment/allow/0'],
  ['no formats', report({}, { formats: [] }), '/enrolment/formats'],
  ['too many hosts', report({ quarantined: new Array(5001).fill({ hostname: 'a.com', reason: '' }) }), '/quarantined'],
  ['a detail without end', report({ error: { stage: 's', code: 'c', detail: 'x'.repeat(5000) } }), '/error/detail'],
  ['a negative age', report({ tunnels: [{ node: 'o1', handshakeAgeSeconds: -1 }] }), '/tunnels/0/handshakeAgeSeconds'],
])('a status report with %s is refused with its place', (_, value, place) => {
  const error = validateStatusReport(value);
  expect(error?.startsWith(place)).toBe(true);
  expect(error!.length).toBeLessThan(301);
});
