// One public port, from what a team writes to what edges are told.
import { expect, test } from 'vitest';
import { canonicalJson } from '../../bundle/canonical.ts';
import { readConfig } from '../../bundle/check-config.ts';
import type { EdgeConfig, WireStream } from '../../bundle/config.ts';
import type { Limits, Route } from '../../schemas/types.ts';
import { compile } from './compile.ts';
import type { LoadedFile } from './files.ts';
import { wireStreamOf } from './wire-stream.ts';
import { desiredOf, edge, inputOf, kokoa, NOW, origin, portRoute, SERVICE, SERVICE_PORT } from './world.fixture.ts';

const A = { address: '10.100.1.2', port: 8080 };
const TO_A = { origin: 'o1', port: 8080 };
const TO_B = { origin: 'o2', port: 90 };
const B = { address: '10.100.1.3', port: 90 };
const UDP = { protocol: 'udp', proxyProtocol: undefined } as const;
const several = (...backends: NonNullable<Route['backends']>) => ({ origin: undefined, port: undefined, backends });

/** As the only edge is told, which must be able to read it. */
function told(more: object, defaults: Limits = {}): WireStream | undefined {
  const file = portRoute('p', 25_565, more);
  const desired = desiredOf([kokoa({ defaults: { limits: defaults } }), edge('e1'), origin('o1'), origin('o2'), file]);
  const { config } = compile(inputOf([], { desired })).nodes.get('e1')!;
  expect(readConfig(canonicalJson(config))).toEqual(JSON.parse(canonicalJson(config)));
  const { streams } = (config as EdgeConfig).edge;
  expect(streams?.length).not.toBe(0);
  const wire = wireStreamOf(file as LoadedFile<'route'>, { desired, limits: defaults, nowMs: NOW.getTime() });
  expect(streams).toEqual(wire && [wire]);
  return wire;
}

test.each<[string, object, Partial<WireStream>]>([
  ['nothing more', {}, {}],
  ['PROXY protocol', { proxyProtocol: true }, { proxyProtocol: true }],
  ['UDP', UDP, { protocol: 'udp' }],
  ['UDP, which has no PROXY header', { protocol: 'udp', proxyProtocol: true }, { protocol: 'udp' }],
  [
    'several backends, in their order',
    { ...several(TO_B, { ...TO_A, weight: 3 }, { ...TO_A, port: 81, backup: true }) },
    { backends: [B, { ...A, weight: 3 }, { ...A, port: 81, backup: true }] },
  ],
  ['sticky', { ...several(TO_A, TO_B), sticky: true }, { backends: [A, B], sticky: true }],
  ['a list of one, which shares nothing', { ...several({ ...TO_A, weight: 7 }), sticky: true }, {}],
  [
    'a service behind the origin',
    { ...TO_A, host: SERVICE.host, port: SERVICE.port },
    { backends: [{ ...A, port: SERVICE_PORT }] },
  ],
  [
    'networks, sorted',
    { allow: ['::1', '10.0.0.9/8', '10.0.0.0/8'], deny: ['10.0.0.1'] },
    { allow: ['10.0.0.0/8', '::1/128'], deny: ['10.0.0.1/32'] },
  ],
  ['a limit', { limits: { connections: 5 } }, { connections: 5 }],
  [
    'times, of which one silence is for both directions',
    { timeouts: { connect: '500ms', read: '2h', send: '1m' } },
    { timeouts: { connectMs: 500, readMs: 7_200_000 } },
  ],
  ['no time that edges know', { timeouts: { send: '1m' } }, {}],
  ['an end to come', { expiresAt: '2026-11-21T12:01Z' }, {}],
  ['a pool', { pool: 'default' }, {}],
])('%s', (_, more, expected) => {
  expect(told(more)).toEqual({ protocol: 'tcp', port: 25_565, backends: [A], ...expected });
});

test('what the route does not say of connections is taken from kokoa.yaml, and nothing else is', () => {
  const defaults = { connections: 7, requestsPerSecond: 5, maxBody: '1m' };
  expect(told({}, defaults)).toEqual({ protocol: 'tcp', port: 25_565, backends: [A], connections: 7 });
  expect(told({ limits: { connections: 9 } }, defaults)?.connections).toBe(9);
});

test.each<[string, object]>([
  ['its time is over', { expiresAt: '2026-11-21T12:00Z' }],
  ['its origin has no file', { origin: 'o9' }],
  ['one of its origins has no file', several(TO_A, { origin: 'o9', port: 1 })],
  ['it has a name instead', { protocol: 'tls', hostname: 'a.hoge.com', publicPort: undefined }],
  ['it leads to nowhere', { origin: undefined, port: undefined }],
])('a port is closed when %s', (_, more) => {
  expect(told(more)).toBeUndefined();
});
