// Many names that pass through, the longest ones, many lists of addresses, and many public ports behind a load balancer: nginx takes the tree and has nothing to warn of.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WireStream } from '../../bundle/config.ts';
import { openTestbed, type Testbed } from './nginx-testbed.ts';

let bed: Testbed;
beforeAll(async () => {
  bed = await openTestbed();
});
afterAll(() => bed.close());

const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const label = (index: number) => `${index}-`.padEnd(63, 'x').replace(/x$/, 'y');

test.each<[string, number, (index: number) => string]>([
  ['60 000 names', 60_000, (index) => `app-${index}.team${index % 30}.hoge.com`],
  ['200 names of 253 characters', 200, (index) => `${`${label(index)}.`.repeat(3)}${'z'.repeat(57)}.com`],
])('%s that pass through', async (title, count, name) => {
  const routes = range(count).map((index) =>
    bed.route(name(index), { protocol: 'tls', backends: [{ address: '10.100.1.1', port: 1000 + index }] }),
  );
  const folder = await bed.write(title.replaceAll(/[^a-z0-9]/g, ''), routes, { tlsPassthrough: true });
  expect(await bed.web.test(folder)).toEqual({ ok: true, detail: '' });
});

test('400 names with lists of addresses of their own', async () => {
  const routes = range(400).map((index) =>
    bed.route(`app-${index}.hoge.com`, { protocol: 'tls', allow: [`10.${index >> 8}.${index & 255}.0/24`] }),
  );
  const folder = await bed.write('lists', routes, { tlsPassthrough: true });
  expect(await bed.web.test(folder)).toEqual({ ok: true, detail: '' });
});

test('200 public ports behind a load balancer', async () => {
  const streams = range(200).map(
    (index): WireStream => ({
      ...{ protocol: 'tcp', port: 20_000 + index, backends: [{ address: '10.100.1.1', port: 1000 + index }] },
      ...(index % 2 && { connections: 10 }),
    }),
  );
  const folder = await bed.write('ports', [], { streams, proxyProtocolFrom: ['127.0.0.2/32'] });
  expect(await bed.web.test(folder)).toEqual({ ok: true, detail: '' });
});
