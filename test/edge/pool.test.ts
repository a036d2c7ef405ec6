// A route is served by the edges of its pool, and by no other: here the one edge is in the pool `default`.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seenBy, visit } from './clients/raw-visit.ts';
import { kokoaYaml } from './fleet-data.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';

let edge: OneEdge;
let home: EchoOrigin;

beforeAll(async () => {
  edge = await startOneEdge();
  home = await startEcho(edge.origins.home);
  const to = `origin: home\nport: ${home.port}\n`;
  await edge.publish({
    'kokoa.yaml': kokoaYaml(edge.prefix, { emptyPools: ['far'] }),
    'routes/hoge/near.yaml': `hostname: near.hoge.com\n${to}`,
    'routes/hoge/here.yaml': `hostname: here.hoge.com\n${to}pool: default\n`,
    'routes/hoge/far.yaml': `hostname: far.hoge.com\n${to}pool: far\n`,
  });
});
afterAll(async () => {
  await edge?.end();
  await home?.end();
});

test.each(['near.hoge.com', 'here.hoge.com'])('%s is served', async (host) => {
  expect(seenBy(await visit(edge, { host })).headers.host).toBe(host);
});

test('a route of another pool is not known here', async () => {
  await expect(visit(edge, { host: 'far.hoge.com' })).rejects.toThrow(/unrecognized name/);
  expect((await visit(edge, { host: 'far.hoge.com', sni: 'near.hoge.com' })).status).toBe(404);
  expect((await visit(edge, { host: 'far.hoge.com', plain: true })).status).toBe(404);
});
