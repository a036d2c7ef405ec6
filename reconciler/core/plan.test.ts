// Plans: nothing for the same state, enough to get from one to the other, and a hash that only effects change.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Compiled, compile } from './compile.ts';
import { updateDesired } from './desired.ts';
import {
  countHosts,
  countStreams,
  hostsOf,
  isEmptyPlan,
  nodesOf,
  type Plan,
  type PlannedNode,
  planHash,
  planOf,
  portsOpenIn,
} from './plan.ts';
import type { HostTarget } from './plan-target.ts';
import {
  anyWorld,
  changesBetween,
  edge,
  inputOf,
  kokoa,
  loaded,
  OTHER_SERVICE,
  origin,
  portRoute,
  route,
  SERVICE,
  SERVICE_PORT,
  type World,
} from './world.fixture.ts';

const compiledOf = ({ files, ...rest }: World) => compile(inputOf(files, rest));
const small = (...files: ReturnType<typeof kokoa>[]) => compile(inputOf([kokoa(), ...files]));

interface State {
  hosts: Map<string, HostTarget>;
  ports: OpenPort[];
  nodes: PlannedNode[];
}

type OpenPort = Plan['streams']['added'][number];

const byName = (a: OpenPort, b: OpenPort) => (a.name + a.to.pool < b.name + b.to.pool ? -1 : 1);

function appliedPorts(ports: readonly OpenPort[], { added, removed, changed }: Plan['streams']): OpenPort[] {
  const gone = [...removed, ...changed].map(({ name, from }) => JSON.stringify({ name, to: from }));
  const left = ports.filter((one) => !gone.includes(JSON.stringify(one)));
  expect(left).toHaveLength(ports.length - gone.length);
  return [...left, ...added, ...changed.map(({ name, to }) => ({ name, to }))].sort(byName);
}

function applied({ hosts, ports, nodes }: State, plan: Plan): State {
  const next = new Map(hosts);
  for (const { hostname, from } of [...plan.hosts.removed, ...plan.hosts.moved]) {
    expect(next.get(hostname)).toEqual(from);
    next.delete(hostname);
  }
  for (const { hostname, to } of [...plan.hosts.added, ...plan.hosts.moved]) {
    expect(next.has(hostname)).toBe(false);
    next.set(hostname, to);
  }
  const removed = new Set(plan.nodes.removed.map((node) => JSON.stringify(node)));
  const left = nodes.filter((node) => !removed.has(JSON.stringify(node)));
  return {
    hosts: new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1))),
    ports: appliedPorts(ports, plan.streams),
    nodes: [...left, ...plan.nodes.added].sort((a, b) => (a.node < b.node ? -1 : 1)),
  };
}

test('a plan applied to where it starts gives where it leads, whether or not the compile was incremental', () => {
  fc.assert(
    fc.property(anyWorld, anyWorld, (a, b) => {
      const from = compiledOf(a);
      const desired = updateDesired(from.desired, changesBetween(a.files, b.files));
      const { files: _, ...rest } = b;
      const to = compile(inputOf([], { ...rest, desired }), from);
      const plan = planOf(from, to);
      const stateOf = (one: Compiled): State => ({
        ...{ hosts: hostsOf(one), nodes: nodesOf(one) },
        ports: portsOpenIn(one).toSorted(byName),
      });
      expect(applied(stateOf(from), plan)).toEqual(stateOf(to));
      expect(planHash(planOf(compiledOf(a), compiledOf(b)))).toBe(planHash(plan));
    }),
    { numRuns: 40 },
  );
});

test('a plan from a state to itself is empty', () => {
  fc.assert(
    fc.property(anyWorld, (world) => {
      expect(isEmptyPlan(planOf(compiledOf(world), compiledOf(world)))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('the first plan adds everything, and says where each host goes', () => {
  const plan = planOf(undefined, small(edge('e1'), origin('o1'), route('a.hoge.com', 'o1', 8080)));
  const to = { pool: 'default', backends: [{ origin: 'o1', address: '10.100.1.2', port: 8080 }] };
  expect(plan).toEqual({
    hosts: { added: [{ hostname: 'a.hoge.com', to }], removed: [], moved: [] },
    streams: { added: [], removed: [], changed: [] },
    nodes: {
      added: [
        { node: 'e1', role: 'edge', pool: 'default' },
        { node: 'o1', role: 'origin' },
      ],
      removed: [],
    },
  });
});

test.each([
  ['another port', route('a.hoge.com', 'o1', 81), 1],
  ['another origin', route('a.hoge.com', 'o2', 80), 1],
  ['another pool', route('a.hoge.com', 'o1', 80, { pool: 'spare' }), 1],
  ['another limit', route('a.hoge.com', 'o1', 80, { limits: { connections: 5 } }), 0],
])('a route with %s is %3$i moved host', (_, after, moved) => {
  const before = small(origin('o1'), origin('o2'), route('a.hoge.com', 'o1', 80));
  expect(planOf(before, small(origin('o1'), origin('o2'), after)).hosts.moved).toHaveLength(moved);
});

const TO_A = { origin: 'o1', port: 80 };
const TO_B = { origin: 'o2', port: 90 };
const site = (more: object) => loaded('route', 'routes/hoge/a.hoge.com.yaml', { hostname: 'a.hoge.com', ...more });

test.each<[string, object, object, keyof Plan['hosts'] | undefined]>([
  ['another share', { backends: [TO_A, TO_B] }, { backends: [{ ...TO_A, weight: 2 }, TO_B] }, undefined],
  ['another backup', { backends: [TO_A, TO_B] }, { backends: [{ ...TO_A, backup: true }, TO_B] }, 'moved'],
  ['a second backend', TO_A, { backends: [TO_A, TO_B] }, 'moved'],
  ['a service behind the origin instead', TO_A, { ...TO_A, host: '192.168.1.20' }, 'moved'],
  ['a path that goes elsewhere', TO_A, { ...TO_A, paths: [{ prefix: '/p', ...TO_B }] }, 'moved'],
  [
    'a path that goes elsewhere now',
    { ...TO_A, paths: [{ prefix: '/p', ...TO_A }] },
    { ...TO_A, paths: [{ prefix: '/p', ...TO_B }] },
    'moved',
  ],
  ['a path that goes where the route goes', TO_A, { ...TO_A, paths: [{ prefix: '/p' }] }, undefined],
  ['another login service', TO_A, { ...TO_A, auth: { forward: { ...TO_B, path: '/q' } } }, undefined],
  ['a redirect instead', TO_A, { redirect: { to: 'https://b.hoge.com' } }, 'moved'],
  ['an end to come', TO_A, { ...TO_A, expiresAt: '2026-11-21T12:01Z' }, undefined],
  ['an end that is over', TO_A, { ...TO_A, expiresAt: '2026-11-21T12:00Z' }, 'removed'],
  ['no end any more', { ...TO_A, expiresAt: '2026-11-21T12:00Z' }, TO_A, 'added'],
])('a route with %s: %4$s', (_, before, after, expected) => {
  const [from, to] = [small(origin('o1'), origin('o2'), site(before)), small(origin('o1'), origin('o2'), site(after))];
  const { hosts } = planOf(from, to);
  const changed = Object.entries(hosts).flatMap(([kind, list]) => (list.length > 0 ? [kind] : []));
  expect(changed).toEqual(expected === undefined ? [] : [expected]);
  expect([countHosts(from), countHosts(to)]).toEqual([hostsOf(from).size, hostsOf(to).size]);
});

const TLS = { protocol: 'tls', proxyProtocol: false, ...TO_A };

test.each<[string, object, object, keyof Plan['hosts'] | undefined]>([
  ['that passes through now', TO_A, TLS, 'moved'],
  ['that is told of its visitors now', TLS, { ...TLS, proxyProtocol: true }, 'moved'],
  ['that passes through for fewer visitors', TLS, { ...TLS, allow: ['10.0.0.1'] }, undefined],
  ['that passes through again', { ...TLS, expiresAt: '2026-11-21T12:00Z' }, TLS, 'added'],
])('a host %s: %4$s', (_, before, after, expected) => {
  const { hosts } = planOf(small(origin('o1'), site(before)), small(origin('o1'), site(after)));
  expect(Object.entries(hosts).flatMap(([kind, list]) => (list.length > 0 ? [kind] : []))).toEqual(
    expected === undefined ? [] : [expected],
  );
});

test('a plan says of a host that it passes through, and whether its backend learns who visits', () => {
  const { hosts } = planOf(undefined, small(origin('o1'), site(TLS)));
  const backends = [{ ...TO_A, address: '10.100.1.2' }];
  expect(hosts.added[0]?.to).toEqual({ pool: 'default', backends, passthrough: true, proxyProtocol: false });
});

const PORT = { origin: 'o1', port: 80 };
const BACKUP = { origin: undefined, port: undefined, backends: [PORT, { ...PORT, port: 81, backup: true }] };
const port = (more: object) => portRoute('p', 25_565, { ...PORT, ...more });

test.each<[string, object | undefined, object | undefined, Partial<Record<keyof Plan['streams'], string[]>>]>([
  ['that is new', undefined, {}, { added: ['tcp 25565'] }],
  ['that is gone', {}, undefined, { removed: ['tcp 25565'] }],
  ['that leads elsewhere', {}, { origin: 'o2' }, { changed: ['tcp 25565'] }],
  ['with a backup', {}, BACKUP, { changed: ['tcp 25565'] }],
  ['that is told of its visitors now', {}, { proxyProtocol: true }, { changed: ['tcp 25565'] }],
  ['for fewer visitors', {}, { allow: ['10.0.0.1'] }, {}],
  ['that ends later', {}, { expiresAt: '2026-11-21T12:01Z' }, {}],
  ['that is over', {}, { expiresAt: '2026-11-21T12:00Z' }, { removed: ['tcp 25565'] }],
  ['of UDP instead', {}, { protocol: 'udp' }, { added: ['udp 25565'], removed: ['tcp 25565'] }],
  ['of another number', {}, { publicPort: 3000 }, { added: ['tcp 3000'], removed: ['tcp 25565'] }],
  ['of another pool', {}, { pool: 'spare' }, { added: ['tcp 25565'], removed: ['tcp 25565'] }],
])('a public port %s: %4$j', (_, before, after, expected) => {
  const world = (more: object | undefined) => small(origin('o1'), origin('o2'), ...(more ? [port(more)] : []));
  const [from, to] = [world(before), world(after)];
  const { streams, hosts } = planOf(from, to);
  expect(hosts).toEqual({ added: [], removed: [], moved: [] });
  const named = Object.entries(streams).flatMap(([kind, list]) =>
    list.length > 0 ? [[kind, list.map(({ name }) => name)]] : [],
  );
  expect(Object.fromEntries(named)).toEqual(expected);
  expect([countStreams(from), countStreams(to)]).toEqual([portsOpenIn(from).length, portsOpenIn(to).length]);
  expect(isEmptyPlan(planOf(from, to))).toBe(named.length === 0);
});

test('public ports are sorted by name, and say pool and backends as the route names them', () => {
  const files = [
    portRoute('a', 900, { protocol: 'udp', ...PORT, host: SERVICE.host }),
    portRoute('b', 4000, PORT),
    portRoute('c', 1000, { ...PORT, pool: 'spare' }),
    portRoute('d', 1000, PORT),
  ];
  const { added } = planOf(undefined, small(origin('o1'), ...files)).streams;
  const backends = [{ ...PORT, address: '10.100.1.2' }];
  expect(added).toEqual([
    { name: 'tcp 1000', to: { pool: 'default', backends, proxyProtocol: false } },
    { name: 'tcp 1000', to: { pool: 'spare', backends, proxyProtocol: false } },
    { name: 'tcp 4000', to: { pool: 'default', backends, proxyProtocol: false } },
    { name: 'udp 900', to: { pool: 'default', backends: [{ ...backends[0], host: SERVICE.host }] } },
  ]);
});

test('a service that gets another tunnel port has not moved', () => {
  const lan = site({ ...TO_A, ...OTHER_SERVICE });
  const newcomer = route('b.hoge.com', 'o1', SERVICE.port, { host: SERVICE.host });
  const [before, after] = [small(origin('o1'), lan), small(origin('o1'), lan, newcomer)];
  const ports = [before, after].map(({ nodes }) => {
    const { config } = nodes.get('o1')!;
    const forwards = config.role === 'origin' ? config.origin.forwards : [];
    return forwards?.find(({ host }) => host === OTHER_SERVICE.host)?.port;
  });
  expect(ports).toEqual([SERVICE_PORT, SERVICE_PORT + 1]);
  const { hosts } = planOf(before, after);
  expect([hosts.moved, hosts.added.map(({ hostname }) => hostname)]).toEqual([[], ['b.hoge.com']]);
});

test('a plan says every service as the route names it', () => {
  const backends = [TO_B, { ...TO_A, host: '192.168.1.20', backup: true }];
  const { hosts } = planOf(
    undefined,
    small(origin('o1'), origin('o2'), site({ backends, paths: [{ prefix: '/p', ...TO_B }] })),
  );
  const [b, a] = [
    { ...TO_B, address: '10.100.1.3' },
    { ...backends[1], address: '10.100.1.2' },
  ];
  expect(hosts.added[0]?.to).toEqual({ pool: 'default', backends: [b, a], paths: [{ prefix: '/p', backends: [b] }] });
});

test('the hash covers hosts and nodes and never the guards', () => {
  const before = small(origin('o1'), route('a.hoge.com', 'o1'));
  const override = { plan: '0'.repeat(64), base: '0'.repeat(40), reason: 'x' };
  const guarded = kokoa({ guards: { override } });
  const plain = planHash(planOf(before, compile(inputOf([kokoa(), origin('o1')]))));
  expect(planHash(planOf(before, compile(inputOf([guarded, origin('o1')]))))).toBe(plain);
  expect(planHash(planOf(before, compile(inputOf([kokoa()]))))).not.toBe(plain);
});
