// Who orders a host's certificate: one active member, the lease holder first, and nobody for a wildcard.
import { expect, test } from 'vitest';
import type { WireRoute } from '../../bundle/config.ts';
import type { Lease } from '../ports/store.ts';
import { chunkEntries } from './chunks.ts';
import { compile } from './compile.ts';
import { rendezvous } from './rendezvous.ts';
import { bound, edge, enrolmentMap, inputOf, kokoa, NOW, origin, route, sha } from './world.fixture.ts';

const account = (node: string) => bound(node, { acmeThumbprint: sha(node).slice(0, 43) });
const hosts = Array.from({ length: 12 }, (_, n) => `h${n}.hoge.com`);
const lease = (node: string, more: Partial<Lease> = {}): Lease => ({
  pool: 'default',
  hostname: 'h0.hoge.com',
  node,
  expiresMs: NOW.getTime() + 1,
  ...more,
});

function orderers(
  states: Record<string, 'active' | 'draining' | 'suspended'>,
  bounds = Object.keys(states).map(account),
  leases: Lease[] = [],
) {
  const files = [
    kokoa(),
    origin('o1'),
    ...Object.entries(states).map(([name, state]) => edge(name, { state })),
    ...[...hosts, '*.w.hoge.com'].map((host) => route(host, 'o1')),
  ];
  const { routing } = compile(inputOf(files, { enrolments: enrolmentMap(...bounds), leases }));
  const wires: WireRoute[] = [...chunkEntries(routing.pools.get('default'))].map(({ wire }) => wire);
  return new Map(wires.map(({ hostname, orderer }) => [hostname, orderer]));
}

test('the rendezvous among active members orders; draining and suspended ones do not', () => {
  const chosen = orderers({ e1: 'active', e2: 'active', e3: 'draining', e4: 'suspended' });
  for (const host of hosts) expect(chosen.get(host)).toBe(rendezvous(host, ['e1', 'e2']));
});

test('members with an ACME account are preferred, and while there are none the others are named', () => {
  const some = orderers({ e1: 'active', e2: 'active' }, [bound('e1'), account('e2')]);
  for (const host of hosts) expect(some.get(host)).toBe('e2');
  const none = orderers({ e1: 'active', e2: 'active' }, [bound('e1'), bound('e2')]);
  for (const host of hosts) expect(none.get(host)).toBe(rendezvous(host, ['e1', 'e2']));
});

test('without members there is no orderer, and a wildcard has none in any case', () => {
  expect(orderers({ e1: 'active' }, []).get('h0.hoge.com')).toBeUndefined();
  expect(orderers({ e1: 'active' }).get('*.w.hoge.com')).toBeUndefined();
});

test.each([
  ['an active member', { e1: 'active', e2: 'active' }, {}, true],
  ['a draining member', { e1: 'draining', e2: 'active' }, {}, false],
  ['a stranger', { e2: 'active' }, {}, false],
  ['an active member whose lease is over', { e1: 'active', e2: 'active' }, { expiresMs: NOW.getTime() }, false],
  ['an active member, in another pool', { e1: 'active', e2: 'active' }, { pool: 'spare' }, false],
] as const)('a lease held by %s decides: %3$s', (_, states, more, decides) => {
  expect(rendezvous('h0.hoge.com', ['e1', 'e2'])).toBe('e2');
  expect(orderers(states, undefined, [lease('e1', more)]).get('h0.hoge.com') === 'e1').toBe(decides);
});
