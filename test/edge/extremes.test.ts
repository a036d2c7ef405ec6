// What the schema allows at most, a real nginx takes: a value that passes here and fails there would stop every change of the pool.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OneEdge, startOneEdge } from './one-edge.ts';

let edge: OneEdge;
beforeAll(async () => {
  edge = await startOneEdge();
});
afterAll(() => edge.end());

const longest = (prefix: string) => prefix.padEnd(44, 'x');
const headers = (way: string) =>
  `headers:\n  request:\n    set: { ${longest(`X-Set-${way}`)}: '${'v'.repeat(1000)}' }\n    remove: [${longest(`X-Gone-${way}`)}]\n` +
  `  response:\n    set: { ${longest(`X-Add-${way}`)}: '${'v'.repeat(1000)}' }\n    remove: [${longest(`X-Hide-${way}`)}]\n`;
const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const networks = range(200).map((n) => `198.51.${n}.0/24`);

test.each<[string, string]>([
  ['limits', 'limits: { maxBody: 999999g, requestsPerSecond: 100000, burst: 100000, connections: 65535 }\n'],
  ['timeouts', 'timeouts: { connect: 1m, read: 24h, send: 24h }\n'],
  ['headers', headers('http')],
  ['headers of gRPC', `protocol: h2c\n${headers('grpc')}`],
  ['hsts', 'hsts: { maxAge: 63072000, includeSubDomains: true, preload: true }\n'],
  ['lists of addresses', `allow: [${networks.join(', ')}]\ndeny: [${networks.join(', ')}]\n`],
  ['error pages', `errorPages: { '404': '${'x'.repeat(4000)}', '502': '${'y'.repeat(4000)}' }\n`],
  [
    'identity headers of gRPC',
    `protocol: h2c\nauth:\n  forward:\n    origin: login\n    port: 4180\n    path: /${'a'.repeat(199)}\n    signIn: /${'b'.repeat(199)}\n    identityHeaders: [${range(
      16,
    )
      .map((n) => longest(`X-Who-${String.fromCharCode(97 + n)}`))
      .join(', ')}]\n`,
  ],
  [
    'paths',
    `paths:\n${range(32)
      .map((n) => `  - { prefix: /${`${n}-`.padEnd(32, 'p')}${`/${'q'.repeat(32)}`.repeat(5)}, stripPrefix: true }\n`)
      .join('')}`,
  ],
])('%s', async (_field, yaml) => {
  await edge.publish({ 'routes/hoge/app.yaml': `hostname: app.hoge.com\norigin: home\nport: 8080\n${yaml}` });
  expect([...edge.tree().keys()]).toContain('classes.conf');
});

test('backends', async () => {
  const backends = range(16).map((n) => `  - { origin: home, port: ${9000 + n}, weight: 100 }\n`);
  await edge.publish({ 'routes/hoge/app.yaml': `hostname: app.hoge.com\nbackends:\n${backends.join('')}` });
  expect(edge.tree().get('upstreams.conf')).toContain('weight=100');
});
