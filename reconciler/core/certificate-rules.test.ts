// Zones and the certificates of their hosts: from kokoa.yaml to what edges are told.
import { expect, it, test } from 'vitest';
import type { Zone } from '../../schemas/types.ts';
import { canBeOrdered, certificateNameOf, certificateRulesOf } from './certificate-rules.ts';
import { checkZones } from './check-zones.ts';
import { chunkEntries } from './chunks.ts';
import { type Compiled, compile } from './compile.ts';
import type { AnyLoadedFile, LoadedFile } from './files.ts';
import type { RouteEntry } from './routing.ts';
import { bound, edge, enrolmentMap, inputOf, kokoa, NOW, origin, route, sha } from './world.fixture.ts';

const WRITTEN = { provider: 'rfc2136', server: '127.0.0.1', credentials: { file: 'x' } } as const;
const ZONES: Zone[] = [
  { name: 'Hoge.com.', ...WRITTEN, wildcard: true },
  { name: 'plain.example', ...WRITTEN },
  { name: 'sub.plain.example', provider: 'manual' },
  { name: 'given.example', provider: 'manual', acmeDelegated: true, wildcard: true },
  { name: 'manual.example', provider: 'manual', wildcard: true },
];
const rules = certificateRulesOf(kokoa({ zones: ZONES }).value as never);

it.each([
  ['app.hoge.com', '*.hoge.com', true],
  ['a.b.hoge.com', 'a.b.hoge.com', true],
  ['hoge.com', 'hoge.com', true],
  ['*.hoge.com', '*.hoge.com', true],
  ['*.b.hoge.com', '*.b.hoge.com', true],
  ['app.plain.example', 'app.plain.example', true],
  ['*.app.plain.example', '*.app.plain.example', true],
  ['*.x.sub.plain.example', '*.x.sub.plain.example', false],
  ['app.given.example', '*.given.example', true],
  ['app.manual.example', 'app.manual.example', true],
  ['*.app.manual.example', '*.app.manual.example', false],
  ['*.unknown.example', '*.unknown.example', false],
])('%s is served by the certificate %s, which can be ordered: %s', (hostname, name, can) => {
  expect(certificateNameOf(hostname, rules)).toBe(name);
  expect(canBeOrdered(name, rules)).toBe(can);
});

test('a delegation into no zone that is written proves nothing: the hosts get certificates of their own, and it is said', () => {
  const alone: Zone[] = [ZONES[2]!, ZONES[3]!];
  const file = kokoa({ zones: alone });
  const lonely = certificateRulesOf(file.value as never);
  expect(certificateNameOf('app.given.example', lonely)).toBe('app.given.example');
  expect(canBeOrdered('*.given.example', lonely)).toBe(false);
  const [problem, ...others] = checkZones(file as LoadedFile<'kokoa'>, alone);
  expect(problem).toMatchObject({
    rule: 'KK415',
    severity: 'warning',
    message: expect.stringContaining('acmeDelegated'),
  });
  expect(others).toEqual([]);
  expect(checkZones(file as LoadedFile<'kokoa'>, [ZONES[1]!, ZONES[3]!])).toEqual([]);
});

const EDGES = ['e1', 'e2', 'e3'];
const hosts = Array.from({ length: 100 }, (_, at) => `h${at}.hoge.com`);
const files = (zones: Zone[], more: AnyLoadedFile[] = []) => [
  ...[kokoa({ zones }), origin('o1'), ...EDGES.map((name) => edge(name))],
  ...[...hosts, 'a.b.hoge.com', '*.b.hoge.com'].map((host) => route(host, 'o1')),
  ...more,
];
const enrolments = enrolmentMap(...EDGES.map((node) => bound(node, { acmeThumbprint: sha(node).slice(0, 43) })));
const wires = ({ routing }: Compiled) =>
  [...chunkEntries(routing.pools.get('default'))].map(({ wire: { hostname, certificate, orderer } }) => ({
    ...{ hostname, certificate, orderer },
  }));

test('100 hosts of one zone: one certificate, one orderer; names of other depths have their own', () => {
  const all = wires(compile(inputOf(files(ZONES), { enrolments })));
  const shared = all.filter(({ hostname }) => hosts.includes(hostname));
  expect(new Set(shared.map(({ certificate }) => certificate))).toEqual(new Set(['*.hoge.com']));
  expect(new Set(shared.map(({ orderer }) => orderer)).size).toBe(1);
  const others = all.filter(({ hostname }) => !hosts.includes(hostname));
  expect(others.map(({ hostname, certificate }) => [hostname, certificate])).toEqual([
    ['*.b.hoge.com', undefined],
    ['a.b.hoge.com', undefined],
  ]);
  expect(others.every(({ orderer }) => orderer !== undefined)).toBe(true);
});

test.each([
  ['*.hoge.com', { orderer: expect.any(String) }],
  ['*.given.example', { orderer: expect.any(String) }],
  ['*.b.hoge.com', { ownCertificate: {} }],
  ['*.plain.example', { ownCertificate: {} }],
  ['app.hoge.com', { ownCertificate: {} }],
])('past the check %s brings a certificate', (hostname, expected) => {
  const bringing = route(hostname, 'o1', 8080, { tls: { certificate: { file: 'cert' } } });
  const found = compile(
    inputOf([kokoa({ zones: ZONES }), origin('o1'), ...EDGES.map((name) => edge(name)), bringing], { enrolments }),
  );
  const [{ wire }] = [...chunkEntries(found.routing.pools.get('default'))] as [RouteEntry];
  const { certificate, orderer, ownCertificate } = wire;
  expect({
    ...(certificate && { certificate }),
    ...(orderer && { orderer }),
    ...(ownCertificate && { ownCertificate }),
  }).toEqual(expected);
});

test('a zone that changes, and a lease that is taken and ends, lead to what a compile from nothing says', () => {
  const plain = files([]);
  const lease = { pool: 'default', hostname: '*.hoge.com', expiresMs: NOW.getTime() + 1 };
  let before: Compiled | undefined;
  for (const input of [
    inputOf(plain, { enrolments }),
    inputOf(files(ZONES), { enrolments }),
    ...EDGES.map((node) => inputOf(files(ZONES), { enrolments, leases: [{ ...lease, node }] })),
    inputOf(files(ZONES), { enrolments }),
    inputOf(files([{ name: 'hoge.com', provider: 'manual' }]), { enrolments }),
  ]) {
    const found = compile(input, before);
    expect(wires(found)).toEqual(wires(compile(input)));
    const shared = wires(found).filter(({ certificate }) => certificate === '*.hoge.com');
    if (input.leases.length > 0)
      expect(new Set(shared.map(({ orderer }) => orderer))).toEqual(new Set([input.leases[0]!.node]));
    before = found;
  }
  expect(wires(before!).find(({ hostname }) => hostname === '*.b.hoge.com')?.orderer).toBeUndefined();
});

test('what passes through unopened has no certificate of ours', () => {
  const passing = route('tls.hoge.com', 'o1', 443, { protocol: 'tls' });
  const found = wires(compile(inputOf(files(ZONES, [passing]), { enrolments })));
  expect(found.find(({ hostname }) => hostname === 'tls.hoge.com')).toEqual({ hostname: 'tls.hoge.com' });
});
