// Requests that fail while an edge looks: said once, told each time, and over after a while.
import { expect, onTestFinished, test, vi } from 'vitest';
import { createFailedRequests } from './failed-requests.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');
const line = (address: string) =>
  `2026/11/23 06:10:11 [error] 1#1: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 198.51.100.1, server: kokoa, upstream: "http://${address}:80/"\n`;

function looking(quietMs: number) {
  const told: string[][] = [];
  const lines: string[] = [];
  const world = { written: '', told, lines };
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const failed = createFailedRequests({
    async read() {
      const { written } = world;
      world.written = '';
      return written;
    },
    isBackend: ({ address }) => address !== '10.100.9.9',
    told: (backends) => void told.push(backends.map(({ address, port }) => `${address}:${port}`)),
    log: { info: write, warn: write },
    ...{ now: () => NOW, lookMs: 10, quietMs },
  });
  const stop = new AbortController();
  const ended = failed.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  return { failed, world };
}

test('each backend is told of once for a look, however many requests failed', async () => {
  const { failed, world } = looking(60_000);
  world.written = line('10.100.1.1') + line('10.100.9.9') + line('10.100.2.1') + line('10.100.1.1');
  await vi.waitFor(() => expect(world.told).toEqual([['10.100.1.1:80', '10.100.2.1:80']]));
  world.written = line('10.100.1.1');
  await vi.waitFor(() => expect(world.told).toHaveLength(2));
  const since = '2030-01-01T00:00:00.000Z';
  expect(failed.failing()).toEqual([
    { backend: '10.100.1.1:80', since },
    { backend: '10.100.2.1:80', since },
  ]);
  expect(world.lines).toEqual([
    'a backend fails requests {"backend":"10.100.1.1:80"}',
    'a backend fails requests {"backend":"10.100.2.1:80"}',
  ]);
});

test('after a while without a failure it is over, with the number of them', async () => {
  const { failed, world } = looking(50);
  world.written = line('10.100.1.1') + line('10.100.1.1');
  await vi.waitFor(() => expect(world.lines).toHaveLength(2));
  expect(world.lines[1]).toBe('a backend fails no requests any more {"backend":"10.100.1.1:80","requests":2}');
  expect(failed.failing()).toEqual([]);
});
