// Who orders a host's certificate: one active member, the lease holder first, and nobody for a wildcard that no zone proves.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WireRoute } from '../../bundle/config.ts';
import type { Lease } from '../ports/store.ts';
import { chunkEntries } from './chunks.ts';
import { type Compiled, compile } from './compile.ts';
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
  silent: string[] = [],
) {
  const files = [
    kokoa(),
    origin('o1'),
    ...Object.entries(states).map(([name, state]) => edge(name, { state })),
    ...[...hosts, '*.w.hoge.com'].map((host) => route(host, 'o1')),
  ];
  const { routing } = compile(inputOf(files, { enrolments: enrolmentMap(...bounds), leases, silent: new Set(silent) }));
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

test('without members there is no orderer, and a wildcard has none without a zone that proves it', () => {
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

const ALL = { e1: 'active', e2: 'active', e3: 'active' } as const;

test('only the names of a silent edge go to others; where nobody is heard all count', () => {
  const [all, heard, none] = [[], ['e2'], ['e1', 'e2', 'e3']].map((silent) => orderers(ALL, undefined, [], silent));
  const away = hosts.filter((host) => all!.get(host) === 'e2');
  expect(away.length).toBeGreaterThan(0);
  for (const host of hosts) {
    if (away.includes(host)) expect(heard!.get(host)).toBe(rendezvous(host, ['e1', 'e3']));
    else expect(heard!.get(host)).toBe(all!.get(host));
  }
  expect(none).toEqual(all);
});

test('the lease of a silent edge decides no more', () => {
  expect(orderers(ALL, undefined, [lease('e1')], []).get('h0.hoge.com')).toBe('e1');
  expect(orderers(ALL, undefined, [lease('e1')], ['e1']).get('h0.hoge.com')).toBe(
    rendezvous('h0.hoge.com', ['e2', 'e3']),
  );
});

test('whoever falls silent or comes back in whatever order, with whatever leases: as if compiled from nothing, and few move', () => {
  const files = [
    kokoa(),
    origin('o1'),
    ...['e1', 'e2', 'e3'].map((name) => edge(name)),
    ...hosts.map((host) => route(host, 'o1')),
  ];
  const base = inputOf(files, { enrolments: enrolmentMap(...['e1', 'e2', 'e3'].map(account)) });
  const step = fc.record({
    silent: fc.uniqueArray(fc.constantFrom('e1', 'e2', 'e3')),
    leased: fc.uniqueArray(
      fc.record({ hostname: fc.constantFrom(...hosts), node: fc.constantFrom('e1', 'e2', 'e3') }),
      {
        selector: ({ hostname }) => hostname,
      },
    ),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) => {
      let compiled = compile(base);
      for (const { silent, leased } of steps) {
        const leases = leased.map(({ hostname, node }) => lease(node, { hostname }));
        const input = { ...base, leases, silent: new Set(silent) };
        const next = compile(input, compiled);
        expect(wiresOf(next)).toEqual(wiresOf(compile(input)));
        compiled = next;
      }
    }),
    { numRuns: 50 },
  );
});

test('what is compiled next without a word about silence goes on as it was', () => {
  const files = [kokoa(), origin('o1'), edge('e1'), edge('e2'), ...hosts.map((host) => route(host, 'o1'))];
  const input = inputOf(files, { enrolments: enrolmentMap(account('e1'), account('e2')) });
  const silent = compile({ ...input, silent: new Set(['e2']) });
  const next = compile(input, silent);
  expect([...next.nodes].map(([node, { config }]) => [node, silent.nodes.get(node)?.config === config])).toEqual(
    ['e1', 'e2', 'o1'].map((node) => [node, true]),
  );
});

function wiresOf({ routing }: Compiled): WireRoute[] {
  return [...chunkEntries(routing.pools.get('default'))].map(({ wire }) => wire);
}
