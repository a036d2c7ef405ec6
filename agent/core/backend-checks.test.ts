import { describe, expect, it } from 'vitest';
import type { WireBackend, WireCheck, WireRoute, WireStream } from '../../bundle/config.ts';
import { ASKED_PER_SECOND_MAX, BACKEND_PACE, backendChecks, downAmongSeveral, WAITING_MAX } from './backend-checks.ts';

const HOME = { address: '10.100.1.1', port: 8080 };
const OFFICE = { address: '10.100.2.1', port: 8080, backup: true as const };
const limits = { maxBodyBytes: 1 };
const route = (backends: WireBackend[], more: Partial<WireRoute> = {}): WireRoute => ({
  ...{ hostname: 'app.hoge.com', backends, limits },
  ...more,
});
const stream = (protocol: 'tcp' | 'udp', backends: WireBackend[], check?: WireCheck): WireStream => ({
  ...{ protocol, port: 25_565, backends },
  ...(check && { check }),
});
const asked = (routes: WireRoute[], streams: WireStream[] = []) => backendChecks([{ routes }], streams);
const shown = (routes: WireRoute[], streams?: WireStream[]) =>
  asked(routes, streams).map(
    ({ view, pace }) => `${view.check} ${view.address}:${view.port} ${pace.intervalMs / 1000}s`,
  );

describe('whom an edge asks', () => {
  it.each<[string, WireRoute[], WireStream[], string[]]>([
    ['the only backend of a route: now and then', [route([HOME])], [], ['tcp 10.100.1.1:8080 30s']],
    ['each of several: often', [route([HOME, OFFICE])], [], ['tcp 10.100.1.1:8080 5s', 'tcp 10.100.2.1:8080 5s']],
    [
      'the only one of which somebody wrote how: often',
      [route([HOME], { check: { kind: 'icmp' } })],
      [],
      ['icmp 10.100.1.1:8080 5s'],
    ],
    ['nobody of whom somebody wrote that', [route([HOME, OFFICE], { check: { kind: 'none' } })], [], []],
    ['nobody of a redirect', [route([], { redirect: { to: 'https://a.test', status: 308 } })], [], []],
    [
      'a login service, and the backends of paths',
      [
        route([HOME], {
          auth: { kind: 'forward', address: '10.100.3.1', port: 4180, path: '/' },
          paths: [{ prefix: '/api', backends: [{ address: '10.100.4.1', port: 9000 }] }],
        }),
      ],
      [],
      ['tcp 10.100.1.1:8080 30s', 'tcp 10.100.4.1:9000 30s', 'tcp 10.100.3.1:4180 30s'],
    ],
    [
      'a backend of two routes once, as the one wants it that needs it more',
      [route([HOME]), route([HOME, OFFICE], { hostname: 'b.hoge.com' })],
      [],
      ['tcp 10.100.1.1:8080 5s', 'tcp 10.100.2.1:8080 5s'],
    ],
    [
      'nobody of a public port that could be written down by a service that speaks first',
      [],
      [stream('tcp', [HOME])],
      [],
    ],
    [
      'several of a public port',
      [],
      [stream('tcp', [HOME, OFFICE])],
      ['tcp 10.100.1.1:8080 5s', 'tcp 10.100.2.1:8080 5s'],
    ],
    ['nobody of a public port for datagrams', [], [stream('udp', [HOME, OFFICE])], []],
    ['those of whom somebody wrote how', [], [stream('udp', [HOME], { kind: 'icmp' })], ['icmp 10.100.1.1:8080 5s']],
  ])('%s', (_, routes, streams, expected) => {
    expect(shown(routes, streams)).toEqual(expected);
  });
});

describe('how', () => {
  const http = { kind: 'http', path: '/healthz' } as const;
  const address = HOME.address;
  it.each<[string, Partial<WireRoute>, object]>([
    ['by a connection', {}, { kind: 'tcp', ...HOME }],
    [
      'by HTTP, for the hostname',
      { check: http },
      { kind: 'http', ...HOME, hostname: 'app.hoge.com', path: '/healthz' },
    ],
    [
      'by HTTPS, where the route speaks that, for the name that its certificate must carry',
      { check: http, protocol: 'https', originTls: { verify: 'none', serverName: 'nas.lan' } },
      { kind: 'https', ...HOME, hostname: 'nas.lan', path: '/healthz' },
    ],
    [
      'for another name that somebody wrote',
      { check: { ...http, hostname: 'up.hoge.com', status: { from: 200, to: 204 }, body: 'ok' } },
      { kind: 'http', ...HOME, hostname: 'up.hoge.com', path: '/healthz', status: { from: 200, to: 204 }, body: 'ok' },
    ],
    [
      'for an address, where the hostname is nobody in particular',
      { hostname: '*.hoge.com', check: http },
      { kind: 'http', ...HOME, hostname: address, path: '/healthz' },
    ],
    [
      'by a script of its owner',
      { check: { kind: 'script', script: 'disk' } },
      { kind: 'http', address, port: 1_023, hostname: address, path: '/disk', status: { from: 200, to: 200 } },
    ],
  ])('%s', (_, more, expected) => {
    expect(asked([route([HOME], more)])[0]!.check).toEqual(expected);
  });

  it('at the pace that somebody wrote, and never longer than until the next time', () => {
    const check: WireCheck = { kind: 'tcp', intervalMs: 1_000, healthy: 4 };
    expect(asked([route([HOME], { check })])[0]!.pace).toEqual({
      ...{ ...BACKEND_PACE, intervalMs: 1_000, timeoutMs: 1_000, healthy: 4 },
    });
  });
});

it('asks many more rarely, and those that matter as often as if the others were not', () => {
  const alone = Array.from({ length: 10_000 }, (_, index) =>
    route([{ address: `10.101.${index >> 8}.${index & 255}`, port: 80 }], { hostname: `h${index}.hoge.com` }),
  );
  const checks = asked([...alone, route([HOME, OFFICE])]);
  expect(checks.slice(0, 2).map(({ pace }) => pace)).toEqual([BACKEND_PACE, BACKEND_PACE]);
  const perSecond = checks.slice(2).reduce((sum, { pace }) => sum + 1_000 / pace.intervalMs, 0);
  expect(perSecond).toBeGreaterThan(ASKED_PER_SECOND_MAX / 2);
  expect(perSecond).toBeLessThanOrEqual(ASKED_PER_SECOND_MAX);
});

it('those who would be asked most often give way first, and one more changes nobody’s pace', () => {
  const hasty = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      route([{ address: `10.102.${index >> 8}.${index & 255}`, port: 80 }], {
        ...{ hostname: `h${index}.hoge.com`, check: { kind: 'tcp', intervalMs: 1_000 } },
      }),
    );
  const paces = (count: number) => asked([route([HOME, OFFICE]), ...hasty(count)]).map(({ pace }) => pace.intervalMs);
  expect(new Set(paces(150))).toEqual(new Set([5_000, 4_000]));
  expect(new Set(paces(151))).toEqual(new Set(paces(150)));
  expect(new Set(paces(1_600))).toEqual(new Set([64_000]));
});

it('those who may take long are asked more rarely, so that nobody waits for their answers', () => {
  const slow = Array.from({ length: 500 }, (_, index) =>
    route([{ address: `10.103.${index >> 8}.${index & 255}`, port: 80 }], {
      ...{ hostname: `h${index}.hoge.com`, check: { kind: 'tcp', intervalMs: 10_000, timeoutMs: 10_000 } },
    }),
  );
  const waiting = asked(slow).reduce((sum, { pace }) => sum + pace.timeoutMs / pace.intervalMs, 0);
  expect(waiting).toBeLessThanOrEqual(WAITING_MAX);
});

it.each([
  ['first', [route([HOME], { check: { kind: 'tcp' } }), route([HOME, OFFICE], { hostname: 'b.hoge.com' })]],
  ['last', [route([HOME, OFFICE], { hostname: 'b.hoge.com' }), route([HOME], { check: { kind: 'tcp' } })]],
])('a route with one backend that asks the same %s keeps nobody else’s from being withdrawn', (_, routes) => {
  const [home] = asked(routes as WireRoute[]).filter(({ view }) => view.address === HOME.address);
  expect(downAmongSeveral([{ routes: routes as WireRoute[] }], undefined, new Set([home!.id]))).toEqual([home!.id]);
});

it('a backend that is down counts only where it is among several', () => {
  const routes = [route([HOME, OFFICE]), route([{ address: '10.100.3.1', port: 1 }], { hostname: 'b.hoge.com' })];
  const all = new Set(asked(routes).map(({ id }) => id));
  expect([...all].map((id) => id.slice(0, -17))).toEqual([
    'tcp 10.100.1.1:8080',
    'tcp 10.100.2.1:8080',
    'tcp 10.100.3.1:1',
  ]);
  expect(downAmongSeveral([{ routes }], undefined, all).map((id) => id.slice(0, -17))).toEqual([
    'tcp 10.100.1.1:8080',
    'tcp 10.100.2.1:8080',
  ]);
  expect(downAmongSeveral([{ routes }], undefined, new Set())).toEqual([]);
});
