import { describe, expect, it } from 'vitest';
import type { Chunk } from '../bundle/config.ts';
import { newBackends, untilOpen } from './backends-open.ts';

const chunk = (...targets: [string, number][]): Chunk => ({
  routes: targets.map(([address, port], index) => ({
    hostname: `h${index}.hoge.com`,
    backends: [{ address, port }],
    limits: { maxBodyBytes: 1 },
  })),
});

describe('new backends', () => {
  it('are those of the wanted routes that nothing running uses, each once', () => {
    const running = [chunk(['10.100.1.1', 8080])];
    const wanted = [chunk(['10.100.1.1', 8080], ['10.100.1.1', 8081]), chunk(['10.100.1.1', 8081])];
    expect(newBackends(wanted, running)).toEqual([{ address: '10.100.1.1', port: 8081 }]);
    expect(newBackends(running, running)).toEqual([]);
  });

  it('are bounded', () => {
    const many = chunk(...Array.from({ length: 500 }, (_, index): [string, number] => ['10.100.1.1', index + 1]));
    expect(newBackends([many], [])).toHaveLength(32);
  });
});

describe('waiting until backends are open', () => {
  const backend = { address: '10.100.1.1', port: 8081 };

  it('ends as soon as the silent one answers', async () => {
    let asked = 0;
    const silent = await untilOpen([backend], async () => ++asked >= 3, 5_000);
    expect([silent, asked]).toEqual([[], 3]);
  });

  it('gives up on one that never answers, and names it', async () => {
    const dead = { address: '10.100.2.1', port: 9 };
    const silent = await untilOpen([backend, dead], async ({ port }) => port !== 9, 60);
    expect(silent).toEqual([dead]);
  });

  it('asks nobody when nothing is new', async () => {
    expect(await untilOpen([], () => Promise.reject(new Error('asked')))).toEqual([]);
  });
});
