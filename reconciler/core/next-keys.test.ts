// The next WireGuard key of a node, from its announcement into the configs of its peers.
import { expect, test } from 'vitest';
import type { BoundEnrolment } from '../ports/store.ts';
import { compile } from './compile.ts';
import { bindEnrolment } from './enrolment.ts';
import { announcement, bound, edge, enrolmentMap, inputOf, kokoa, origin, sha, wireguardKey } from './world.fixture.ts';

const NEXT = wireguardKey('next');
const FILES = [kokoa(), edge('e1'), edge('e2'), origin('o1'), origin('o2')];
const next = (node: string, key = NEXT) => bound(node, { nextWireguardPublicKey: key });

/** `node: key → next key` of each peer in the config. */
function peersOf(node: string, enrolments: BoundEnrolment[], files = FILES): string[] {
  const { nodes } = compile(inputOf(files, { enrolments: enrolmentMap(...enrolments) }));
  const peers = nodes.get(node)!.config.wireguard.peers;
  return peers.map(({ node: name, nextPublicKey }) => `${name}${nextPublicKey ? ` → ${nextPublicKey}` : ''}`);
}

test('every peer of the node is told, and nobody else of anything', () => {
  const enrolments = [next('e1'), bound('e2'), bound('o1'), bound('o2')];
  expect(peersOf('o1', enrolments)).toEqual([`e1 → ${NEXT}`, 'e2']);
  expect(peersOf('o2', enrolments)).toEqual([`e1 → ${NEXT}`, 'e2']);
  expect(peersOf('e1', enrolments)).toEqual(['o1', 'o2']);
  expect(peersOf('e2', [bound('e1'), bound('e2'), next('o1'), bound('o2')])).toEqual([`o1 → ${NEXT}`, 'o2']);
});

test.each<[string, BoundEnrolment[]]>([
  ['is the key of another node', [next('e1', wireguardKey('wireguard e2')), bound('e2'), bound('o1')]],
  ['is the next key of another node too', [next('e1'), next('e2'), bound('o1')]],
  ['is the key that the node has', [next('e1', wireguardKey('wireguard e1')), bound('e2'), bound('o1')]],
])('a next key that %s is told to nobody: two peers with one key would stop a tunnel', (_, enrolments) => {
  expect(peersOf('o1', enrolments)).toEqual(['e1', 'e2']);
});

test('a pinned key is the only one, and a pin of another node’s next key keeps that from being used', () => {
  const pin = (name: string, publicKey: string) => edge(name, { wireguard: { address: '10.100.0.9', publicKey } });
  const enrolments = [next('e1'), bound('e2'), bound('o1')];
  const pinned = [kokoa(), pin('e1', wireguardKey('wireguard e1')), edge('e2'), origin('o1')];
  expect(peersOf('o1', enrolments, pinned)).toEqual(['e1', 'e2']);
  expect(peersOf('o1', enrolments, [kokoa(), edge('e1'), pin('e2', NEXT), origin('o1')])).toEqual(['e1']);
});

const slot = { node: 'e1', role: 'edge', generation: 1, tokenSha256: sha('token of e1'), pins: {} } as const;

test.each([
  ['the announced next key becomes the own one', next('e1'), { wireguardPublicKey: NEXT }, 'update'],
  ['the next key is given up', next('e1'), {}, 'update'],
  ['another key than the announced one', next('e1'), { wireguardPublicKey: wireguardKey('x') }, 'refused'],
  ['a key that was never announced', bound('e1'), { wireguardPublicKey: NEXT }, 'refused'],
  ['a next key is announced', bound('e1'), { nextWireguardPublicKey: NEXT }, 'update'],
] as const)('%s', (_, before, announced, kind) => {
  const binding = bindEnrolment(before, slot, { ...announcement('e1'), ...announced });
  expect(binding.kind).toBe(kind);
  const after = kind === 'refused' ? before.enrolment : { ...announcement('e1'), ...announced };
  expect(binding.bound?.enrolment).toEqual(after);
});

test.each([
  [
    'a next key that is another node’s',
    bound('e1'),
    { nextWireguardPublicKey: wireguardKey('wireguard o1') },
    'refused',
  ],
  [
    'a next key that is another node’s next one',
    bound('e1'),
    { nextWireguardPublicKey: wireguardKey('next o1') },
    'refused',
  ],
  [
    'a key announced as the next one before another node had it',
    next('e1', wireguardKey('wireguard o1')),
    { wireguardPublicKey: wireguardKey('wireguard o1') },
    'refused',
  ],
  ['the next key of another node at once', undefined, { wireguardPublicKey: wireguardKey('next o1') }, 'refused'],
  [
    'the key of another node as the next one at once',
    undefined,
    { nextWireguardPublicKey: wireguardKey('wireguard o1') },
    'refused',
  ],
  ['keys of its own at once', undefined, { nextWireguardPublicKey: NEXT }, 'bind'],
  ['a next key of its own', bound('e1'), { nextWireguardPublicKey: NEXT }, 'update'],
  ['its next key', next('e1'), { wireguardPublicKey: NEXT }, 'update'],
] as const)('beside the bindings of others: %s', (_, before, announced, kind) => {
  const others = [bound('o1', { nextWireguardPublicKey: wireguardKey('next o1') }), next('e1')];
  expect(bindEnrolment(before, slot, { ...announcement('e1'), ...announced }, others).kind).toBe(kind);
});
