// Public ports of pools: who has one, what touches it, and that nothing else does.
import { expect, test } from 'vitest';
import type { EdgeConfig, WireStream } from '../../bundle/config.ts';
import type { Route } from '../../schemas/types.ts';
import { type Compiled, compile } from './compile.ts';
import { updateDesired } from './desired.ts';
import type { AnyLoadedFile } from './files.ts';
import {
  changesBetween,
  edge,
  inputOf,
  kokoa,
  loaded,
  NOW,
  OTHER_SERVICE,
  origin,
  portRoute,
  route,
  SERVICE,
  SERVICE_PORT,
} from './world.fixture.ts';

const FLEET = [kokoa(), edge('e1'), edge('e2'), edge('e3', { pool: 'spare' }), origin('o1'), origin('o2')];
const UDP: Partial<Route> = { protocol: 'udp' };
const SPARE: Partial<Route> = { pool: 'spare' };

const edgePart = (compiled: Compiled, node: string) => (compiled.nodes.get(node)!.config as EdgeConfig).edge;
const streamsAt = (compiled: Compiled, node: string): WireStream[] | undefined => edgePart(compiled, node).streams;
const named = (compiled: Compiled, node: string) =>
  streamsAt(compiled, node)?.map(({ protocol, port, backends }) => `${protocol} ${port} ${backends[0]?.port}`);

/** From one list of files to the next, and what the compile from nothing answers; then the nodes whose config is another object. */
function change(before: readonly AnyLoadedFile[], after: readonly AnyLoadedFile[], laterMs = 0) {
  const from = compile(inputOf(before));
  const desired = updateDesired(from.desired, changesBetween(before, after));
  const to = compile(inputOf([], { desired, now: new Date(NOW.getTime() + laterMs) }), from);
  const fresh = compile(inputOf(after, { now: new Date(NOW.getTime() + laterMs) }));
  for (const [node, { config }] of to.nodes) expect(config).toEqual(fresh.nodes.get(node)?.config);
  expect(to.routing.streams).toEqual(fresh.routing.streams);
  return { from, to, rebuilt: [...to.nodes].flatMap(([node, one]) => (from.nodes.get(node) === one ? [] : [node])) };
}

test('every edge of the pool has the same ports, by protocol and number; another pool has its own, and no host has one', () => {
  const compiled = compile(
    inputOf([
      ...FLEET,
      portRoute('a', 900, { ...UDP, port: 1 }),
      portRoute('b', 25_565, { port: 2 }),
      portRoute('c', 3000, { port: 3 }),
      portRoute('d', 3000, { ...UDP, port: 4 }),
      portRoute('e', 3000, { ...SPARE, port: 5 }),
    ]),
  );
  const expected = ['tcp 3000 3', 'tcp 25565 2', 'udp 900 1', 'udp 3000 4'];
  expect([named(compiled, 'e1'), named(compiled, 'e2')]).toEqual([expected, expected]);
  expect(named(compiled, 'e3')).toEqual(['tcp 3000 5']);
  expect(compiled.blobs.size).toBe(0);
});

test('a pool without public ports has no such key, and closing the last one takes it away again', () => {
  const port = portRoute('a', 900, SPARE);
  const { from, to, rebuilt } = change([...FLEET, port], FLEET);
  expect([streamsAt(from, 'e3')?.length, streamsAt(from, 'e1')]).toEqual([1, undefined]);
  for (const node of ['e1', 'e3']) expect(edgePart(to, node)).not.toHaveProperty('streams');
  expect(rebuilt).toEqual(['e3', 'o1']);
});

const ONE = portRoute('one', 1000);
test.each<[string, AnyLoadedFile[], AnyLoadedFile[], string[]]>([
  ['a port of another pool', [], [portRoute('x', 1000, SPARE)], ['e3', 'o1']],
  ['a port of the pool', [], [portRoute('x', 1001)], ['e1', 'e2', 'o1']],
  ['a host', [], [route('a.hoge.com', 'o1')], ['e1', 'e2', 'o1']],
  ['a port that is not reached', [], [portRoute('x', 1001, { origin: 'o9' })], []],
  ['an end to come', [ONE], [portRoute('one', 1000, { expiresAt: '2027-01-01T00:00Z' })], []],
  ['fewer visitors', [ONE], [portRoute('one', 1000, { allow: ['10.0.0.1'] })], ['e1', 'e2']],
  [
    'the same list in other words',
    [portRoute('one', 1000, { allow: ['10.0.0.1', '::1'] })],
    [portRoute('one', 1000, { allow: ['::1/128', '10.0.0.1/32'] })],
    [],
  ],
  [
    'another origin with another port',
    [ONE],
    [portRoute('one', 1000, { origin: 'o2', port: 1 })],
    ['e1', 'e2', 'o1', 'o2'],
  ],
  [
    'another address of its origin',
    [ONE],
    [ONE, origin('o1', { wireguard: { address: '10.100.2.2' } })],
    ['e1', 'e2', 'e3', 'o1', 'o2'],
  ],
])('%s makes anew the configs that say so, and no other', (_, before, after, expected) => {
  const all = [...FLEET, portRoute('always', 999)];
  const merged = (files: AnyLoadedFile[]) => [...new Map([...all, ...files].map((file) => [file.path, file])).values()];
  expect(change(merged(before), merged(after)).rebuilt).toEqual(expected);
});

test('a service that gets another tunnel port takes the public port with it, for UDP by itself', () => {
  const files = [...FLEET, portRoute('t', 1000, OTHER_SERVICE), portRoute('u', 1000, { ...UDP, ...OTHER_SERVICE })];
  const moved = (more: Partial<Route>) => {
    const { to } = change(files, [...files, portRoute('x', 2000, { ...SPARE, ...more, ...SERVICE })]);
    return named(to, 'e1');
  };
  const [stays, moves] = [SERVICE_PORT, SERVICE_PORT + 1];
  expect(moved({})).toEqual([`tcp 1000 ${moves}`, `udp 1000 ${stays}`]);
  expect(moved(UDP)).toEqual([`tcp 1000 ${stays}`, `udp 1000 ${moves}`]);
});

test('a port is closed at its minute, and nothing else is touched', () => {
  const files = [
    ...FLEET,
    portRoute('a', 1000, { expiresAt: '2026-11-21T12:30Z' }),
    portRoute('b', 1001),
    portRoute('c', 1002, SPARE),
  ];
  const { from, to, rebuilt } = change(files, files, 30 * 60_000);
  expect([streamsAt(from, 'e1')?.map(({ port }) => port), streamsAt(to, 'e1')?.map(({ port }) => port)]).toEqual([
    [1000, 1001],
    [1001],
  ]);
  expect(rebuilt).toEqual(['e1', 'e2']);
  expect(to.routing.closed).toBe(0);
});

test('of two files that claim a port the first path has it, whether or not they name the pool, and then the other one', () => {
  const claims = [portRoute('b', 1000, { port: 2 }), portRoute('a', 1000, { pool: 'default', port: 1 })];
  const { from, to } = change([...FLEET, ...claims], [...FLEET, claims[0]!]);
  expect([named(from, 'e1'), named(to, 'e1')]).toEqual([['tcp 1000 1'], ['tcp 1000 2']]);
});

test('routes that name no pool follow the first one of kokoa.yaml', () => {
  const turned = kokoa({ pools: [{ name: 'spare' }, { name: 'default' }] });
  const files = [portRoute('a', 1000, { port: 1 }), portRoute('b', 1001, { pool: 'default', port: 2 })];
  const { to } = change([...FLEET, ...files], [turned, ...FLEET.slice(1), ...files]);
  // So do the edges: these name theirs.
  const edges = [edge('e1', { pool: 'default' }), edge('e3', { pool: 'spare' })];
  const fixed = change([kokoa(), ...edges, origin('o1'), ...files], [turned, ...edges, origin('o1'), ...files]);
  expect([named(fixed.from, 'e1'), named(fixed.from, 'e3')]).toEqual([['tcp 1000 1', 'tcp 1001 2'], undefined]);
  expect([named(fixed.to, 'e1'), named(fixed.to, 'e3')]).toEqual([['tcp 1001 2'], ['tcp 1000 1']]);
  expect(named(to, 'e1')).toEqual(['tcp 1000 1']);
});

test('among a thousand ports, a change makes one anew', () => {
  const files = Array.from({ length: 1000 }, (_, n) => portRoute(`p${n}`, 1000 + n));
  const after = files.with(7, portRoute('p7', 1007, { limits: { connections: 1 } }));
  const { from, to } = change([...FLEET, ...files], [...FLEET, ...after]);
  const entries = (one: Compiled) => [...one.routing.streams.get('default')!.entries.values()];
  const before = new Set(entries(from));
  expect(
    entries(to)
      .filter((entry) => !before.has(entry))
      .map(({ wire }) => wire.port),
  ).toEqual([1007]);
});

test('a broken file claims nothing', () => {
  const compiled = compile(inputOf([...FLEET, loaded('route', 'routes/hoge/a.yaml', undefined)]));
  expect(streamsAt(compiled, 'e1')).toBeUndefined();
});
