// Small worlds for tests: files as the loader would answer them, enrolments as nodes would announce them, and arbitrary ones of both.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Enrolment } from '../../bundle/api.ts';
import type { Edge, Kokoa, Origin, Route } from '../../schemas/types.ts';
import type { BoundEnrolment, Lease } from '../ports/store.ts';
import type { CompileInput } from './compile.ts';
import { type Desired, emptyDesired, updateDesired } from './desired.ts';
import type { AnyLoadedFile, Kind, Values } from './files.ts';
import { NOTHING_SEALED, type Sealed } from './sealed.ts';

export const NOW = new Date('2026-11-21T12:00:00Z');

export function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function loaded<K extends Kind>(kind: K, path: string, value: Values[K] | undefined): AnyLoadedFile {
  const route = kind === 'route' ? (value as Route | undefined) : undefined;
  return {
    path,
    kind,
    value,
    blob: sha(JSON.stringify(value ?? null)),
    problems: [],
    locate: () => ({ line: 1, column: 1 }),
    ...(kind === 'route' && { team: path.split('/')[1], hostname: route?.hostname?.toLowerCase() }),
  } as unknown as AnyLoadedFile;
}

export function kokoa(more: Partial<Kokoa> = {}): AnyLoadedFile {
  return loaded('kokoa', 'kokoa.yaml', {
    controlPlane: { urls: ['https://control.hoge.com:8443'] },
    acme: { server: 'https://ca.example/dir' },
    teams: [{ name: 'hoge', hostnames: ['*.hoge.com'] }],
    network: { wireguard: '10.100.0.0/16' },
    pools: [{ name: 'default' }, { name: 'spare' }],
    ...more,
  });
}

export function edge(name: string, more: Partial<Edge> = {}): AnyLoadedFile {
  return loaded('edge', `edges/${name}.yaml`, {
    name,
    wireguard: { address: `10.100.0.${digits(name)}` },
    token: `sha256:${sha(`token of ${name}`)}`,
    ...more,
  });
}

export function origin(name: string, more: Partial<Origin> = {}): AnyLoadedFile {
  return loaded('origin', `origins/${name}.yaml`, {
    name,
    teams: ['hoge'],
    wireguard: { address: `10.100.1.${digits(name)}` },
    token: sha(`token of ${name}`),
    ...more,
  });
}

export function route(hostname: string, to: string, port = 8080, more: Partial<Route> = {}): AnyLoadedFile {
  return loaded('route', `routes/hoge/${hostname}.yaml`, { hostname, origin: to, port, ...more });
}

/** A route of a public port, named like its file. */
export function portRoute(name: string, publicPort: number, more: Partial<Route> = {}): AnyLoadedFile {
  return loaded('route', `routes/hoge/${name}.yaml`, {
    ...{ protocol: 'tcp', proxyProtocol: false, publicPort, origin: 'o1', port: 8080 },
    ...more,
  });
}

export function desiredOf(files: readonly AnyLoadedFile[]): Desired {
  return updateDesired(
    emptyDesired(),
    files.map((file) => ({ path: file.path, file })),
  );
}

/** What `compile` takes: these files, and nothing announced, leased or sealed. */
export function inputOf(files: readonly AnyLoadedFile[], more: Partial<CompileInput> = {}): CompileInput {
  return { desired: desiredOf(files), enrolments: new Map(), leases: [], sealed: NOTHING_SEALED, now: NOW, ...more };
}

export function wireguardKey(seed: string): string {
  return createHash('sha256').update(seed).digest('base64');
}

export function announcement(node: string, more: Partial<Enrolment> = {}): Enrolment {
  const isEdge = node.startsWith('e');
  return {
    wireguardPublicKey: wireguardKey(`wireguard ${node}`),
    signingKey: createHash('sha256').update(`signing ${node}`).digest('base64url'),
    formats: [1],
    ...(isEdge && { recipient: recipient(node), address: { ipv4: `198.51.100.${digits(node)}` } }),
    ...more,
  };
}

/** The right characters and length; nothing here opens it. */
export function recipient(node: string): string {
  return `age1${sha(`recipient ${node}`).replace(/[1b]/g, 'q').slice(0, 58)}`;
}

export function bound(
  node: string,
  more: Partial<Enrolment> = {},
  under: Partial<BoundEnrolment> = {},
): BoundEnrolment {
  return { node, tokenSha256: sha(`token of ${node}`), generation: 1, enrolment: announcement(node, more), ...under };
}

export function enrolmentMap(...all: BoundEnrolment[]): Map<string, BoundEnrolment> {
  return new Map(all.map((one) => [one.node, one]));
}

function digits(name: string): number {
  return Number(/[0-9]+$/.exec(name)?.[0] ?? 0) + 1;
}

export interface World {
  files: AnyLoadedFile[];
  enrolments: Map<string, BoundEnrolment>;
  leases: Lease[];
  sealed: Sealed;
  now: Date;
}

const HOUR_MS = 3_600_000;

const edgeNames = ['e0', 'e1', 'e2', 'e3'];
const originNames = ['o0', 'o1', 'o2'];
const hostNames = [...Array.from({ length: 14 }, (_, n) => `h${n}.hoge.com`), '*.w.hoge.com'];
const portNames = Array.from({ length: 6 }, (_, n) => `port${n}`);
const POOLS: Kokoa['pools'][] = [
  [{ name: 'default' }, { name: 'spare' }],
  [{ name: 'default' }, { name: 'spare' }],
  [{ name: 'spare' }, { name: 'default', tlsPassthrough: true, proxyProtocolFrom: ['203.0.113.9/28', '::1'] }],
];
const pool = fc.constantFrom(undefined, 'default', 'spare');
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 3 });

const anyEdge = (name: string) =>
  fc
    .record({
      state: fc.constantFrom('active', 'active', 'draining', 'suspended', 'revoked', 'compromised'),
      token: fc.constantFrom(
        sha(`token of ${name}`),
        sha(`token of ${name}`),
        sha(`other token of ${name}`),
        undefined,
      ),
      pool,
    } as const)
    .map((more) => edge(name, more as Partial<Edge>));

const TEAMS: string[][] = [['hoge'], ['hoge'], ['fuga', 'hoge'], ['fuga']];

const anyOrigin = (name: string) =>
  fc
    .record({
      state: fc.constantFrom('active', 'active', 'suspended', 'revoked'),
      address: fc.constantFrom(1, 2),
      teams: fc.constantFrom(...TEAMS),
    } as const)
    .map(({ address, ...more }) =>
      origin(name, { ...more, wireguard: { address: `10.100.${address}.${digits(name)}` } }),
    );

/** Two services that want the same tunnel port of an origin with one team, found by trying; the first one gets it. */
export const SERVICE = { host: '192.168.1.20', port: 80 };
export const OTHER_SERVICE = { host: '192.168.9.1', port: 442 };
export const SERVICE_PORT = 61_000 + (Number.parseInt(sha('192.168.1.20:80').slice(0, 12), 16) % 3200);

const anyTarget = fc
  .record({
    origin: fc.constantFrom(...originNames),
    at: fc.constantFrom(SERVICE, OTHER_SERVICE, { port: 80 }, { port: 81 }),
  })
  .map(({ origin: name, at }) => ({ origin: name, ...at }));

const anyAuth = fc.oneof(
  fc.constantFrom('a', 'b').map((file) => ({ basic: { users: { file } } })),
  anyTarget.map((target) => ({ forward: { ...target, path: '/auth' } })),
);

const anyEnd = maybe(fc.integer({ min: -5, max: 5 })).map((hours) =>
  hours === undefined ? {} : { expiresAt: new Date(NOW.getTime() + hours * HOUR_MS).toISOString() },
);

const anyRoute = (hostname: string) =>
  fc.oneof({ weight: 4, arbitrary: anyHttpRoute(hostname) }, { weight: 1, arbitrary: anyTlsRoute(hostname) });

const anyTlsRoute = (hostname: string) =>
  fc
    .record({ target: anyTarget, pool, proxyProtocol: fc.boolean(), end: anyEnd })
    .map(({ target, pool: at, proxyProtocol, end }) =>
      loaded('route', `routes/hoge/${hostname}.yaml`, {
        ...{ hostname, protocol: 'tls', proxyProtocol, ...target, ...end },
        ...(at && { pool: at }),
      }),
    );

const NETWORKS: string[][] = [['10.0.0.1'], ['::1', '10.0.0.0/8']];

/** Few ports, so that some files claim the same one. */
const anyPortRoute = (name: string) =>
  fc
    .record({
      protocol: fc.constantFrom('tcp', 'udp'),
      publicPort: fc.constantFrom(1000, 999, 20_000),
      targets: fc.array(anyTarget, { minLength: 1, maxLength: 3 }),
      pool,
      connections: maybe(fc.integer({ min: 1, max: 3 })),
      allow: maybe(fc.constantFrom(...NETWORKS)),
      end: anyEnd,
    } as const)
    .map(({ targets, pool: at, connections, allow, end, ...rest }) =>
      loaded('route', `routes/hoge/${name}.yaml`, {
        ...{ ...rest, ...end },
        ...(targets.length > 1 ? { backends: targets } : targets[0]),
        ...(at && { pool: at }),
        ...(connections && { limits: { connections } }),
        ...(allow && { allow }),
      }),
    );

const anyHttpRoute = (hostname: string) =>
  fc
    .record({
      targets: fc.array(anyTarget, { minLength: 1, maxLength: 3 }),
      elsewhere: maybe(anyTarget),
      pool,
      connections: maybe(fc.nat(2)),
      auth: maybe(anyAuth),
      end: anyEnd,
    })
    .map(({ targets, elsewhere, pool: at, connections, auth, end }) => {
      const [first] = targets;
      const backends = targets.length > 1 ? { backends: targets } : first!;
      return loaded('route', `routes/hoge/${hostname}.yaml`, {
        hostname,
        ...backends,
        ...(elsewhere && {
          paths: [
            { prefix: '/api', ...elsewhere },
            { prefix: '/open', public: true },
          ],
        }),
        ...(at && { pool: at }),
        ...(connections && { limits: { connections } }),
        ...(auth && { auth }),
        ...end,
      });
    });

const anyBound = (node: string) =>
  fc
    .record({ acmeThumbprint: maybe(fc.constant(sha(node).slice(0, 43))), generation: fc.constantFrom(1, 1, 2) })
    .map(({ acmeThumbprint, generation }) =>
      bound(node, { ...(acmeThumbprint && { acmeThumbprint }) }, { generation }),
    );

const anyLease = fc
  .record({
    pool: fc.constantFrom('default', 'spare'),
    hostname: fc.constantFrom(...hostNames),
    node: fc.constantFrom(...edgeNames),
    inFuture: fc.boolean(),
  })
  .map(({ inFuture, ...lease }): Lease => ({ ...lease, expiresMs: NOW.getTime() + (inFuture ? 1000 : -1000) }));

const anySealed = fc.array(fc.constantFrom('a', 'b', 'a2'), { maxLength: 2 }).map(
  (known): Sealed => ({
    of: (at, team, { file = '' }) =>
      (known as string[]).includes(file) ? sha(`${at} ${team} ${file} ${known.includes('a2')}`) : undefined,
  }),
);

const some = <T>(names: readonly string[], make: (name: string) => fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.tuple(...names.map((name) => maybe(make(name)))).map((all) => all.filter((one) => one !== undefined) as T[]);

/** Any subset of four edges, three origins, 15 hosts, six files of public ports and their announcements, leases and secrets, at any hour. */
export const anyWorld: fc.Arbitrary<World> = fc
  .record({
    defaults: maybe(fc.constantFrom({ limits: { maxBody: '1m', burst: 5 } }, { limits: { connections: 7 } })),
    pools: fc.constantFrom(...POOLS),
    nodes: fc.tuple(some(edgeNames, anyEdge), some(originNames, anyOrigin)),
    routes: some(hostNames, anyRoute),
    ports: some(portNames, anyPortRoute),
    bounds: some([...edgeNames, ...originNames], anyBound),
    leases: fc.array(anyLease, { maxLength: 6 }),
    sealed: fc.oneof(fc.constant(NOTHING_SEALED), anySealed),
    now: fc.integer({ min: -6, max: 6 }).map((hours) => new Date(NOW.getTime() + hours * HOUR_MS)),
  })
  .map(({ defaults, pools, nodes, routes, ports, bounds, leases, ...rest }) => ({
    ...rest,
    files: [kokoa({ pools, ...(defaults && { defaults }) }), ...nodes.flat(), ...routes, ...ports],
    enrolments: enrolmentMap(...bounds),
    leases: [...new Map(leases.map((lease) => [`${lease.pool} ${lease.hostname}`, lease])).values()],
  }));

/** What leads from one list of files to another, as git would say it. */
export function changesBetween(from: readonly AnyLoadedFile[], to: readonly AnyLoadedFile[]) {
  const kept = new Set(to.map(({ path }) => path));
  const before = new Map(from.map((file) => [file.path, file]));
  return [
    ...from.filter(({ path }) => !kept.has(path)).map(({ path }) => ({ path })),
    ...to.filter((file) => before.get(file.path)?.blob !== file.blob).map((file) => ({ path: file.path, file })),
  ];
}
