// From files to node configs: who gets one, who peers with whom, who orders, and that nothing but the state decides the bytes.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../bundle/canonical.ts';
import { checkChunks, readChunk, readConfig } from '../../bundle/check-config.ts';
import type { Chunk, EdgeConfig, OriginConfig } from '../../bundle/config.ts';
import { isRefusal } from '../../bundle/refusal.ts';
import { type PackedChunk, unpackRoute } from '../../bundle/route-texts.ts';
import type { Kokoa } from '../../schemas/types.ts';
import type { BoundEnrolment, Lease } from '../ports/store.ts';
import { type Compiled, compile, newBlobs } from './compile.ts';
import { emptyDesired, updateDesired } from './desired.ts';
import type { AnyLoadedFile } from './files.ts';
import {
  anyWorld,
  bound,
  changesBetween,
  edge,
  enrolmentMap,
  inputOf,
  kokoa,
  origin,
  portRoute,
  route,
  SERVICE,
  SERVICE_PORT,
  sha,
  type World,
  wireguardKey,
} from './world.fixture.ts';

const everybody = enrolmentMap(...['e1', 'e2', 'e3', 'o1', 'o2'].map((node) => bound(node)));

function built(
  files: AnyLoadedFile[],
  bounds: Map<string, BoundEnrolment> = everybody,
  leases: Lease[] = [],
): Compiled {
  return compile(inputOf([kokoa(), ...files], { enrolments: bounds, leases }));
}

const edgeConfig = (compiled: Compiled, node: string) => compiled.nodes.get(node)?.config as EdgeConfig;
const originConfig = (compiled: Compiled, node: string) => compiled.nodes.get(node)?.config as OriginConfig;
const peers = (compiled: Compiled, node: string) =>
  compiled.nodes.get(node)?.config.wireguard.peers.map((peer) => `${peer.node} ${peer.endpoint ?? 'dials'}`);

function routes(compiled: Compiled, node: string) {
  const texts = edgeConfig(compiled, node).edge.chunks.map(({ sha256 }) => compiled.blobs.get(sha256)!);
  return texts.flatMap((text) => (JSON.parse(text) as PackedChunk).routes.map(unpackRoute));
}

/** Everything that leaves the process, as one text. */
function bytes({ nodes, blobs, unannounced }: Compiled): string {
  return canonicalJson({ nodes: Object.fromEntries(nodes), blobs: Object.fromEntries(blobs), unannounced });
}

const compileWorld = ({ files, ...rest }: World, previous?: Compiled, from?: World) => {
  const desired = previous
    ? updateDesired(previous.desired, changesBetween(from?.files ?? [], files))
    : updateDesired(
        emptyDesired(),
        files.map((file) => ({ path: file.path, file })),
      );
  return compile(inputOf([], { ...rest, desired }), previous);
};

test('a compile from an earlier one is the compile from nothing', () => {
  fc.assert(
    fc.property(anyWorld, anyWorld, anyWorld, (a, b, c) => {
      const second = compileWorld(b, compileWorld(a), a);
      expect(bytes(second)).toBe(bytes(compileWorld(b)));
      const third = compileWorld(c, second, b);
      expect(bytes(third)).toBe(bytes(compileWorld(c)));
      // The same files at another time, with other secrets.
      const later = { ...c, now: a.now, sealed: b.sealed };
      expect(bytes(compileWorld(later, third, c))).toBe(bytes(compileWorld(later)));
    }),
    { numRuns: 40 },
  );
});

test('a compile after a change of a few files is the compile from nothing', () => {
  fc.assert(
    fc.property(
      anyWorld,
      anyWorld,
      fc.array(fc.array(fc.nat(40), { maxLength: 3 }), { maxLength: 6 }),
      (a, b, steps) => {
        const paths = [...new Set([...a.files, ...b.files].map(({ path }) => path))];
        const of = ({ files }: World, path: string) => files.filter((file) => file.path === path);
        let world = a;
        let compiled = compileWorld(a);
        for (const [at, picked] of steps.entries()) {
          // Back and forth between the two worlds, a few files at a time.
          const from = at % 2 === 0 ? b : a;
          const chosen = new Set(picked.map((index) => paths[index % paths.length]));
          const files = paths.flatMap((path) => of(chosen.has(path) ? from : world, path));
          const next = { ...world, files };
          compiled = compileWorld(next, compiled, world);
          expect(bytes(compiled)).toBe(bytes(compileWorld(next)));
          world = next;
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('the order of files, enrolments and leases does not matter', () => {
  fc.assert(
    fc.property(anyWorld, ({ files, enrolments, leases, ...rest }) => {
      const turned = {
        ...rest,
        files: files.toReversed(),
        enrolments: new Map([...enrolments].reverse()),
        leases: leases.toReversed(),
      };
      expect(bytes(compileWorld(turned))).toBe(bytes(compileWorld({ files, enrolments, leases, ...rest })));
    }),
    { numRuns: 40 },
  );
});

test('every chunk a config names is among the blobs, and only those; new ones are what the earlier compile lacked', () => {
  fc.assert(
    fc.property(anyWorld, anyWorld, (a, b) => {
      const before = compileWorld(a);
      const after = compileWorld(b, before, a);
      const named = [...after.nodes.values()].flatMap(({ config }) =>
        config.role === 'edge' ? config.edge.chunks : [],
      );
      expect(new Set(after.blobs.keys())).toEqual(new Set(named.map(({ sha256 }) => sha256)));
      for (const [hash, text] of after.blobs) expect(sha(text)).toBe(hash);
      const kept = new Set([...before.blobs.keys(), ...newBlobs(before, after).keys()]);
      expect([...after.blobs.keys()].every((hash) => kept.has(hash))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('whatever the state, agents accept every config and chunk', () => {
  fc.assert(
    fc.property(anyWorld, (world) => {
      const { nodes, blobs } = compileWorld(world);
      for (const { config } of nodes.values()) {
        expect(readConfig(canonicalJson(config))).toEqual(JSON.parse(canonicalJson(config)));
        if (config.role === 'origin') continue;
        const chunks = config.edge.chunks.map((chunk) => readChunk(chunk, blobs.get(chunk.sha256)!));
        expect(chunks.find(isRefusal) ?? checkChunks(chunks as Chunk[])).toBeUndefined();
      }
    }),
    { numRuns: 40 },
  );
});

test.each([
  ['active', {}, true],
  ['draining', { state: 'draining' }, true],
  ['suspended', { state: 'suspended' }, true],
  ['revoked', { state: 'revoked' }, false],
  ['compromised', { state: 'compromised' }, false],
  ['without a token', { token: undefined }, false],
] as const)('an edge that is %s: has a config, peers and membership = %3$s', (_, more, served) => {
  const compiled = built([edge('e1', more), edge('e2'), origin('o1'), route('a.hoge.com', 'o1')]);
  expect(compiled.nodes.has('e1')).toBe(served);
  expect(bytes(compiled).includes('"e1"')).toBe(served);
});

test('what a compromised edge had is named to the edges of its pool, by the generation that had it', () => {
  const compiled = built([
    edge('e1', { state: 'compromised', generation: 3 }),
    edge('e2'),
    edge('e3', { pool: 'spare' }),
    edge('e4', { pool: 'spare', state: 'revoked' }),
    origin('o1', { state: 'compromised' }),
    route('a.hoge.com', 'o2'),
  ]);
  expect(edgeConfig(compiled, 'e2').edge.compromised).toEqual(['e1/3']);
  expect(edgeConfig(compiled, 'e3').edge.compromised).toBeUndefined();
  const config = readConfig(canonicalJson(edgeConfig(compiled, 'e2')));
  expect(isRefusal(config)).toBe(false);
});

test('origins dial edges; where an origin has an endpoint the edges dial it', () => {
  const endpoint = '203.0.113.7:4000';
  const compiled = built([
    edge('e1', { address: { ipv4: '192.0.2.1' } }),
    edge('e2', { address: { ipv6: '2001:db8::2' }, wireguard: { address: '10.100.0.9', port: 443 } }),
    origin('o1'),
    origin('o2', { wireguard: { address: '10.100.1.9', endpoint } }),
  ]);
  expect(peers(compiled, 'o1')).toEqual(['e1 192.0.2.1:51820', 'e2 [2001:db8::2]:443']);
  expect(peers(compiled, 'o2')).toEqual(['e1 dials', 'e2 dials']);
  expect(peers(compiled, 'e1')).toEqual(['o1 dials', `o2 ${endpoint}`]);
  expect(['e1', 'e2', 'o1', 'o2'].map((node) => compiled.nodes.get(node)?.config.wireguard.port)).toEqual([
    51820,
    443,
    undefined,
    4000,
  ]);
});

test('peers without an announced key or address are left out and named', () => {
  const withoutAddress = bound('e2', { address: {} });
  const compiled = built(
    [edge('e1'), edge('e2'), origin('o1'), origin('o2')],
    enrolmentMap(withoutAddress, bound('o1')),
  );
  expect(peers(compiled, 'o1')).toEqual([]);
  expect(peers(compiled, 'e1')).toEqual(['o1 dials']);
  expect(edgeConfig(compiled, 'e1').edge.members.map(({ node }) => node)).toEqual(['e2']);
  expect(compiled.unannounced).toEqual([
    'edge e1: not announced: WireGuard key, public address, age recipient, signing key',
    'edge e2: not announced: public address',
    'origin o2: not announced: WireGuard key',
  ]);
});

test.each([
  ['under this token and generation', {}, {}, true],
  ['under an earlier token of this generation', { token: sha('new') }, {}, true],
  ['under this token before its generation rose', { generation: 2 }, {}, true],
  ['under an earlier token and generation', { token: sha('new'), generation: 2 }, {}, false],
  ['against a pinned key', { wireguard: { address: '10.100.1.2', publicKey: wireguardKey('pin') } }, {}, false],
])('an announcement made %s counts: %3$s', (_, slot, under, counts) => {
  const compiled = built([edge('e1'), origin('o1', slot)], enrolmentMap(bound('o1', {}, under)));
  const keys = edgeConfig(compiled, 'e1').wireguard.peers.map(({ publicKey }) => publicKey);
  expect(keys.includes(wireguardKey('wireguard o1'))).toBe(counts);
});

test('a key that two nodes announced is used by neither, and by the one it is pinned for', () => {
  const thief = bound('o2', { wireguardPublicKey: wireguardKey('wireguard o1') });
  const files = (pin?: string) => [
    edge('e1'),
    origin('o1', { wireguard: { address: '10.100.1.2', ...(pin && { publicKey: pin }) } }),
    origin('o2'),
  ];
  expect(peers(built(files(), enrolmentMap(bound('o1'), thief)), 'e1')).toEqual([]);
  const pinned = built(files(wireguardKey('wireguard o1')), enrolmentMap(bound('o1'), thief));
  expect(peers(pinned, 'e1')).toEqual(['o1 dials']);
  expect(pinned.unannounced.at(-1)).toBe('origin o2: not announced: a WireGuard key of its own');
});

test('an origin opens the ports that routes declare, ascending', () => {
  const files = [route('a.hoge.com', 'o1', 9000), route('b.hoge.com', 'o1', 80), route('c.hoge.com', 'o1', 80)];
  expect(originConfig(built([origin('o1'), ...files]), 'o1').origin.ports).toEqual([80, 9000]);
});

test('an origin is told of the services behind it, as soon as a route names one and no longer', () => {
  const files = [edge('e1'), origin('o1'), route('a.hoge.com', 'o1', 80)];
  const lan = route('b.hoge.com', 'o1', SERVICE.port, { host: SERVICE.host });
  const before = built(files);
  const next = (from: Compiled, change: { path: string; file?: AnyLoadedFile }) =>
    compile(inputOf([], { desired: updateDesired(from.desired, [change]), enrolments: everybody }), from);
  const after = next(before, { path: lan.path, file: lan });
  expect([before, after, next(after, { path: lan.path })].map((one) => originConfig(one, 'o1').origin)).toEqual([
    { ports: [80] },
    { ports: [80], forwards: [{ host: SERVICE.host, hostPort: SERVICE.port, port: SERVICE_PORT }] },
    { ports: [80] },
  ]);
});

test('UDP ports and services of an origin stand beside those of TCP', () => {
  const udp = { protocol: 'udp', proxyProtocol: undefined } as const;
  const lan = { host: SERVICE.host, port: SERVICE.port };
  const compiled = built([
    origin('o1'),
    origin('o2'),
    portRoute('a', 1000, { port: 53 }),
    portRoute('b', 1000, { ...udp, port: 53 }),
    portRoute('c', 1001, { ...udp, port: 9 }),
    portRoute('d', 1002, lan),
    portRoute('e', 1002, { ...udp, ...lan }),
    portRoute('f', 1003, { ...udp, origin: 'o2', port: 9 }),
    portRoute('g', 1004, { ...udp, origin: 'o2', ...lan }),
    route('a.hoge.com', 'o2', 80),
  ]);
  const forward = { host: SERVICE.host, hostPort: SERVICE.port, port: SERVICE_PORT };
  expect([originConfig(compiled, 'o1').origin, originConfig(compiled, 'o2').origin]).toEqual([
    { ports: [53], udpPorts: [9, 53], forwards: [forward, { ...forward, protocol: 'udp' }] },
    { ports: [80], udpPorts: [9], forwards: [{ ...forward, protocol: 'udp' }] },
  ]);
});

test('an origin is told what checks of routes ask of the machine itself, and one that is asked nothing is not', () => {
  const script = (name: string) => ({ check: { kind: 'script', script: name } as const });
  const backends = ['o1', 'o2'].map((name) => ({ origin: name, port: 80 }));
  const paths = [{ prefix: '/x', origin: 'o2', port: 81, ...script('disk') }];
  const asked = (...files: AnyLoadedFile[]) => {
    const compiled = built([origin('o1'), origin('o2'), origin('o3'), ...files]);
    return ['o1', 'o2', 'o3'].map((node) => originConfig(compiled, node).origin.asked);
  };
  const ping = route('a.hoge.com', 'o1', 80, { origin: undefined, port: undefined, backends, check: { kind: 'icmp' } });
  const disk = route('b.hoge.com', 'o1', 80, { ...script('primary'), paths });
  const usual = route('c.hoge.com', 'o3', 80, { check: { kind: 'http', path: '/up' } });
  expect(asked(ping, disk, usual)).toEqual([
    { icmp: true, scripts: ['primary'] },
    { icmp: true, scripts: ['disk'] },
    undefined,
  ]);
  expect(asked(usual)).toEqual([undefined, undefined, undefined]);
});

test('a check that is written or deleted changes the configuration of its origin alone', () => {
  const files = [origin('o1'), origin('o2'), edge('e1')];
  const before = compile(inputOf([kokoa(), ...files, route('a.hoge.com', 'o1')], { enrolments: everybody }));
  const asking = route('a.hoge.com', 'o1', 80, { check: { kind: 'icmp' } });
  const desired = updateDesired(before.desired, [{ path: asking.path, file: asking }]);
  const after = compile({ ...inputOf([], { enrolments: everybody }), desired }, before);
  expect(originConfig(after, 'o1').origin.asked).toEqual({ icmp: true });
  expect(after.nodes.get('o2')).toBe(before.nodes.get('o2'));
});

test.each<[string, Kokoa['pools'][number], object]>([
  ['nothing', { name: 'default' }, {}],
  ['that it does not pass TLS through', { name: 'default', tlsPassthrough: false }, {}],
  ['that it passes TLS through', { name: 'default', tlsPassthrough: true }, { tlsPassthrough: true }],
  [
    'who stands in front',
    { name: 'default', proxyProtocolFrom: ['2001:DB8::1', '203.0.113.9/28', '203.0.113.1/28'] },
    { proxyProtocolFrom: ['203.0.113.0/28', '2001:db8::1/128'] },
  ],
])('a pool of which kokoa.yaml says %s tells its edges so, whatever its routes, and no other edge', (_, pool, told) => {
  const head = kokoa({ pools: [pool, { name: 'spare' }] });
  const files = [head, edge('e1'), edge('e2', { pool: 'spare' }), origin('o1')];
  const tls = route('a.hoge.com', 'o1', 443, { protocol: 'tls', proxyProtocol: true });
  for (const routes of [[], [route('a.hoge.com', 'o1')], [tls]]) {
    const compiled = compile(inputOf([...files, ...routes], { enrolments: everybody }));
    for (const [node, expected] of [
      ['e1', told],
      ['e2', {}],
    ] as const) {
      const { pool: _pool, members: _members, acme: _acme, chunks: _chunks, ...rest } = edgeConfig(compiled, node).edge;
      expect(rest).toEqual(expected);
    }
  }
});

test('edges of a pool with a name in DNS are told to look at each other, and routes change nothing of that', () => {
  const head = kokoa({ pools: [{ name: 'default', hostname: 'edges.hoge.com' }] });
  const files = [
    head,
    edge('e1', { address: { ipv4: '198.51.100.1' } }),
    edge('e2', { address: { ipv4: '10.1.1.1' } }),
  ];
  const checksOf = (...more: AnyLoadedFile[]) =>
    ['e1', 'e2'].map(
      (node) => edgeConfig(compile(inputOf([...files, ...more], { enrolments: everybody })), node).edge.checks,
    );
  const [first, second] = checksOf(origin('o1'));
  // Nobody knocks at an address that only a laboratory has.
  expect(first).toBeUndefined();
  expect(second).toMatchObject([{ node: 'e1', addresses: ['198.51.100.1'] }]);
  expect(checksOf(origin('o1'), route('a.hoge.com', 'o1'))).toEqual([first, second]);
});

test('a setting of a pool that changes is told at once', () => {
  const files = [edge('e1'), edge('e2')];
  const before = built(files);
  const head = kokoa({ pools: [{ name: 'default', tlsPassthrough: true }] });
  const desired = updateDesired(before.desired, [{ path: head.path, file: head }]);
  const after = compile(inputOf([], { desired, enrolments: everybody }), before);
  expect([before, after].map((one) => edgeConfig(one, 'e2').edge.tlsPassthrough)).toEqual([undefined, true]);
});

test('limits are the route over the defaults of kokoa.yaml over 10m, in bytes', () => {
  const defaults = { limits: { maxBody: '2k', requestsPerSecond: 5, burst: 3 } };
  const files = [
    edge('e1'),
    origin('o1'),
    route('a.hoge.com', 'o1', 80),
    route('b.hoge.com', 'o1', 80, { limits: { maxBody: '3g', requestsPerSecond: 9 } }),
  ];
  const limits = (compiled: Compiled) => routes(compiled, 'e1').map((one) => one.limits);
  expect(limits(built(files))).toEqual([
    { maxBodyBytes: 10 * 1024 ** 2 },
    { maxBodyBytes: 3 * 1024 ** 3, requestsPerSecond: 9 },
  ]);
  expect(limits(compile(inputOf([kokoa({ defaults }), ...files], { enrolments: everybody })))).toEqual([
    { maxBodyBytes: 2048, requestsPerSecond: 5, burst: 3 },
    { maxBodyBytes: 3 * 1024 ** 3, requestsPerSecond: 9, burst: 3 },
  ]);
});

test('a route is served by its pool, and without one by the first pool of kokoa.yaml', () => {
  const files = [
    edge('e1'),
    edge('e2', { pool: 'spare' }),
    origin('o1'),
    route('a.hoge.com', 'o1'),
    route('b.hoge.com', 'o1', 80, { pool: 'spare' }),
  ];
  const compiled = built(files);
  expect(routes(compiled, 'e1').map(({ hostname }) => hostname)).toEqual(['a.hoge.com']);
  expect(routes(compiled, 'e2').map(({ hostname }) => hostname)).toEqual(['b.hoge.com']);
});

test('the revocation of an origin changes peers and no chunk', () => {
  const files = (state: 'active' | 'revoked') => [edge('e1'), origin('o1', { state }), route('a.hoge.com', 'o1')];
  const [before, after] = [built(files('active')), built(files('revoked'))];
  expect([peers(before, 'e1'), peers(after, 'e1')]).toEqual([['o1 dials'], []]);
  expect(after.blobs).toEqual(before.blobs);
});

test('without a valid kokoa.yaml nothing is compiled', () => {
  expect(() => compile(inputOf([edge('e1')], { enrolments: everybody }))).toThrow(
    expect.objectContaining({ code: 'kokoa_missing' }),
  );
});
