// Ten thousand routes, the longest names and many classes: nginx takes the tree and has nothing to warn of.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WireRoute } from '../../bundle/config.ts';
import { openTestbed, type Testbed } from './nginx-testbed.ts';

let bed: Testbed;

beforeAll(async () => {
  bed = await openTestbed();
});

afterAll(() => bed.close());

function routes(count: number, name: (index: number) => string): WireRoute[] {
  return Array.from({ length: count }, (_, index) =>
    bed.route(name(index), {
      backends: [{ address: `10.100.${1 + (index % 200)}.${1 + (index % 250)}`, port: 8080 }],
      limits: {
        maxBodyBytes: 1000 + (index % 20),
        ...(index % 2 ? { requestsPerSecond: 50, burst: 20, connections: 10 } : {}),
      },
      orderer: ['one', 'two', 'three'][index % 3]!,
    }),
  );
}

const label = (index: number) => `${index}-`.padEnd(63, 'x').replace(/x$/, 'y');

test.each<[string, number, (index: number) => string]>([
  ['no routes', 0, String],
  ['one route', 1, () => 'app.hoge.test'],
  [
    '10 000 routes, wildcards among them',
    10_000,
    (index) => `${index % 50 ? '' : '*.'}app-${index}.team${index % 30}.hoge.com`,
  ],
  [
    '200 names of 253 characters',
    200,
    (index) => `${label(index)}.${label(index)}.${label(index)}.${'z'.repeat(57)}.com`,
  ],
])('%s', async (title, count, name) => {
  const folder = await bed.write(title.replaceAll(/[^a-z0-9]/g, ''), routes(count, name));
  expect(await bed.web.test(folder)).toEqual({ ok: true, detail: '' });
});
